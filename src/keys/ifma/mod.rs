//! The engine for x86-64 CPUs with AVX-512 IFMA: eight Miller-Rabin tests side by side.
//!
//! Why: three quarters of a build are tests of primality. One instruction multiplies eight pairs of 52-bit limbs.
//!
//! Input: candidates, eight at a time, or one candidate with all its bases.
//!
//! Output: exactly the verdict of [`super::Portable`], which makes the same test with the same bases.
//!
//! Refuses: to exist on a CPU without the instructions.

mod arithmetic;
mod division;
#[allow(unsafe_code, reason = "calls functions that need CPU features; proved in the file")]
mod entry;

use std::sync::OnceLock;

use self::arithmetic::LANES;
use self::entry::{Cpu, Division, Tests};
use super::prime::{Candidate, PrimeSize, PrimeTest, Search, base};

/// Where another small prime costs more than it saves, measured with this engine's tests of 1024 bits and of more.
const BOUND_1024: u32 = 65_536;
const BOUND_MORE: u32 = 131_072;

/// Trial division, then Miller-Rabin with base 2 of eight candidates at once, then with all of a candidate's own bases at once.
pub(super) struct Ifma {
    cpu: Cpu,
    /// Tables of small primes, half a megabyte to two megabytes, prepared when first needed.
    division_1024: OnceLock<Division<20>>,
    division_1536: OnceLock<Division<30>>,
    division_2048: OnceLock<Division<40>>,
}

impl Ifma {
    /// The engine, if this CPU can run it.
    #[must_use]
    pub(super) fn detect() -> Option<Self> {
        Cpu::detect().map(|cpu| Self {
            cpu,
            division_1024: OnceLock::new(),
            division_1536: OnceLock::new(),
            division_2048: OnceLock::new(),
        })
    }

    fn begin<'table, const W: usize, const L: usize, const D: usize>(
        &self,
        division: &'table OnceLock<Division<L>>,
        bound: u32,
    ) -> Box<dyn Search + 'table> {
        let division = division.get_or_init(|| Division::new(self.cpu, bound));
        Box::new(Eight::<W, L, D> { division, tests: Tests::new(self.cpu) })
    }
}

impl PrimeTest for Ifma {
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_> {
        match size {
            PrimeSize::Bits1024 => self.begin::<16, 20, 40>(&self.division_1024, BOUND_1024),
            PrimeSize::Bits1536 => self.begin::<24, 30, 60>(&self.division_1536, BOUND_MORE),
            PrimeSize::Bits2048 => self.begin::<32, 40, 80>(&self.division_2048, BOUND_MORE),
        }
    }
}

/// One search: W words of 64 bits, L limbs of 52, `D = 2 L`.
struct Eight<'table, const W: usize, const L: usize, const D: usize> {
    division: &'table Division<L>,
    tests: Tests<W, L, D>,
}

impl<const W: usize, const L: usize, const D: usize> Search for Eight<'_, W, L, D> {
    fn batch_size(&self) -> usize {
        LANES
    }

    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
        words(candidate).is_some_and(|candidate| self.division.survives::<W>(candidate))
    }

    fn test(&mut self, candidates: &[Candidate], is_prime: &mut [bool]) {
        for (candidates, is_prime) in candidates.chunks(LANES).zip(is_prime.chunks_mut(LANES)) {
            // All candidates of a search have its size.
            let numbers: Vec<&[u64; W]> = candidates.iter().filter_map(words).collect();
            if numbers.len() != candidates.len() {
                continue;
            }
            let passes = self.tests.pass_base_two(&numbers);
            for (((candidate, number), is_prime), passes) in candidates.iter().zip(numbers).zip(is_prime).zip(passes) {
                let bases = || (0..candidate.rounds()).map(|round| base(number, round)).collect::<Vec<_>>();
                *is_prime = passes && self.tests.passes(number, &bases());
            }
        }
    }
}

fn words<const W: usize>(candidate: &Candidate) -> Option<&[u64; W]> {
    candidate.limbs().try_into().ok()
}
