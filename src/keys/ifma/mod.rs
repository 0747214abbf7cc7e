//! The engine for x86-64 CPUs with AVX-512 IFMA: eight Miller-Rabin tests side by side.
//!
//! Why: three quarters of a build are tests of primality. One instruction multiplies eight pairs of 52-bit limbs.
//!
//! Input: candidates, eight at a time; eight candidates each with a base; eight powers of a signature.
//!
//! Output: exactly the verdict of [`super::Portable`], which makes the same test with the same bases; modular powers.
//!
//! Refuses: to exist on a CPU without the instructions.

mod arithmetic;
mod division;
#[allow(unsafe_code, reason = "calls functions that need CPU features; proved in the file")]
mod entry;

use std::sync::OnceLock;

use zeroize::Zeroizing;

use self::arithmetic::LANES;
use self::entry::{Cpu, Division, Tests};
use super::integer::Integer;
use super::prime::{Candidate, Power, PrimeSize, PrimeTest, Search, base};

/// Where another small prime costs more than it saves, measured with this engine's tests of 1024 bits and of more.
const BOUND_1024: u32 = 65_536;
const BOUND_MORE: u32 = 131_072;

/// Trial division, then Miller-Rabin with base 2 of eight candidates at once, then eight rounds with own bases at once.
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
        candidate.words().is_some_and(|candidate| self.division.survives::<W>(candidate))
    }

    fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        for (candidates, passes) in candidates.chunks(LANES).zip(passes.chunks_mut(LANES)) {
            let numbers: Option<Vec<&[u64; W]>> = candidates.iter().map(|candidate| candidate.words()).collect();
            let Some(numbers) = numbers else { continue };
            passes.iter_mut().zip(self.tests.pass_base_two(&numbers)).for_each(|(passes, this)| *passes = this);
        }
    }

    /// Rounds of all candidates one behind the other: a lane does not care whose it is.
    fn test_own_bases(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        let mut rounds = Vec::new();
        for (place, candidate) in candidates.iter().enumerate() {
            let Some(number) = candidate.words::<W>() else { continue };
            rounds.extend((0..candidate.rounds()).map(|round| (place, number, base(number, round))));
            passes[place] = true;
        }
        for rounds in rounds.chunks(LANES) {
            let tests: Vec<_> = rounds.iter().map(|(_, number, base)| (*number, &**base)).collect();
            for ((place, ..), round_passes) in rounds.iter().zip(self.tests.pass_bases(&tests)) {
                passes[*place] &= round_passes;
            }
        }
    }

    fn powers(&mut self, powers: &[Power<'_>]) -> Option<Vec<Integer>> {
        let powers: Vec<entry::Power<'_, W>> = powers
            .iter()
            .map(|power| {
                let (exponent, modulus) = (power.exponent.try_into().ok()?, power.modulus.try_into().ok()?);
                (power.base.len() <= 2 * W).then_some(entry::Power { base: power.base, exponent, modulus })
            })
            .collect::<Option<_>>()?;
        let results = powers.chunks(LANES).flat_map(|powers| self.tests.powers(powers));
        Some(results.map(|power| Zeroizing::new(power.to_vec())).collect())
    }
}
