//! The engine for every machine: safe Rust, no instructions beyond the target's own.

use super::montgomery::Montgomery;
use super::prime::{Candidate, PrimeTest, base};
use super::trial_division::TrialDivision;

/// Where another small prime costs more than it saves, measured with this engine's test.
const TRIAL_DIVISION_BOUND: u32 = 16_384;

/// Trial division, then Miller-Rabin with base 2, then with bases of the candidate's own.
pub struct Portable {
    trial_division: TrialDivision,
}

impl Portable {
    /// Prepares the table of small primes: about a millisecond and half a megabyte.
    #[must_use]
    pub fn new() -> Self {
        Self { trial_division: TrialDivision::new(TRIAL_DIVISION_BOUND) }
    }
}

impl Default for Portable {
    fn default() -> Self {
        Self::new()
    }
}

impl PrimeTest for Portable {
    fn batch_size(&self) -> usize {
        1
    }

    fn survives_trial_division(&self, candidate: &Candidate) -> bool {
        self.trial_division.survives(candidate.limbs())
    }

    fn test(&self, candidates: &[Candidate], is_prime: &mut [bool]) {
        for (candidate, is_prime) in candidates.iter().zip(is_prime) {
            *is_prime = match candidate {
                Candidate::Bits1024(limbs) => passes_all_rounds(limbs, candidate.rounds()),
                Candidate::Bits1536(limbs) => passes_all_rounds(limbs, candidate.rounds()),
                Candidate::Bits2048(limbs) => passes_all_rounds(limbs, candidate.rounds()),
            };
        }
    }
}

fn passes_all_rounds<const L: usize>(candidate: &[u64; L], rounds: u8) -> bool {
    let modulus = Montgomery::new(candidate);
    modulus.passes_base_two() && (0..rounds).all(|round| modulus.passes(&base(candidate, round)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use num_bigint::BigUint;
    use serde_json::Value;

    use super::super::hmac_drbg::HmacDrbg;
    use super::super::prime::{PrimeSize, PrimeStream};
    use super::super::rsa;
    use super::{Candidate, Montgomery, Portable, PrimeTest, TrialDivision};

    const SIZES: [PrimeSize; 3] = [PrimeSize::Bits1024, PrimeSize::Bits1536, PrimeSize::Bits2048];

    fn to_big(limbs: &[u64]) -> BigUint {
        BigUint::from_bytes_le(&limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<u8>>())
    }

    fn to_candidate(number: &BigUint) -> Candidate {
        let bytes = number.to_bytes_be();
        let size = SIZES.into_iter().find(|size| size.bytes() == bytes.len()).unwrap();
        let candidate = Candidate::from_be_bytes(&bytes, size);
        assert_eq!(to_big(candidate.limbs()), *number, "its fixed bits are set");
        candidate
    }

    fn passes_base_two(candidate: &Candidate) -> bool {
        match candidate {
            Candidate::Bits1024(limbs) => Montgomery::new(limbs).passes_base_two(),
            Candidate::Bits1536(limbs) => Montgomery::new(limbs).passes_base_two(),
            Candidate::Bits2048(limbs) => Montgomery::new(limbs).passes_base_two(),
        }
    }

    #[test]
    fn primes_pass_and_chosen_composites_do_not() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../../tests/vectors/primality/candidates.json")).unwrap();
        assert_eq!(vectors.len(), 15);
        let mut pseudoprimes = 0;
        for vector in &vectors {
            let name = vector["name"].as_str().unwrap();
            let expected = vector["prime"].as_bool().unwrap();
            let candidate =
                to_candidate(&BigUint::parse_bytes(vector["number"].as_str().unwrap().as_bytes(), 16).unwrap());
            let engine = Portable::new();
            let mut is_prime = [false];
            engine.test(std::slice::from_ref(&candidate), &mut is_prime);
            assert_eq!(is_prime, [expected], "{name}");
            assert!(!expected || engine.survives_trial_division(&candidate), "{name}");
            if !expected && passes_base_two(&candidate) {
                assert!(engine.survives_trial_division(&candidate), "{name}");
                pseudoprimes += 1;
            }
        }
        assert_eq!(pseudoprimes, 3, "the rounds after the first are needed");
    }

    /// Another engine: num-bigint's arithmetic, other bases, one candidate after another, hardly any trial division.
    struct Naive;

    impl PrimeTest for Naive {
        fn batch_size(&self) -> usize {
            0
        }

        fn survives_trial_division(&self, candidate: &Candidate) -> bool {
            let number = to_big(candidate.limbs());
            [3_u32, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].iter().all(|prime| &number % prime != BigUint::ZERO)
        }

        fn test(&self, candidates: &[Candidate], is_prime: &mut [bool]) {
            for (candidate, is_prime) in candidates.iter().zip(is_prime) {
                let number = to_big(candidate.limbs());
                let minus_one = &number - 1_u32;
                *is_prime = [3_u32, 5, 7, 11, 13].into_iter().all(|base| {
                    let power = BigUint::from(base).modpow(&(&minus_one >> 1), &number);
                    power == BigUint::from(1_u32) || power == minus_one
                });
            }
        }
    }

    /// The portable test, in batches and with a trial division of its own.
    struct Batched {
        batch_size: usize,
        trial_division: TrialDivision,
        inner: Portable,
    }

    impl Batched {
        fn new(batch_size: usize, bound: u32) -> Self {
            Self { batch_size, trial_division: TrialDivision::new(bound), inner: Portable::new() }
        }
    }

    impl PrimeTest for Batched {
        fn batch_size(&self) -> usize {
            self.batch_size
        }

        fn survives_trial_division(&self, candidate: &Candidate) -> bool {
            self.trial_division.survives(candidate.limbs())
        }

        fn test(&self, candidates: &[Candidate], is_prime: &mut [bool]) {
            assert_eq!(candidates.len(), self.batch_size);
            self.inner.test(candidates, is_prime);
        }
    }

    #[test]
    fn keys_do_not_depend_on_the_engine() {
        for (size, seeds) in [(PrimeSize::Bits1024, 3), (PrimeSize::Bits1536, 1)] {
            for seed in 1..=seeds {
                let ours = rsa::generate(&[seed; 32], size, &Portable::new()).unwrap();
                let other = rsa::generate(&[seed; 32], size, &Naive).unwrap();
                assert!(ours.private_der == other.private_der, "{size:?}, seed {seed}");
                assert_eq!(ours.public_der, other.public_der, "{size:?}, seed {seed}");
            }
        }
    }

    #[test]
    fn primes_do_not_depend_on_batch_size_or_trial_division() {
        // With batches of 64, several of these primes lie in one batch.
        let primes = |engine: &dyn PrimeTest| -> Vec<BigUint> {
            let mut stream = PrimeStream::new(HmacDrbg::new(&[5; 32], b"det RSA key gen"), PrimeSize::Bits1024, engine);
            (0..6).map(|_| to_big(stream.next_prime().limbs())).collect()
        };
        let expected = primes(&Portable::new());
        for (batch_size, bound) in [(1, 100), (3, 1_619), (8, 8_192), (64, 100), (64, 65_536)] {
            assert_eq!(primes(&Batched::new(batch_size, bound)), expected, "{batch_size}, {bound}");
        }
    }
}
