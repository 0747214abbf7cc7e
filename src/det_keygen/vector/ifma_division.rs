//! Trial division of one candidate by many small primes: eight moduli side by side, each a product of several primes.
//!
//! With limbs `a_i` of 52 bits, a candidate is congruent to the sum of `a_i w_i`, where `w_i = 2^(52 i) mod m`. Two
//! multiplications a limb thus serve eight moduli, each of as many primes as 52 bits hold.

use core::arch::x86_64::{
    _mm512_add_epi64, _mm512_cmple_epu64_mask, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mullo_epi64,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64,
};

use super::super::trial_division::{inverse, odd_primes};
use super::ifma::{LANES, LIMB, MASK, Vector, side_by_side};

/// The odd primes up to a bound, for numbers of L limbs.
pub(super) struct TrialDivision<const L: usize> {
    groups: Vec<Group<L>>,
}

/// Eight moduli.
struct Group<const L: usize> {
    weights: [Vector; L],
    modulus: Vector,
    /// `-m^-1 mod 2^52`.
    factor: Vector,
    primes: Vec<Divisor>,
}

/// One prime of each of eight moduli.
struct Divisor {
    /// `p^-1 mod 2^64`.
    inverse: Vector,
    /// The largest quotient of a multiple of p below 2^64.
    quotient: Vector,
}

impl<const L: usize> TrialDivision<L> {
    /// The odd primes up to `bound`, which is below 2^26, so that two of them fit 52 bits.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn new(bound: u32) -> Self {
        let primes = odd_primes(bound.min((1 << 26) - 1));
        let mut rest = &primes[..];
        let mut groups = Vec::new();
        while !rest.is_empty() {
            // As many primes to a modulus as their largest allow.
            let fits = |count: &usize| {
                let largest = rest.get(LANES * count - 1).unwrap_or(&rest[rest.len() - 1]);
                u64::from(*largest).checked_pow(*count as u32).is_some_and(|product| product <= MASK)
            };
            let count = (1..=LIMB).take_while(fits).last().unwrap_or(1);
            let (these, following) = rest.split_at(rest.len().min(LANES * count));
            groups.push(Group::new(these, count));
            rest = following;
        }
        Self { groups }
    }

    /// Whether none of the primes divides the number with these limbs.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn survives(&self, limbs: &[u64; L]) -> bool {
        const { assert!(L.is_multiple_of(2), "limbs in pairs") }
        for group in &self.groups {
            if group.divisors_of(limbs) != 0 {
                return false;
            }
        }
        true
    }
}

impl<const L: usize> Group<L> {
    /// At most `8 count` primes, `count` to a modulus; a group that is not full repeats some in moduli of their own.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn new(primes: &[u32], count: usize) -> Self {
        let prime = |lane: usize, index: usize| u64::from(primes[(lane * count + index) % primes.len()]);
        let moduli: [u64; LANES] = std::array::from_fn(|lane| {
            // Each once, though a short group may come to it twice.
            let mut factors: Vec<u64> = (0..count).map(|index| prime(lane, index)).collect();
            factors.sort_unstable();
            factors.dedup();
            factors.into_iter().product()
        });
        let mut weights = [_mm512_setzero_si512(); L];
        let mut weight = moduli.map(|modulus| 1 % modulus);
        for vector in &mut weights {
            *vector = side_by_side(weight);
            for (weight, modulus) in weight.iter_mut().zip(moduli) {
                *weight = ((u128::from(*weight) << LIMB) % u128::from(modulus)) as u64;
            }
        }
        let divisor = |index: usize| {
            let primes: [u64; LANES] = std::array::from_fn(|lane| prime(lane, index));
            Divisor {
                inverse: side_by_side(primes.map(inverse)),
                quotient: side_by_side(primes.map(|prime| u64::MAX / prime)),
            }
        };
        Self {
            weights,
            modulus: side_by_side(moduli),
            factor: side_by_side(moduli.map(|modulus| inverse(modulus).wrapping_neg() & MASK)),
            primes: (0..count).map(divisor).collect(),
        }
    }

    /// The lanes with a prime that divides the number, one bit each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn divisors_of(&self, limbs: &[u64; L]) -> u8 {
        let zero = _mm512_setzero_si512();
        // Sums of L numbers below 2^52: below 2^58. Two of each, because each addition waits for the one before.
        let (mut low, mut high, mut other_low, mut other_high) = (zero, zero, zero, zero);
        let (limbs, _) = limbs.as_chunks();
        let (weights, _) = self.weights.as_chunks();
        for ([limb, other_limb], [weight, other_weight]) in limbs.iter().zip(weights) {
            let limb = _mm512_set1_epi64(limb.cast_signed());
            low = _mm512_madd52lo_epu64(low, limb, *weight);
            high = _mm512_madd52hi_epu64(high, limb, *weight);
            let limb = _mm512_set1_epi64(other_limb.cast_signed());
            other_low = _mm512_madd52lo_epu64(other_low, limb, *other_weight);
            other_high = _mm512_madd52hi_epu64(other_high, limb, *other_weight);
        }
        let (low, high) = (_mm512_add_epi64(low, other_low), _mm512_add_epi64(high, other_high));
        // One step of Montgomery's reduction: (low + 2^52 high + q m) / 2^52, which is below 2^59 and, since m is odd, a
        // multiple of just the primes of m that divide the number.
        let quotient = _mm512_madd52lo_epu64(zero, low, self.factor);
        let low = _mm512_srli_epi64::<{ LIMB as u32 }>(_mm512_madd52lo_epu64(low, quotient, self.modulus));
        let residue = _mm512_add_epi64(low, _mm512_madd52hi_epu64(high, quotient, self.modulus));
        // An exact quotient is the product with the inverse; of any other number the product is above all quotients.
        let mut divisors = 0;
        for prime in &self.primes {
            divisors |= _mm512_cmple_epu64_mask(_mm512_mullo_epi64(residue, prime.inverse), prime.quotient);
        }
        divisors
    }
}
