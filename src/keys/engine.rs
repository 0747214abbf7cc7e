//! Which engines there are, and which of them this machine can run.

#[cfg(target_arch = "x86_64")]
use super::ifma::Ifma;
use super::portable::Portable;
use super::prime::PrimeTest;

/// An engine and its name.
pub struct Engine {
    /// As `CERTFERRY_ENGINE` takes it.
    pub name: &'static str,
    /// The engine itself.
    pub test: Box<dyn PrimeTest>,
}

/// The engines that this machine can run, the fastest first; the last one, `portable`, is always there.
///
/// The CPU is asked when this is called: one binary serves machines with and without vector instructions.
#[must_use]
pub fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = Ifma::detect() {
        engines.push(Engine { name: "ifma", test: Box::new(ifma) });
    }
    #[cfg(feature = "aws-lc")]
    engines.push(Engine { name: "aws-lc", test: Box::new(super::aws_lc::AwsLc::default()) });
    engines.push(Engine { name: "portable", test: Box::new(Portable::new()) });
    engines
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use num_bigint::BigUint;
    use serde_json::Value;

    use super::super::hmac_drbg::HmacDrbg;
    use super::super::montgomery::Montgomery;
    use super::super::prime::{Candidate, PrimeSize, PrimeStream, PrimeTest, Search, base};
    use super::super::rsa;
    use super::super::trial_division::TrialDivision;
    use super::{Portable, engines};

    const SIZES: [PrimeSize; 3] = [PrimeSize::Bits1024, PrimeSize::Bits1536, PrimeSize::Bits2048];

    fn to_big(limbs: &[u64]) -> BigUint {
        BigUint::from_bytes_le(&limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<u8>>())
    }

    fn to_candidate(number: &BigUint) -> (Candidate, PrimeSize) {
        let bytes = number.to_bytes_be();
        let size = SIZES.into_iter().find(|size| size.bytes() == bytes.len()).unwrap();
        let candidate = Candidate::from_be_bytes(&bytes, size);
        assert_eq!(to_big(candidate.limbs()), *number, "its fixed bits are set");
        (candidate, size)
    }

    fn passes_base_two(candidate: &Candidate) -> bool {
        match candidate {
            Candidate::Bits1024(number) => Montgomery::<16, 18>::new().passes_base_two(number),
            Candidate::Bits1536(number) => Montgomery::<24, 27>::new().passes_base_two(number),
            Candidate::Bits2048(number) => Montgomery::<32, 36>::new().passes_base_two(number),
        }
    }

    #[test]
    fn the_portable_engine_is_always_the_last() {
        let names: Vec<_> = engines().iter().map(|engine| engine.name).collect();
        assert_eq!(names.last(), Some(&"portable"));
        let mut different = names.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), names.len());
    }

    #[test]
    fn primes_pass_and_chosen_composites_do_not() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../../tests/vectors/primality/candidates.json")).unwrap();
        assert_eq!(vectors.len(), 15);
        for engine in engines() {
            let mut pseudoprimes = 0;
            for vector in &vectors {
                let name = format!("{}: {}", engine.name, vector["name"]);
                let expected = vector["prime"].as_bool().unwrap();
                let number = BigUint::parse_bytes(vector["number"].as_str().unwrap().as_bytes(), 16).unwrap();
                let (candidate, size) = to_candidate(&number);
                let mut search = engine.test.search(size);
                let mut is_prime = [false];
                search.test(std::slice::from_ref(&candidate), &mut is_prime);
                assert_eq!(is_prime, [expected], "{name}");
                assert!(!expected || search.survives_trial_division(&candidate), "{name}");
                if !expected && passes_base_two(&candidate) {
                    assert!(search.survives_trial_division(&candidate), "{name}");
                    pseudoprimes += 1;
                }
            }
            assert_eq!(pseudoprimes, 3, "the rounds after the first are needed");
        }
    }

    /// Carmichael numbers that pass with base 2 and with several of their own bases: whoever leaves out a round takes one.
    #[test]
    fn every_round_is_made_with_its_own_base() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../../tests/vectors/primality/pseudoprimes.json")).unwrap();
        let mut last_rounds = Vec::new();
        for vector in &vectors {
            let number = BigUint::parse_bytes(vector["number"].as_str().unwrap().as_bytes(), 16).unwrap();
            let rounds_passed = vector["rounds_passed"].as_u64().unwrap();
            let (candidate, size) = to_candidate(&number);
            let passes = |base: &BigUint| {
                let power = base.modpow(&(&number >> 1), &number);
                power == BigUint::from(1_u32) || power == &number - 1_u32
            };
            assert!(passes(&BigUint::from(2_u32)));
            let bases = (0..candidate.rounds()).map(|round| match &candidate {
                Candidate::Bits1024(limbs) => to_big(&*base(limbs, round)),
                Candidate::Bits1536(limbs) => to_big(&*base(limbs, round)),
                Candidate::Bits2048(limbs) => to_big(&*base(limbs, round)),
            });
            assert_eq!(bases.take_while(passes).count() as u64, rounds_passed, "{number:x}");
            if rounds_passed == u64::from(candidate.rounds()) - 1 {
                last_rounds.push(size);
            }
            for engine in engines() {
                let mut search = engine.test.search(size);
                // In each place of a batch.
                let batch: Vec<Candidate> = (0..8).map(|_| to_candidate(&number).0).collect();
                let mut is_prime = [false; 8];
                search.test(&batch, &mut is_prime);
                assert_eq!(is_prime, [false; 8], "{}, {number:x}", engine.name);
                assert!(search.survives_trial_division(&candidate), "{}", engine.name);
            }
        }
        assert_eq!(last_rounds, SIZES);
    }

    /// Composites whose smallest factor stands on both sides of each engine's bound: trial division finds it or the test does.
    #[test]
    fn small_factors_are_found_by_division_or_by_the_test() {
        // A prime cofactor, so that nothing else gives the number away.
        let cofactor = |size: PrimeSize, factor: u32| {
            let top = (BigUint::from(7_u32) << (8 * size.bytes() - 3)) / factor;
            let mut cofactor = (top >> 3) << 3;
            // Their product is to be 7 modulo 8.
            cofactor += (1..8).find(|rest| rest * factor % 8 == 7).unwrap();
            while !is_probably_prime(&cofactor) {
                cofactor += 8_u32;
            }
            cofactor
        };
        for factor in [3, 5, 251, 257, 16_381, 65_519, 65_521, 65_537, 65_539, 131_071, 131_101] {
            let size = PrimeSize::Bits1024;
            let number = cofactor(size, factor) * factor;
            for engine in engines() {
                let (candidate, size) = to_candidate(&number);
                let mut search = engine.test.search(size);
                let mut is_prime = [false];
                search.test(std::slice::from_ref(&candidate), &mut is_prime);
                assert_eq!(is_prime, [false], "{}, {factor}", engine.name);
                if factor < 65_536 {
                    assert!(!search.survives_trial_division(&candidate), "{}, {factor}", engine.name);
                }
                if factor > 131_072 {
                    assert!(search.survives_trial_division(&candidate), "{}, {factor}", engine.name);
                }
            }
        }
    }

    fn is_probably_prime(number: &BigUint) -> bool {
        [3_u32, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].iter().all(|prime| number % prime != BigUint::ZERO)
            && [2_u32, 3, 5]
                .iter()
                .all(|base| BigUint::from(*base).modpow(&(number - 1_u32), number) == BigUint::from(1_u32))
    }

    /// Another engine: num-bigint's arithmetic, other bases, one candidate after another, hardly any trial division.
    struct Naive;

    impl PrimeTest for Naive {
        fn search(&self, _: PrimeSize) -> Box<dyn Search + '_> {
            Box::new(Self)
        }
    }

    impl Search for Naive {
        fn batch_size(&self) -> usize {
            0
        }

        fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
            let number = to_big(candidate.limbs());
            [3_u32, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].iter().all(|prime| &number % prime != BigUint::ZERO)
        }

        fn test(&mut self, candidates: &[Candidate], is_prime: &mut [bool]) {
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
        trial_division: TrialDivision<16>,
        inner: Portable,
    }

    impl Batched {
        fn new(batch_size: usize, bound: u32) -> Self {
            Self { batch_size, trial_division: TrialDivision::new(bound), inner: Portable::new() }
        }
    }

    impl PrimeTest for Batched {
        fn search(&self, size: PrimeSize) -> Box<dyn Search + '_> {
            Box::new(InBatches { engine: self, inner: self.inner.search(size) })
        }
    }

    struct InBatches<'engine> {
        engine: &'engine Batched,
        inner: Box<dyn Search + 'engine>,
    }

    impl Search for InBatches<'_> {
        fn batch_size(&self) -> usize {
            self.engine.batch_size
        }

        fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
            self.engine.trial_division.survives(candidate.limbs().try_into().unwrap())
        }

        fn test(&mut self, candidates: &[Candidate], is_prime: &mut [bool]) {
            assert_eq!(candidates.len(), self.engine.batch_size);
            self.inner.test(candidates, is_prime);
        }
    }

    #[test]
    fn keys_do_not_depend_on_the_engine() {
        for (size, seeds) in [(PrimeSize::Bits1024, 3), (PrimeSize::Bits1536, 1)] {
            for seed in 1..=seeds {
                let expected = rsa::generate(&[seed; 32], size, &Naive).unwrap();
                for engine in engines() {
                    let key = rsa::generate(&[seed; 32], size, &*engine.test).unwrap();
                    assert!(key.private_der == expected.private_der, "{}, {size:?}, seed {seed}", engine.name);
                    assert_eq!(key.public_der, expected.public_der, "{}, {size:?}, seed {seed}", engine.name);
                }
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
        for engine in engines() {
            assert_eq!(primes(&*engine.test), expected, "{}", engine.name);
        }
        for (batch_size, bound) in [(1, 100), (3, 1_619), (8, 8_192), (64, 100), (64, 65_536)] {
            assert_eq!(primes(&Batched::new(batch_size, bound)), expected, "{batch_size}, {bound}");
        }
    }
}
