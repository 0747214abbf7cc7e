//! The engine for every machine: safe Rust, no instructions beyond the target's own.

use std::sync::OnceLock;

use super::montgomery::Montgomery;
use super::prime::{Candidate, PrimeSize, PrimeTest, Search, base};
use super::trial_division::TrialDivision;

/// Where another small prime costs more than it saves, measured with this engine's test.
const TRIAL_DIVISION_BOUND: u32 = 16_384;

/// Trial division, then Miller-Rabin with base 2, then with bases of the candidate's own.
#[derive(Default)]
pub struct Portable {
    /// The table of small primes, half a megabyte, prepared when first needed.
    trial_division: OnceLock<TrialDivision>,
}

impl Portable {
    /// The engine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl PrimeTest for Portable {
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_> {
        let trial_division = self.trial_division.get_or_init(|| TrialDivision::new(TRIAL_DIVISION_BOUND));
        match size {
            PrimeSize::Bits1024 => Box::new(OneByOne { trial_division, test: Montgomery::<16, 18>::new() }),
            PrimeSize::Bits1536 => Box::new(OneByOne { trial_division, test: Montgomery::<24, 27>::new() }),
            PrimeSize::Bits2048 => Box::new(OneByOne { trial_division, test: Montgomery::<32, 36>::new() }),
        }
    }
}

struct OneByOne<'table, const W: usize, const L: usize> {
    trial_division: &'table TrialDivision,
    test: Montgomery<W, L>,
}

impl<const W: usize, const L: usize> Search for OneByOne<'_, W, L> {
    fn batch_size(&self) -> usize {
        1
    }

    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
        self.trial_division.survives(candidate.limbs())
    }

    fn test(&mut self, candidates: &[Candidate], is_prime: &mut [bool]) {
        for (candidate, is_prime) in candidates.iter().zip(is_prime) {
            // All candidates of a search have its size.
            let Ok(number) = <&[u64; W]>::try_from(candidate.limbs()) else { continue };
            *is_prime = self.test.passes_base_two(number)
                && (0..candidate.rounds()).all(|round| self.test.passes(number, &base(number, round)));
        }
    }
}
