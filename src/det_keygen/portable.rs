//! The engine for every machine: safe Rust, no instructions beyond the target's own.

use std::sync::OnceLock;

use super::montgomery::Montgomery;
use super::prime::{Candidate, PrimeSize, PrimeTest, Search, base};
use super::trial_division::TrialDivision;

/// Where another small prime costs more than it saves, measured with this engine's test.
const TRIAL_DIVISION_BOUND: u32 = 65_536;

/// Trial division, then Miller-Rabin with base 2, then with bases of the candidate's own.
#[derive(Default)]
pub struct Portable {
    /// Tables of small primes, about half a megabyte each, prepared when first needed.
    division_1024: OnceLock<TrialDivision<16>>,
    division_1536: OnceLock<TrialDivision<24>>,
    division_2048: OnceLock<TrialDivision<32>>,
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
        match size {
            PrimeSize::Bits1024 => begin::<16, 18>(&self.division_1024),
            PrimeSize::Bits1536 => begin::<24, 27>(&self.division_1536),
            PrimeSize::Bits2048 => begin::<32, 36>(&self.division_2048),
        }
    }
}

fn begin<const W: usize, const L: usize>(division: &OnceLock<TrialDivision<W>>) -> Box<dyn Search + '_> {
    let division = division.get_or_init(|| TrialDivision::new(TRIAL_DIVISION_BOUND));
    Box::new(OneByOne { division, test: Montgomery::<W, L>::new() })
}

struct OneByOne<'table, const W: usize, const L: usize> {
    division: &'table TrialDivision<W>,
    test: Montgomery<W, L>,
}

impl<const W: usize, const L: usize> Search for OneByOne<'_, W, L> {
    fn batch_size(&self) -> usize {
        1
    }

    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
        candidate.words().is_some_and(|number| self.division.survives(number))
    }

    fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        for (candidate, passes) in candidates.iter().zip(passes) {
            *passes = candidate.words::<W>().is_some_and(|number| self.test.passes_base_two(number));
        }
    }

    fn test_own_bases(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        for (candidate, passes) in candidates.iter().zip(passes) {
            let mut rounds = 0..candidate.rounds();
            *passes = candidate
                .words::<W>()
                .is_some_and(|number| rounds.all(|round| self.test.passes(number, &base(number, round))));
        }
    }
}
