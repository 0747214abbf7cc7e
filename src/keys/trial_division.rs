//! Trial division by many small primes at once.

/// Limbs of 32 bits in the longest candidate.
const HALF_LIMBS: usize = 64;
/// Primes treated side by side: a vector register's worth.
const LANES: usize = 8;

/// The odd primes up to a bound, prepared for numbers of at most 2048 bits.
pub(super) struct TrialDivision {
    groups: Vec<Group>,
}

/// Eight primes. A number is a multiple of p exactly if the sum of its 32-bit limbs times `2^(32 i) mod p` is.
struct Group {
    weights: [[u32; LANES]; HALF_LIMBS],
    /// p^-1 mod 2^64.
    inverses: [u64; LANES],
    /// The largest quotient of a multiple of p below 2^64.
    quotients: [u64; LANES],
}

impl TrialDivision {
    /// The odd primes up to `bound`, which is below 2^26, so that no sum of weighted limbs overflows.
    pub(super) fn new(bound: u32) -> Self {
        Self { groups: odd_primes(bound.min((1 << 26) - 1)).chunks(LANES).map(Group::new).collect() }
    }

    /// Whether none of the primes divides the number with these limbs, the least significant first.
    pub(super) fn survives(&self, limbs: &[u64]) -> bool {
        self.groups.iter().all(|group| !group.divides(limbs))
    }
}

impl Group {
    fn new(primes: &[u32]) -> Self {
        let mut group = Self { weights: [[0; LANES]; HALF_LIMBS], inverses: [0; LANES], quotients: [0; LANES] };
        // A short last group repeats a prime.
        for (lane, prime) in primes.iter().cycle().take(LANES).enumerate() {
            let prime = u64::from(*prime);
            let mut weight = 1;
            for weights in &mut group.weights {
                // Below the prime, thus below 2^32.
                weights[lane] = weight as u32;
                weight = (weight << 32) % prime;
            }
            group.inverses[lane] = inverse(prime);
            group.quotients[lane] = u64::MAX / prime;
        }
        group
    }

    fn divides(&self, limbs: &[u64]) -> bool {
        let mut sums = [0_u64; LANES];
        for (limb, weights) in limbs.iter().zip(self.weights.chunks_exact(2)) {
            for (half, weights) in [limb & 0xffff_ffff, limb >> 32].into_iter().zip(weights) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += half * u64::from(*weight);
                }
            }
        }
        // An exact quotient is the product with the inverse; of any other number the product is above all quotients.
        // All lanes are asked, without a jump in between.
        let lanes = sums.iter().zip(&self.inverses).zip(&self.quotients);
        lanes.fold(false, |divides, ((sum, inverse), quotient)| divides | (sum.wrapping_mul(*inverse) <= *quotient))
    }
}

/// `odd^-1 mod 2^64`, by Newton's iteration: each step doubles the correct low bits, from 3 to 96.
pub(super) fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}

/// The sieve of Eratosthenes.
pub(super) fn odd_primes(bound: u32) -> Vec<u32> {
    let bound = bound as usize;
    let mut is_composite = vec![false; bound + 1];
    let mut primes = Vec::new();
    for number in (3..=bound).step_by(2) {
        if !is_composite[number] {
            primes.push(number as u32);
            for multiple in (number * number..=bound).step_by(2 * number) {
                is_composite[multiple] = true;
            }
        }
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::{TrialDivision, inverse, odd_primes};

    #[test]
    fn there_are_as_many_primes_as_the_books_say() {
        assert_eq!(odd_primes(20), [3, 5, 7, 11, 13, 17, 19]);
        assert_eq!(odd_primes(10_000).len(), 1_229 - 1);
    }

    #[test]
    fn inverses_are_inverses() {
        for odd in [1, 3, 5, 65_537, u64::MAX, 0x8000_0000_0000_0001, 0x1234_5678_9abc_def1] {
            assert_eq!(odd.wrapping_mul(inverse(odd)), 1, "{odd}");
        }
    }

    #[test]
    fn exactly_the_numbers_without_small_factors_survive() {
        let table = TrialDivision::new(100);
        for number in 1..20_000_u64 {
            let expected = odd_primes(100).iter().all(|prime| !number.is_multiple_of(u64::from(*prime)));
            assert_eq!(table.survives(&[number]), expected, "{number}");
        }
    }

    #[test]
    fn each_prime_is_found_in_the_longest_numbers() {
        let table = TrialDivision::new(20_000);
        // 2^2048 - 1 mod p tells which number just above has the factor p and none of the limbs is zero.
        for prime in odd_primes(20_000).into_iter().map(u64::from) {
            let all_ones = (0..2048).fold(0, |value, _| (value * 2 + 1) % prime);
            let mut limbs = [u64::MAX; 32];
            limbs[0] -= all_ones;
            assert!(!table.survives(&limbs), "{prime}");
        }
    }
}
