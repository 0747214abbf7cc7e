//! The engines for x86-64 CPUs with vector instructions: eight Miller-Rabin tests side by side with AVX-512 IFMA, four with
//! AVX2.
//!
//! Why: most of a build are tests of primality. One instruction multiplies eight pairs of 52-bit limbs, or four of 28.
//!
//! Input: candidates, as many at a time as there are lanes; candidates each with a base; powers of a signature.
//!
//! Output: exactly the verdict of [`super::Portable`], which makes the same test with the same bases; modular powers.
//!
//! Refuses: to exist on a CPU without the instructions.

mod avx2;
mod avx2_columns;
#[allow(unsafe_code, reason = "calls functions that need CPU features; proved in the file")]
mod entry;
mod ifma;
mod ifma_division;
mod numbers;
mod side_by_side;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;

use std::sync::OnceLock;

use self::entry::{Division, Eight, Four, HasAvx2, HasIfma};
use self::side_by_side::SideBySide;
use super::prime::{PrimeSize, PrimeTest, Search};
use super::trial_division::TrialDivision;

/// Trial division, then Miller-Rabin with base 2 of eight candidates at once, then eight rounds with own bases at once.
pub(super) struct Ifma {
    cpu: HasIfma,
    /// Tables of small primes, half a megabyte to two megabytes, prepared when first needed.
    division_1024: OnceLock<Division<20>>,
    division_1536: OnceLock<Division<30>>,
    division_2048: OnceLock<Division<40>>,
}

impl Ifma {
    /// Where another small prime costs more than it saves, measured with this engine's tests of 1024 bits and of more.
    const BOUND_1024: u32 = 65_536;
    const BOUND_MORE: u32 = 131_072;

    /// The engine, if this CPU can run it.
    #[must_use]
    pub(super) fn detect() -> Option<Self> {
        HasIfma::detect().map(|cpu| Self {
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
        Box::new(SideBySide::new(Eight::<W, L, D>::new(self.cpu), |candidate: &[u64; W]| division.survives(candidate)))
    }
}

impl PrimeTest for Ifma {
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_> {
        match size {
            PrimeSize::Bits1024 => self.begin::<16, 20, 40>(&self.division_1024, Self::BOUND_1024),
            PrimeSize::Bits1536 => self.begin::<24, 30, 60>(&self.division_1536, Self::BOUND_MORE),
            PrimeSize::Bits2048 => self.begin::<32, 40, 80>(&self.division_2048, Self::BOUND_MORE),
        }
    }
}

/// The portable engine's trial division, then Miller-Rabin of four candidates at once, then four rounds at once.
pub(super) struct Avx2 {
    cpu: HasAvx2,
    /// As the portable engine's, with bounds of its own.
    division_1024: OnceLock<TrialDivision<16>>,
    division_1536: OnceLock<TrialDivision<24>>,
    division_2048: OnceLock<TrialDivision<32>>,
}

impl Avx2 {
    /// See [`Ifma`]: measured with this engine's tests of up to 1536 bits, and of 2048.
    const BOUND: u32 = 65_536;
    const BOUND_2048: u32 = 131_072;

    /// The engine, if this CPU can run it.
    #[must_use]
    pub(super) fn detect() -> Option<Self> {
        HasAvx2::detect().map(|cpu| Self {
            cpu,
            division_1024: OnceLock::new(),
            division_1536: OnceLock::new(),
            division_2048: OnceLock::new(),
        })
    }

    fn begin<'table, const W: usize, const L: usize, const B: i32>(
        &self,
        division: &'table OnceLock<TrialDivision<W>>,
        bound: u32,
    ) -> Box<dyn Search + 'table> {
        let division = division.get_or_init(|| TrialDivision::new(bound));
        Box::new(SideBySide::new(Four::<W, L, B>::new(self.cpu), |candidate: &[u64; W]| division.survives(candidate)))
    }
}

impl PrimeTest for Avx2 {
    fn search(&self, size: PrimeSize) -> Box<dyn Search + '_> {
        match size {
            PrimeSize::Bits1024 => self.begin::<16, 37, 28>(&self.division_1024, Self::BOUND),
            PrimeSize::Bits1536 => self.begin::<24, 56, 28>(&self.division_1536, Self::BOUND),
            PrimeSize::Bits2048 => self.begin::<32, 76, 27>(&self.division_2048, Self::BOUND_2048),
        }
    }
}
