//! The engine for every machine: safe Rust, no instructions beyond the target's own.

use super::montgomery::Montgomery;
use super::prime::{Candidate, PrimeSize, PrimeTest, Search, base};
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
    fn search(&self, _: PrimeSize) -> Box<dyn Search + '_> {
        Box::new(OneByOne { trial_division: &self.trial_division })
    }
}

struct OneByOne<'table> {
    trial_division: &'table TrialDivision,
}

impl Search for OneByOne<'_> {
    fn batch_size(&self) -> usize {
        1
    }

    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
        self.trial_division.survives(candidate.limbs())
    }

    fn test(&mut self, candidates: &[Candidate], is_prime: &mut [bool]) {
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
