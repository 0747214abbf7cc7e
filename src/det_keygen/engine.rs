//! Which engines there are, and which of them this machine can run.

use super::portable::Portable;
use super::prime::PrimeTest;
#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Ifma};

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
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = Avx2::detect() {
        engines.push(Engine { name: "avx2", test: Box::new(avx2) });
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
    use super::super::prime::{Candidate, Power, PrimeSize, PrimeTest, Search, base};
    use super::super::rsa::{self, RsaKey};
    use super::super::streams::Streams;
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

        fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
            pass_bases(candidates, &[2], passes);
        }

        fn test_own_bases(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
            pass_bases(candidates, &[3, 5, 7, 11, 13], passes);
        }
    }

    fn pass_bases(candidates: &[&Candidate], bases: &[u32], passes: &mut [bool]) {
        for (candidate, passes) in candidates.iter().zip(passes) {
            let number = to_big(candidate.limbs());
            let minus_one = &number - 1_u32;
            *passes = bases.iter().all(|base| {
                let power = BigUint::from(*base).modpow(&(&minus_one >> 1), &number);
                power == BigUint::from(1_u32) || power == minus_one
            });
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

        fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
            assert_eq!(candidates.len(), self.engine.batch_size);
            self.inner.test_base_two(candidates, passes);
        }

        fn test_own_bases(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
            self.inner.test_own_bases(candidates, passes);
        }
    }

    /// The keys of these seeds, in their order, `side_by_side` at most in the making.
    fn keys(seeds: std::ops::Range<u8>, side_by_side: usize, size: PrimeSize, engine: &dyn PrimeTest) -> Vec<RsaKey> {
        let mut waiting = seeds.clone();
        let mut next = |live| {
            let seed = if live < side_by_side { waiting.next() } else { None };
            seed.map(|seed| (seed, rsa::stream(&[seed; 32], size)))
        };
        let mut made = Vec::new();
        rsa::generate_each(size, engine, &mut next, &mut |one| made.push((one.owner, one.key.unwrap())));
        made.sort_by_key(|(seed, _)| *seed);
        assert_eq!(made.len(), seeds.len());
        made.into_iter().map(|(_, key)| key).collect()
    }

    #[test]
    fn keys_do_not_depend_on_the_engine_or_their_neighbours() {
        for (size, seeds) in [(PrimeSize::Bits1024, 1..12), (PrimeSize::Bits1536, 1..3)] {
            let expected = keys(seeds.clone(), 1, size, &Naive);
            for engine in engines() {
                for side_by_side in [1, 2, 5, usize::MAX] {
                    let keys = keys(seeds.clone(), side_by_side, size, &*engine.test);
                    for (seed, (key, expected)) in seeds.clone().zip(keys.iter().zip(&expected)) {
                        let what = format!("{}, {size:?}, seed {seed}, {side_by_side}", engine.name);
                        assert!(key.private_der == expected.private_der, "{what}");
                        assert_eq!(key.public_der, expected.public_der, "{what}");
                    }
                }
            }
        }
    }

    #[test]
    fn primes_do_not_depend_on_batch_size_or_trial_division() {
        // With batches of 64, several of these primes lie in one batch. All pairs but the third are drawn anew.
        let primes = |engine: &dyn PrimeTest, neighbours: u8| -> Vec<BigUint> {
            let pairs = std::cell::RefCell::new(Vec::new());
            let drbg = |seed| HmacDrbg::new(&[seed; 32], b"det RSA key gen");
            let mut streams = Streams::new(PrimeSize::Bits1024, engine);
            streams.add(0, drbg(5));
            let mut made = streams.search(|p, q| {
                pairs.borrow_mut().extend([to_big(p.limbs()), to_big(q.limbs())]);
                (pairs.borrow().len() == 6).then_some(())
            });
            assert_eq!(made.pop(), Some((0, ())));
            let expected = pairs.into_inner();
            if neighbours > 0 {
                let mut streams = Streams::new(PrimeSize::Bits1024, engine);
                (0..=neighbours).for_each(|owner| streams.add(owner, drbg(5 + owner)));
                let mut own = None;
                while streams.len() > 0 {
                    let pairs = streams.search(|p, q| Some([to_big(p.limbs()), to_big(q.limbs())]));
                    own = pairs.into_iter().find(|(owner, _)| *owner == 0).map(|(_, pair)| pair).or(own);
                }
                assert_eq!(own.unwrap()[..], expected[..2]);
            }
            expected
        };
        let expected = primes(&Portable::new(), 0);
        for engine in engines() {
            assert_eq!(primes(&*engine.test, 9), expected, "{}", engine.name);
        }
        for (batch_size, bound) in [(1, 100), (3, 1_619), (8, 8_192), (64, 100), (64, 65_536)] {
            assert_eq!(primes(&Batched::new(batch_size, bound), 2), expected, "{batch_size}, {bound}");
        }
    }

    /// Powers of an engine that has some, on lists of any length, and what it does not take.
    #[test]
    fn powers_are_those_of_num_bigint() {
        let number = |byte: u8, length: usize| -> Vec<u64> {
            (0..length as u64).map(|place| (place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(byte)).collect()
        };
        for engine in engines() {
            for size in SIZES {
                let mut search = engine.test.search(size);
                let length = size.bytes() / 8;
                let numbers: Vec<_> = (0..19_u8)
                    .map(|byte| {
                        let mut modulus = number(byte, length);
                        modulus[0] |= 1;
                        modulus[length - 1] |= 3 << 62;
                        (number(byte ^ 0x55, 2 * length - usize::from(byte % 3)), number(byte ^ 0xaa, length), modulus)
                    })
                    .collect();
                let powers: Vec<Power<'_>> =
                    numbers.iter().map(|(base, exponent, modulus)| Power { base, exponent, modulus }).collect();
                for count in [0, 1, 7, 8, 9, 19] {
                    let Some(results) = search.powers(&powers[..count]) else { break };
                    assert_eq!(results.len(), count);
                    for (result, (base, exponent, modulus)) in results.iter().zip(&numbers) {
                        let expected = to_big(base).modpow(&to_big(exponent), &to_big(modulus));
                        assert_eq!(to_big(result), expected, "{}, {size:?}", engine.name);
                    }
                }
                let (base, exponent, modulus) = (&numbers[0].0, &numbers[0].1, &numbers[0].2);
                let (long, short) = (number(1, 2 * length + 1), &exponent[1..]);
                for power in [
                    Power { base: &long, exponent, modulus },
                    Power { base, exponent: short, modulus },
                    Power { base, exponent, modulus: &long },
                ] {
                    assert!(search.powers(&[power]).is_none(), "{}, {size:?}", engine.name);
                }
            }
        }
    }
}
