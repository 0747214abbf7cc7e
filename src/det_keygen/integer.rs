//! The little arithmetic of whole numbers that an RSA key needs besides modular powers.
//!
//! Numbers are 64-bit limbs, the least significant first. Each result is wiped on drop.
//!
//! crypto-bigint, which the elliptic curves bring along, gives the same numbers in a time that does not depend on them, but takes
//! four times as long for the greatest common divisor and the inverse that each key needs: 235 microseconds in place of 57 for
//! RSA-2048, which by the number of keys is 3 % of a cluster's build with AVX-512 IFMA. Its forms in variable time are no faster
//! than these and no safer: they, too, free memory that they have not wiped.

use std::cmp::Ordering;

use zeroize::Zeroizing;

use super::trial_division::inverse;

/// A number of any length, wiped on drop.
pub type Integer = Zeroizing<Vec<u64>>;

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

/// The quotient and the remainder of a division by half a limb, which is not 0.
pub(super) fn divide(number: &[u64], divisor: u32) -> (Integer, u32) {
    let mut quotient = Zeroizing::new(number.to_vec());
    let mut remainder = 0;
    for limb in quotient.iter_mut().rev() {
        // Half a limb at a time: a remainder and one half fit a limb, and the quotient of those is below 2^32.
        let high = (remainder << 32) | (*limb >> 32);
        let low = ((high % u64::from(divisor)) << 32) | (*limb & 0xffff_ffff);
        *limb = ((high / u64::from(divisor)) << 32) | (low / u64::from(divisor));
        remainder = low % u64::from(divisor);
    }
    (quotient, remainder as u32)
}

