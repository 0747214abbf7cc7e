//! Trial division by many small primes, several at once.
//!
//! A number with limbs `a_i` of 64 bits is congruent to the sum of `a_i w_i`, where `w_i = 2^(64 i) mod m`. With a product of
//! several primes as m, one multiplication a limb serves all of them.

/// What a modulus is below: sums of 32 products with weights below it and one more fit 128 bits.
const MODULUS_BITS: u32 = 58;

/// The odd primes up to a bound, prepared for numbers of W limbs.
pub(super) struct TrialDivision<const W: usize> {
    groups: Vec<Group<W>>,
}

/// Some primes and their product.
struct Group<const W: usize> {
    weights: [u64; W],
    modulus: u64,
    /// `-m^-1 mod 2^64`.
    factor: u64,
    primes: Vec<Divisor>,
}

struct Divisor {
    /// p^-1 mod 2^64.
    inverse: u64,
    /// The largest quotient of a multiple of p below 2^64.
    quotient: u64,
}

impl<const W: usize> TrialDivision<W> {
    /// The odd primes up to `bound`.
    pub(super) fn new(bound: u32) -> Self {
        const { assert!(W <= 32, "see MODULUS_BITS") }
        let primes = odd_primes(bound);
        let mut rest = &primes[..];
        let mut groups = Vec::new();
        while !rest.is_empty() {
            let mut modulus = 1_u64;
            let mut count = 0;
            for prime in rest {
                let next = modulus.saturating_mul(u64::from(*prime));
                // A prime has at most 32 bits: the first one always fits.
                if next >> MODULUS_BITS != 0 {
                    break;
                }
                (modulus, count) = (next, count + 1);
            }
            let (these, following) = rest.split_at(count);
            groups.push(Group::new(these));
            rest = following;
        }
        Self { groups }
    }

    /// Whether none of the primes divides the number with these limbs, the least significant first.
    pub(super) fn survives(&self, limbs: &[u64; W]) -> bool {
        self.groups.iter().all(|group| !group.divides(limbs))
    }
}

impl<const W: usize> Group<W> {
    fn new(primes: &[u32]) -> Self {
        let modulus: u64 = primes.iter().map(|prime| u64::from(*prime)).product();
        let mut weight = 1 % u128::from(modulus);
        let weights = [(); W].map(|()| {
            let this = weight as u64;
            weight = (weight << 64) % u128::from(modulus);
            this
        });
        let divisor = |prime: &u32| {
            let prime = u64::from(*prime);
            Divisor { inverse: inverse(prime), quotient: u64::MAX / prime }
        };
        let factor = inverse(modulus).wrapping_neg();
        Self { weights, modulus, factor, primes: primes.iter().map(divisor).collect() }
    }

    fn divides(&self, limbs: &[u64; W]) -> bool {
        let products = limbs.iter().zip(&self.weights).map(|(limb, weight)| product(*limb, *weight));
        let sum = products.fold(0, u128::wrapping_add);
        // One step of Montgomery's reduction: (sum + q m) / 2^64 is below 2^64 and, since m is odd, a multiple of just the
        // primes of m that divide the number.
        let quotient = (sum as u64).wrapping_mul(self.factor);
        let residue = (sum.wrapping_add(product(quotient, self.modulus)) >> 64) as u64;
        // An exact quotient is the product with the inverse; of any other number the product is above all quotients.
        // All primes are asked, without a jump in between.
        let divides = |divisor: &Divisor| residue.wrapping_mul(divisor.inverse) <= divisor.quotient;
        self.primes.iter().fold(false, |found, divisor| found | divides(divisor))
    }
}

/// Sums of these wrap because the compiler does not see that they cannot.
fn product(a: u64, b: u64) -> u128 {
    u128::from(a).wrapping_mul(u128::from(b))
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
        let table = TrialDivision::<1>::new(100);
        for number in 1..20_000_u64 {
            let expected = odd_primes(100).iter().all(|prime| !number.is_multiple_of(u64::from(*prime)));
            assert_eq!(table.survives(&[number]), expected, "{number}");
        }
    }

    #[test]
    fn large_primes_stand_in_groups_of_their_own() {
        let table = TrialDivision::<2>::new(1 << 22);
        let sizes: Vec<usize> = table.groups.iter().map(|group| group.primes.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), odd_primes(1 << 22).len());
        assert_eq!((sizes.first(), sizes.last()), (Some(&13), Some(&2)));
        for prime in [4_194_287_u64, 4_194_301] {
            let number = u128::from(prime) * ((1 << 61) - 1);
            assert!(!table.survives(&[number as u64, (number >> 64) as u64]), "{prime}");
        }
        let number = 4_194_319_u128 * ((1 << 61) - 1);
        assert!(table.survives(&[number as u64, (number >> 64) as u64]), "the next prime above");
    }

    #[test]
    fn each_prime_is_found_in_the_longest_numbers() {
        let table = TrialDivision::<32>::new(20_000);
        // 2^2048 - 1 mod p tells which number just above has the factor p and none of the limbs is zero.
        for prime in odd_primes(20_000).into_iter().map(u64::from) {
            let all_ones = (0..2048).fold(0, |value, _| (value * 2 + 1) % prime);
            let mut limbs = [u64::MAX; 32];
            limbs[0] -= all_ones;
            assert!(!table.survives(&limbs), "{prime}");
        }
    }
}
