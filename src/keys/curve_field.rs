//! Residues modulo the prime of P-256, `2^256 - 2^224 + 2^192 + 2^96 - 1`, in Montgomery's form with R = 2^256.
//!
//! Limbs of 64 bits, the least significant first; every residue is below the prime. The time does not depend on the
//! numbers: sums and borrows become masks, never jumps.

use zeroize::Zeroize;

const PRIME: [u64; 4] = [u64::MAX, 0xffff_ffff, 0, 0xffff_ffff_0000_0001];
/// `R^2` modulo the prime.
const R_SQUARED: Residue = Residue([3, 0xffff_fffb_ffff_ffff, 0xffff_ffff_ffff_fffe, 0x4_ffff_fffd]);

/// A number modulo the prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Zeroize)]
pub(super) struct Residue(pub(super) [u64; 4]);

impl Residue {
    pub(super) const ZERO: Self = Self([0; 4]);
    /// R modulo the prime.
    pub(super) const ONE: Self = Self([1, 0xffff_ffff_0000_0000, u64::MAX, 0xffff_fffe]);

    /// The number in big-endian bytes, which is below the prime.
    pub(super) fn from_be_bytes(bytes: &[u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
            *limb = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        }
        Self(limbs).times(&R_SQUARED)
    }

    pub(super) fn to_be_bytes(self) -> [u8; 32] {
        let plain = self.times(&Self([1, 0, 0, 0]));
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.rchunks_mut(8).zip(plain.0) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }

    #[inline(always)]
    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut sum = [0; 4];
        let mut carry = 0;
        for (place, limb) in sum.iter_mut().enumerate() {
            (*limb, carry) = add(self.0[place], other.0[place], carry);
        }
        reduced(sum, carry)
    }

    #[inline(always)]
    pub(super) fn minus(&self, other: &Self) -> Self {
        let (difference, borrow) = subtract(self.0, other.0);
        let mask = borrow.wrapping_neg();
        let mut result = [0; 4];
        let mut carry = 0;
        for (place, limb) in result.iter_mut().enumerate() {
            (*limb, carry) = add(difference[place], PRIME[place] & mask, carry);
        }
        Self(result)
    }

    #[inline(always)]
    pub(super) fn tripled(&self) -> Self {
        self.plus(self).plus(self)
    }

    /// Montgomery's product, a limb at a time: each step adds what makes the lowest limb vanish.
    ///
    /// The prime is -1 modulo 2^64, so what makes a limb m vanish is m times the prime: `m 2^64 - m` takes the place of the
    /// product with the lowest limb, and with the second it is `m 2^32 - m`, whose `- m` the first one's carry cancels.
    /// The sum stays below twice the prime times 2^64, so that six limbs hold it.
    #[inline(always)]
    pub(super) fn times(&self, other: &Self) -> Self {
        let mut sum = [0_u64; 5];
        for multiplier in self.0 {
            let mut carry = 0;
            for (limb, factor) in sum.iter_mut().zip(other.0) {
                (*limb, carry) = multiply(*limb, multiplier, factor, carry);
            }
            let (high, mut top) = add(sum[4], carry, 0);
            let lowest = sum[0];
            (sum[0], carry) = add(sum[1], lowest << 32, 0);
            (sum[1], carry) = add(sum[2], lowest >> 32, carry);
            (sum[2], carry) = multiply(sum[3], lowest, PRIME[3], carry);
            (sum[3], carry) = add(high, carry, 0);
            top += carry;
            sum[4] = top;
        }
        let [low @ .., top] = sum;
        reduced(low, top)
    }

    #[inline(always)]
    fn squared(&self, times: u32) -> Self {
        (0..times).fold(*self, |value, _| value.times(&value))
    }

    /// The inverse; of zero, zero. Fermat: the power with the prime less 2, whose 32-bit words are ffffffff, 00000001, three
    /// of 00000000, ffffffff twice and fffffffd.
    pub(super) fn inverse(&self) -> Self {
        let two = self.squared(1).times(self);
        let four = two.squared(2).times(&two);
        let eight = four.squared(4).times(&four);
        let sixteen = eight.squared(8).times(&eight);
        let word = sixteen.squared(16).times(&sixteen);
        let top = word.squared(32).times(self);
        let middle = top.squared(128).times(&word).squared(32).times(&word);
        let last = middle.squared(16).times(&sixteen).squared(8).times(&eight).squared(4).times(&four);
        last.squared(2).times(&two).squared(2).times(self)
    }

    /// This, or the other one where the mask is all ones.
    #[inline(always)]
    pub(super) fn or(&self, other: &Self, mask: u64) -> Self {
        Self(std::array::from_fn(|place| self.0[place] ^ (self.0[place] ^ other.0[place]) & mask))
    }
}

