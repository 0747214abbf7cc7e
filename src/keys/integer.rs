//! The little arithmetic of whole numbers that an RSA key needs besides modular powers.
//!
//! Numbers are 64-bit limbs, the least significant first. Each result is wiped on drop.

use std::cmp::Ordering;

use zeroize::Zeroizing;

/// A number of any length, wiped on drop.
pub(super) type Integer = Zeroizing<Vec<u64>>;

/// `a b`, in as many limbs as both have together.
pub(super) fn product(a: &[u64], b: &[u64]) -> Integer {
    let mut product = Zeroizing::new(vec![0; a.len() + b.len()]);
    for (offset, &b) in b.iter().enumerate() {
        let mut carry = 0;
        for (limb, &a) in product[offset..].iter_mut().zip(a) {
            let sum = u128::from(a) * u128::from(b) + u128::from(*limb) + u128::from(carry);
            (*limb, carry) = (sum as u64, (sum >> 64) as u64);
        }
        product[offset + a.len()] = carry;
    }
    product
}

/// The quotient and the remainder of a division by one limb, which is not 0.
pub(super) fn divide(number: &[u64], divisor: u64) -> (Integer, u64) {
    let mut quotient = Zeroizing::new(number.to_vec());
    let mut remainder = 0;
    for limb in quotient.iter_mut().rev() {
        let dividend = u128::from(remainder) << 64 | u128::from(*limb);
        // The remainder is below the divisor, so the quotient fits one limb.
        *limb = (dividend / u128::from(divisor)) as u64;
        remainder = (dividend % u128::from(divisor)) as u64;
    }
    (quotient, remainder)
}

/// `exponent^-1 mod modulus` for a prime exponent below 2^32; none if the exponent divides the modulus.
pub(super) fn inverse_of_prime(exponent: u32, modulus: &[u64]) -> Option<Integer> {
    let exponent = u64::from(exponent);
    let (_, remainder) = divide(modulus, exponent);
    if remainder == 0 {
        return None;
    }
    // With k = -modulus^-1 mod exponent, 1 + k modulus is a multiple of the exponent, and the quotient is the inverse.
    // Fermat gives the inverse of the remainder, as the exponent is prime.
    let inverse = (0..exponent - 2).fold(1, |power, _| power * remainder % exponent);
    let mut multiple = product(modulus, &[exponent - inverse]);
    // Starts from 1: the 1 of 1 + k modulus.
    let mut carry = true;
    for limb in multiple.iter_mut() {
        (*limb, carry) = limb.overflowing_add(u64::from(carry));
    }
    let (mut quotient, _) = divide(&multiple, exponent);
    // Below the modulus, thus no longer than it.
    quotient.truncate(modulus.len());
    Some(quotient)
}

/// The greatest common divisor of two odd numbers of the same length (Stein's binary algorithm).
pub(super) fn gcd_of_odd(a: &[u64], b: &[u64]) -> Integer {
    let (mut a, mut b) = (Zeroizing::new(a.to_vec()), Zeroizing::new(b.to_vec()));
    loop {
        match a.iter().rev().cmp(b.iter().rev()) {
            Ordering::Equal => return a,
            Ordering::Less => std::mem::swap(&mut a, &mut b),
            Ordering::Greater => {}
        }
        let mut borrow = false;
        for (a, &b) in a.iter_mut().zip(b.iter()) {
            let (difference, first) = a.overflowing_sub(b);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            *a = difference;
            borrow = first | second;
        }
        // The difference of two different odd numbers is even and not 0.
        while a[0] & 1 == 0 {
            shift_right_by_one(&mut a);
        }
    }
}

/// Halves the number, rounding down.
pub(super) fn shift_right_by_one(number: &mut [u64]) {
    let mut carry = 0;
    for limb in number.iter_mut().rev() {
        (*limb, carry) = (*limb >> 1 | carry, *limb << 63);
    }
}

