//! Engines for RSA keys: the same verdicts from each, and powers that num-bigint makes, too.

use det_keygen::{Candidate, Engine, Power, PrimeSize, engines};
use num_bigint::BigUint;

const SIZES: [PrimeSize; 3] = [PrimeSize::Bits1024, PrimeSize::Bits1536, PrimeSize::Bits2048];
/// As many as any engine tests side by side.
const CANDIDATES: usize = 8;

thread_local! {
    /// Their tables of small primes are made once.
    static ENGINES: Vec<Engine> = engines();
}

/// The first byte names a size, the others are candidates, whose fixed bits are set whatever they were.
pub fn run(bytes: &[u8]) {
    let Some((first, numbers)) = bytes.split_first() else { return };
    let size = SIZES[usize::from(*first) % SIZES.len()];
    let candidate = |chunk: &[u8]| {
        let mut bytes = vec![0; size.bytes()];
        bytes[..chunk.len()].copy_from_slice(chunk);
        Candidate::from_be_bytes(&bytes, size)
    };
    let candidates: Vec<Candidate> = numbers.chunks(size.bytes()).take(CANDIDATES).map(candidate).collect();
    let candidates: Vec<&Candidate> = candidates.iter().collect();
    ENGINES.with(|engines| {
        let verdicts: Vec<_> = engines.iter().map(|engine| verdicts(engine, size, &candidates)).collect();
        for (engine, verdict) in engines.iter().zip(&verdicts) {
            assert_eq!(*verdict, verdicts[0], "{}", engine.name);
            check_powers(engine, size, &candidates);
        }
    });
}

/// Which pass with base 2, and of these and the first one which pass with their own bases. A prime must survive trial
/// division.
fn verdicts(engine: &Engine, size: PrimeSize, candidates: &[&Candidate]) -> [Vec<bool>; 2] {
    let mut search = engine.test.search(size);
    let mut base_two = vec![false; candidates.len()];
    search.test_base_two(candidates, &mut base_two);
    let wanted = base_two.iter().enumerate().filter(|(place, passes)| **passes || *place == 0);
    let wanted: Vec<&Candidate> = wanted.map(|(place, _)| candidates[place]).collect();
    let mut own_bases = vec![false; wanted.len()];
    search.test_own_bases(&wanted, &mut own_bases);
    for candidate in wanted.into_iter().zip(&own_bases).filter(|(_, passes)| **passes).map(|(candidate, _)| candidate) {
        assert!(search.survives_trial_division(candidate), "{}", engine.name);
    }
    [base_two, own_bases]
}

/// The first candidate is the modulus, and what follows are exponent and base.
fn check_powers(engine: &Engine, size: PrimeSize, candidates: &[&Candidate]) {
    let [modulus, exponent, base @ ..] = candidates else { return };
    let base: Vec<u64> = base.iter().take(2).flat_map(|candidate| candidate.limbs()).copied().collect();
    let power = Power { base: &base, exponent: exponent.limbs(), modulus: modulus.limbs() };
    if let Some(powers) = engine.test.search(size).powers(&[power]) {
        let number = |limbs: &[u64]| limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << 64) + *limb);
        let modulus = number(modulus.limbs());
        let expected = number(&base).modpow(&number(exponent.limbs()), &modulus);
        assert_eq!(number(&powers[0]) % modulus, expected, "{}", engine.name);
    }
}