/// A number of five limbs below twice the prime, below the prime.
#[inline(always)]
fn reduced(number: [u64; 4], top: u64) -> Residue {
    let (difference, borrow) = subtract(number, PRIME);
    // It was smaller if the borrow finds nothing in the top limb.
    let mask = (borrow & !top).wrapping_neg();
    Residue(difference).or(&Residue(number), mask)
}

/// The difference modulo 2^256, and the borrow: 0 or 1.
#[inline(always)]
fn subtract(from: [u64; 4], number: [u64; 4]) -> ([u64; 4], u64) {
    let mut difference = [0; 4];
    let mut borrow = 0;
    for (place, limb) in difference.iter_mut().enumerate() {
        let wide = u128::from(from[place]).wrapping_sub(u128::from(number[place])).wrapping_sub(u128::from(borrow));
        (*limb, borrow) = (wide as u64, (wide >> 64) as u64 & 1);
    }
    (difference, borrow)
}

/// Sum and carry.
#[inline(always)]
fn add(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(a) + u128::from(b) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

/// `sum + a b + carry`, at most 2^128 - 1: the compiler does not see that it cannot overflow.
#[inline(always)]
fn multiply(sum: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    let wide = product.wrapping_add(u128::from(sum)).wrapping_add(u128::from(carry));
    (wide as u64, (wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::{PRIME, Residue};

    fn big(limbs: &[u64]) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << 64) + limb)
    }

    /// Numbers below the prime: the ends of the range, limbs of ones and zeros, and whatever comes.
    fn samples() -> Vec<Residue> {
        let mut samples = vec![[0; 4], [1, 0, 0, 0], [PRIME[0] - 1, PRIME[1], PRIME[2], PRIME[3]], [u64::MAX; 4]];
        samples.extend((0..16_u64).map(|bits| std::array::from_fn(|place| (bits >> place & 1).wrapping_neg())));
        samples.extend((0..4).map(|place| std::array::from_fn(|limb| PRIME[limb] ^ u64::from(limb == place))));
        let mut state = 1_u64;
        samples.extend((0..200).map(|_| {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                state ^ state >> 29
            })
        }));
        samples.retain(|sample| big(sample) < big(&PRIME));
        assert!(samples.len() > 200);
        samples.into_iter().map(Residue).collect()
    }

    #[test]
    fn arithmetic_agrees_with_num_bigint() {
        let prime = big(&PRIME);
        // Of 2^256, modulo a prime: Fermat.
        let unformed: BigUint = BigUint::from(2_u32).pow(256).modpow(&(&prime - 2_u32), &prime);
        for a in samples() {
            for b in samples() {
                let (x, y) = (big(&a.0), big(&b.0));
                assert_eq!(big(&a.plus(&b).0), (&x + &y) % &prime);
                assert_eq!(big(&a.minus(&b).0), (&x + &prime - &y) % &prime);
                assert_eq!(big(&a.times(&b).0), x * y * &unformed % &prime);
                assert_eq!((a.or(&b, 0), a.or(&b, u64::MAX)), (a, b));
            }
            assert_eq!(big(&a.tripled().0), big(&a.0) * 3_u32 % &prime);
            let expected = if a == Residue::ZERO { Residue::ZERO } else { Residue::ONE };
            assert_eq!(a.times(&a.inverse()), expected);
            let bytes = a.to_be_bytes();
            assert_eq!(BigUint::from_bytes_be(&bytes), big(&a.0) * &unformed % &prime);
            assert_eq!(Residue::from_be_bytes(&bytes), a);
        }
    }
}