/// The remainder of a division; `modulus` is not 0 and has its leading zeros cut or not. Bit by bit: it runs a few times
/// in the life of a key.
pub(super) fn remainder(number: &[u64], modulus: &[u64]) -> Integer {
    let mut rest = Zeroizing::new(vec![0; modulus.len() + 1]);
    for limb in number.iter().rev() {
        for place in (0..64).rev() {
            let mut carry = limb >> place & 1;
            for limb in rest.iter_mut() {
                (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
            }
            subtract_once(&mut rest, modulus);
        }
    }
    rest.truncate(modulus.len());
    rest
}

/// Subtracts `modulus` from the longer `number` if that is not below it.
fn subtract_once(number: &mut [u64], modulus: &[u64]) {
    let digit = |place: usize| modulus.get(place).copied().unwrap_or(0);
    let below = number.iter().enumerate().rev().find(|(place, limb)| **limb != digit(*place));
    if below.is_some_and(|(place, limb)| *limb < digit(place)) {
        return;
    }
    let mut borrow = false;
    for (place, limb) in number.iter_mut().enumerate() {
        let (difference, first) = limb.overflowing_sub(digit(place));
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        (*limb, borrow) = (difference, first | second);
    }
}

/// The number of these bytes, the most significant first.
pub(super) fn from_be_bytes(bytes: &[u8]) -> Integer {
    let limbs = bytes.rchunks(8).map(|chunk| chunk.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte)));
    Zeroizing::new(limbs.collect())
}

/// The number's bytes, the most significant first, with leading zeros.
pub(super) fn to_be_bytes(number: &[u64]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(number.len() * 8));
    for limb in number.iter().rev() {
        bytes.extend_from_slice(&limb.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use num_bigint::BigUint;

    use super::{divide, from_be_bytes, gcd_of_odd, inverse_of_prime, product, to_be_bytes};

    fn to_big(limbs: &[u64]) -> BigUint {
        BigUint::from_bytes_be(&to_be_bytes(limbs))
    }

    fn samples() -> Vec<[u64; 3]> {
        let max = u64::MAX;
        vec![
            [1, 0, 0],
            [3 * 5 * 7, 0, 0],
            [max, 0, 0],
            [max, max, max],
            [1, 0, 1 << 63],
            [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3211, 0x8888_0000_ffff_1234],
            [65_537 * 9, 0, 0],
            [max - 2, max / 3, 21],
        ]
    }

    #[test]
    fn agrees_with_num_bigint() {
        for a in samples() {
            for b in samples() {
                let (big_a, big_b) = (to_big(&a), to_big(&b));
                assert_eq!(to_big(&product(&a, &b)), &big_a * &big_b, "{a:?} {b:?}");
                let (quotient, remainder) = divide(&a, b[0]);
                assert_eq!(to_big(&quotient), &big_a / b[0], "{a:?} {}", b[0]);
                assert_eq!(BigUint::from(remainder), &big_a % b[0], "{a:?} {}", b[0]);
                assert_eq!(to_big(&super::remainder(&a, &b)), &big_a % &big_b, "{a:?} {b:?}");
                assert_eq!(*from_be_bytes(&to_be_bytes(&a)), a);
                let mut pair = (big_a, big_b);
                while pair.1 != BigUint::ZERO {
                    pair = (pair.1.clone(), pair.0 % pair.1);
                }
                assert_eq!(to_big(&gcd_of_odd(&a, &b)), pair.0, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn inverses_exist_exactly_where_they_can() {
        for exponent in [3, 5, 65_537] {
            for modulus in samples().into_iter().skip(1) {
                let inverse = inverse_of_prime(exponent, &modulus).map(|inverse| to_big(&inverse));
                let expected = BigUint::from(exponent).modinv(&to_big(&modulus));
                assert_eq!(inverse, expected, "{exponent} {modulus:?}");
            }
        }
        // The largest product that arises before the division: every bit of the modulus is set.
        assert!(inverse_of_prime(65_537, &[u64::MAX; 64]).is_none(), "2^4096 - 1 is a multiple of 65537");
        let modulus = [u64::MAX - 1; 64];
        let inverse = inverse_of_prime(65_537, &modulus).unwrap();
        assert_eq!(to_big(&inverse) * 65_537_u32 % to_big(&modulus), BigUint::from(1_u32));
    }
}