/// `exponent^-1 mod modulus` for a prime exponent; none if the exponent divides the modulus.
pub(super) fn inverse_of_prime(exponent: u32, modulus: &[u64]) -> Option<Integer> {
    let (_, remainder) = divide(modulus, exponent);
    if remainder == 0 {
        return None;
    }
    // With k = -modulus^-1 mod exponent, 1 + k modulus is a multiple of the exponent, and the quotient is the inverse.
    let inverse = inverse_modulo(remainder, exponent);
    let mut multiple = product(modulus, &[u64::from(exponent - inverse)]);
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

/// `number^-1` modulo a prime: `number^(prime - 2)`, by Fermat.
fn inverse_modulo(number: u32, prime: u32) -> u32 {
    let (mut power, mut square, mut exponent) = (1, u64::from(number), prime - 2);
    while exponent != 0 {
        if exponent & 1 == 1 {
            power = power * square % u64::from(prime);
        }
        square = square * square % u64::from(prime);
        exponent >>= 1;
    }
    power as u32
}

/// The greatest common divisor of two odd numbers of the same length (Stein's binary algorithm).
pub(super) fn gcd_of_odd(a: &[u64], b: &[u64]) -> Integer {
    let (mut a, mut b) = (Zeroizing::new(a.to_vec()), Zeroizing::new(b.to_vec()));
    loop {
        match compare(&a, &b) {
            Ordering::Equal => return a,
            Ordering::Less => std::mem::swap(&mut a, &mut b),
            Ordering::Greater => {}
        }
        // The difference of two different odd numbers is even and not 0.
        subtract(&mut a, &b);
        shift_out_zeros(&mut a);
    }
}

/// `number^-1` modulo an odd modulus of the same length that is larger; none if there is none.
///
/// Kaliski's almost inverse (IEEE Trans. Comput. 44, 1995), which keeps `modulus = u s + v r` and finds the inverse times a
/// power of 2, and then as many halvings.
pub(super) fn inverse_modulo_odd(number: &[u64], modulus: &[u64]) -> Option<Integer> {
    if number.iter().all(|limb| *limb == 0) {
        return None;
    }
    let length = modulus.len();
    let (mut u, mut v) = (Zeroizing::new(modulus.to_vec()), Zeroizing::new(number.to_vec()));
    // Both stay below twice the modulus.
    let (mut r, mut s) = (Zeroizing::new(vec![0; length + 1]), Zeroizing::new(vec![0; length + 1]));
    s[0] = 1;
    let mut shifts = shift_out_zeros(&mut v);
    loop {
        let count = match compare(&u, &v) {
            Ordering::Equal => break,
            Ordering::Greater => {
                subtract(&mut u, &v);
                add(&mut r, &s);
                let count = shift_out_zeros(&mut u);
                shift_left(&mut s, count);
                count
            }
            Ordering::Less => {
                subtract(&mut v, &u);
                add(&mut s, &r);
                let count = shift_out_zeros(&mut v);
                shift_left(&mut r, count);
                count
            }
        };
        shifts += count;
    }
    if u[0] != 1 || u[1..].iter().any(|limb| *limb != 0) {
        return None;
    }
    // The step to v = 0: now -r is the inverse times 2^shifts.
    shift_left(&mut r, 1);
    shifts += 1;
    let mut multiple = Zeroizing::new(modulus.to_vec());
    multiple.push(0);
    subtract_if_not_below(&mut r, &multiple);
    subtract(&mut multiple, &r);

    let factor = inverse(modulus[0]).wrapping_neg();
    while shifts > 0 {
        // A multiple of the modulus makes the low bits 0; what is left of it is at most the modulus.
        let bits = shifts.min(63);
        let quotient = multiple[0].wrapping_mul(factor) & (u64::MAX >> (64 - bits));
        let mut carry = 0;
        for (limb, &modulus) in multiple.iter_mut().zip(modulus.iter().chain([&0])) {
            let sum = u128::from(quotient) * u128::from(modulus) + u128::from(*limb) + u128::from(carry);
            (*limb, carry) = (sum as u64, (sum >> 64) as u64);
        }
        shift_right(&mut multiple, bits);
        shifts -= bits;
    }
    multiple.truncate(length);
    Some(multiple)
}

/// Compares two numbers of the same length.
fn compare(a: &[u64], b: &[u64]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

/// Subtracts `b` from `a`, of the same length; whether `a` was smaller.
pub(super) fn subtract(a: &mut [u64], b: &[u64]) -> bool {
    let mut borrow = false;
    for (a, &b) in a.iter_mut().zip(b) {
        let (difference, first) = a.overflowing_sub(b);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        (*a, borrow) = (difference, first | second);
    }
    borrow
}

/// Subtracts `b` from `a`, of the same length, unless `a` is below it.
pub(super) fn subtract_if_not_below(a: &mut [u64], b: &[u64]) {
    if compare(a, b) != Ordering::Less {
        subtract(a, b);
    }
}

/// Shifts right until the number, which is not 0, is odd. How far.
fn shift_out_zeros(number: &mut [u64]) -> u32 {
    let mut shifts = 0;
    loop {
        // Short of a whole limb, so that shifts by 64 do not arise.
        let zeros = number[0].trailing_zeros().min(63);
        if zeros == 0 {
            return shifts;
        }
        shift_right(number, zeros);
        shifts += zeros;
    }
}

/// By 1 to 63 bits.
fn shift_right(number: &mut [u64], bits: u32) {
    let mut above = 0;
    for limb in number.iter_mut().rev() {
        (*limb, above) = (*limb >> bits | above, *limb << (64 - bits));
    }
}

/// By any number of bits; what leaves the top is lost.
fn shift_left(number: &mut [u64], bits: u32) {
    let mut rest = bits;
    while rest > 0 {
        let bits = rest.min(63);
        let mut below = 0;
        for limb in number.iter_mut() {
            (*limb, below) = (*limb << bits | below, *limb >> (64 - bits));
        }
        rest -= bits;
    }
}

/// Halves the number, rounding down.
pub(super) fn shift_right_by_one(number: &mut [u64]) {
    shift_right(number, 1);
}

/// The remainder of a division by a number whose top bit is set (Knuth, TAOCP 2, section 4.3.1, algorithm D).
pub(super) fn remainder(number: &[u64], modulus: &[u64]) -> Integer {
    let length = modulus.len();
    let top = u128::from(modulus[length - 1]);
    // One limb more than the number, then as many as the modulus at least.
    let mut rest = Zeroizing::new(number.to_vec());
    rest.resize(number.len().max(length) + 1, 0);
    for place in (0..rest.len() - length).rev() {
        // The highest limbs of this part of the number and of the modulus tell the quotient, or up to two more than that.
        let part = &mut rest[place..=place + length];
        let highest = u128::from(part[length]) << 64 | u128::from(part[length - 1]);
        let mut quotient = u64::try_from(highest / top).unwrap_or(u64::MAX);
        let mut is_negative = subtract_multiple(part, modulus, quotient);
        while is_negative {
            quotient -= 1;
            is_negative = !add(part, modulus);
        }
    }
    rest.truncate(length);
    rest
}

/// Subtracts `factor modulus` from a number that is one limb longer; whether it was smaller.
fn subtract_multiple(number: &mut [u64], modulus: &[u64], factor: u64) -> bool {
    let mut carry = 0;
    for (limb, &modulus) in number.iter_mut().zip(modulus.iter().chain([&0])) {
        let product = u128::from(factor) * u128::from(modulus) + u128::from(carry);
        let borrow;
        (*limb, borrow) = limb.overflowing_sub(product as u64);
        // Cannot overflow: the high half of a product is at most 2^64 - 2.
        carry = (product >> 64) as u64 + u64::from(borrow);
    }
    carry != 0
}

/// Adds to a number another one, as long or one limb shorter; whether there is a carry.
pub(super) fn add(number: &mut [u64], other: &[u64]) -> bool {
    let mut carry = false;
    for (limb, &other) in number.iter_mut().zip(other.iter().chain([&0])) {
        let (sum, first) = limb.overflowing_add(other);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        (*limb, carry) = (sum, first | second);
    }
    carry
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
                let divisor = (b[0] >> 32) as u32 | 1;
                let (quotient, remainder) = divide(&a, divisor);
                assert_eq!(to_big(&quotient), &big_a / divisor, "{a:?} {divisor}");
                assert_eq!(BigUint::from(remainder), &big_a % divisor, "{a:?} {divisor}");
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
    fn remainders_agree_with_num_bigint() {
        // Where an estimated quotient is too large, by one or by two, or has no room in a limb.
        let limbs = [0, 1, 2, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX, 0x1234_5678_9abc_def0];
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state >> 32
        };
        for round in 0..20_000 {
            let mut limb = || limbs[random() as usize % limbs.len()];
            let mut modulus: Vec<u64> = (0..round % 4 + 1).map(|_| limb()).collect();
            *modulus.last_mut().unwrap() |= 1 << 63;
            let number: Vec<u64> = (0..round % 7).map(|_| limb()).collect();
            let rest = super::remainder(&number, &modulus);
            assert_eq!(rest.len(), modulus.len());
            assert_eq!(to_big(&rest), to_big(&number) % to_big(&modulus), "{number:x?} {modulus:x?}");
        }
    }

    #[test]
    fn inverses_modulo_odd_numbers_agree_with_num_bigint() {
        let mut inverses = 0;
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state ^ state >> 29
        };
        let mut numbers = samples();
        numbers.extend([[0; 3], [0, 0, 1 << 63], [0, 1, 0], [2, 0, 0], [0, u64::MAX, u64::MAX]]);
        numbers.extend((0..200).map(|_| [random(), random(), random()]));
        for modulus in numbers.clone() {
            let modulus = [modulus[0] | 1, modulus[1], modulus[2]];
            let big = to_big(&modulus);
            if big == BigUint::from(1_u32) {
                continue;
            }
            for number in numbers.iter().filter(|number| to_big(&number[..]) < big) {
                let inverse = super::inverse_modulo_odd(number, &modulus).map(|inverse| to_big(&inverse));
                assert_eq!(inverse, to_big(number).modinv(&big), "{number:x?} {modulus:x?}");
                inverses += usize::from(inverse.is_some());
            }
        }
        assert!(inverses > 10_000);
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
