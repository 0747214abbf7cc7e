//! The way from plain code to the vector instructions, and the only `unsafe` of the program (but for the
//! feature `aws-lc`).
//!
//! All other files of this folder are safe Rust: arrays, slices, and intrinsics that take and return registers. Their
//! functions carry `#[target_feature]`, and calling such a function is undefined behaviour exactly if the CPU lacks a feature
//! that it names, or the operating system does not keep the registers. That is the one thing to prove here, and [`HasIfma`] and
//! [`HasAvx2`] are the proofs: there is no way to have one but its `detect`, and everything below is reached through one.

use zeroize::Zeroizing;

use super::super::limbs::limbs;
use super::side_by_side::Kernel;
use super::{avx2, ifma, ifma_division};

/// Shows that this CPU has AVX-512 F, DQ and IFMA and that the operating system saves their registers.
#[derive(Clone, Copy)]
pub(super) struct HasIfma(());

impl HasIfma {
    /// Asks the CPU. The macro also looks at what the operating system enabled (XGETBV).
    pub(super) fn detect() -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        has_all.then_some(Self(()))
    }
}

/// Shows that this CPU has AVX2 and that the operating system saves its registers.
#[derive(Clone, Copy)]
pub(super) struct HasAvx2(());

impl HasAvx2 {
    /// As [`HasIfma::detect`].
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

/// Eight modular powers of numbers of W words, L limbs, `D = 2 L` columns.
pub(super) struct Eight<const W: usize, const L: usize, const D: usize> {
    lanes: Box<ifma::Lanes<W, L, D>>,
    /// Kept as the proof for the calls below.
    _cpu: HasIfma,
}

impl<const W: usize, const L: usize, const D: usize> Eight<W, L, D> {
    pub(super) fn new(cpu: HasIfma) -> Self {
        // SAFETY: `cpu` shows that the CPU has avx512f and avx512ifma, the features of `Lanes::new`.
        let lanes = unsafe { ifma::Lanes::new() };
        Self { lanes: Box::new(lanes), _cpu: cpu }
    }

    /// The residues of the last test.
    #[cfg(test)]
    pub(super) fn residues(&self) -> Vec<Vec<u64>> {
        // SAFETY: `self._cpu` shows that the CPU has avx512f, the feature of `residues`.
        unsafe { self.lanes.residues() }.map(|limbs| limbs.to_vec()).to_vec()
    }
}

impl<const W: usize, const L: usize, const D: usize> Kernel<W, { ifma::LANES }> for Eight<W, L, D> {
    fn passes_base_two(&mut self, candidates: [&[u64; W]; ifma::LANES]) -> u8 {
        // SAFETY: `self._cpu` shows that the CPU has avx512f and avx512ifma, the features of `passes_base_two`.
        unsafe { self.lanes.passes_base_two(candidates) }
    }

    fn passes_bases(&mut self, candidates: [&[u64; W]; ifma::LANES], bases: [&[u64]; ifma::LANES]) -> u8 {
        // SAFETY: `self._cpu` shows that the CPU has avx512f and avx512ifma, the features of `passes_bases`.
        unsafe { self.lanes.passes_bases(candidates, bases) }
    }

    fn power(
        &mut self,
        bases: [&[u64]; ifma::LANES],
        exponents: [&[u64; W]; ifma::LANES],
        moduli: [&[u64; W]; ifma::LANES],
    ) -> [Zeroizing<[u64; W]>; ifma::LANES] {
        // SAFETY: `self._cpu` shows that the CPU has avx512f and avx512ifma, the features of `power`.
        unsafe { self.lanes.power(bases, exponents, moduli) }
    }
}

/// Trial division of numbers of L limbs of 52 bits.
pub(super) struct Division<const L: usize> {
    table: ifma_division::TrialDivision<L>,
    /// Kept as the proof for the calls below.
    _cpu: HasIfma,
}

impl<const L: usize> Division<L> {
    pub(super) fn new(cpu: HasIfma, bound: u32) -> Self {
        // SAFETY: `cpu` shows that the CPU has avx512f, avx512dq and avx512ifma, the features of `TrialDivision::new`.
        let table = unsafe { ifma_division::TrialDivision::new(bound) };
        Self { table, _cpu: cpu }
    }

    /// Whether none of the primes divides the candidate.
    pub(super) fn survives<const W: usize>(&self, candidate: &[u64; W]) -> bool {
        let limbs = Zeroizing::new(limbs::<L>(candidate, ifma::LIMB, 0));
        // SAFETY: `self._cpu` shows that the CPU has avx512f, avx512dq and avx512ifma, the features of `survives`.
        unsafe { self.table.survives(&limbs) }
    }
}

/// Four modular powers of numbers of W words, L limbs of B bits.
pub(super) struct Four<const W: usize, const L: usize, const B: i32> {
    lanes: Box<avx2::Lanes<W, L, B>>,
    /// Kept as the proof for the calls below.
    _cpu: HasAvx2,
}

impl<const W: usize, const L: usize, const B: i32> Four<W, L, B> {
    pub(super) fn new(cpu: HasAvx2) -> Self {
        // SAFETY: `cpu` shows that the CPU has avx2, the feature of `Lanes::new`.
        let lanes = unsafe { avx2::Lanes::new() };
        Self { lanes: Box::new(lanes), _cpu: cpu }
    }

    /// The residues of the last test.
    #[cfg(test)]
    pub(super) fn residues(&self) -> Vec<Vec<u64>> {
        // SAFETY: `self._cpu` shows that the CPU has avx2, the feature of `residues`.
        unsafe { self.lanes.residues() }.map(|limbs| limbs.to_vec()).to_vec()
    }
}

impl<const W: usize, const L: usize, const B: i32> Kernel<W, { avx2::LANES }> for Four<W, L, B> {
    fn passes_base_two(&mut self, candidates: [&[u64; W]; avx2::LANES]) -> u8 {
        // SAFETY: `self._cpu` shows that the CPU has avx2, the feature of `passes_base_two`.
        unsafe { self.lanes.passes_base_two(candidates) }
    }

    fn passes_bases(&mut self, candidates: [&[u64; W]; avx2::LANES], bases: [&[u64]; avx2::LANES]) -> u8 {
        // SAFETY: `self._cpu` shows that the CPU has avx2, the feature of `passes_bases`.
        unsafe { self.lanes.passes_bases(candidates, bases) }
    }

    fn power(
        &mut self,
        bases: [&[u64]; avx2::LANES],
        exponents: [&[u64; W]; avx2::LANES],
        moduli: [&[u64; W]; avx2::LANES],
    ) -> [Zeroizing<[u64; W]>; avx2::LANES] {
        // SAFETY: `self._cpu` shows that the CPU has avx2, the feature of `power`.
        unsafe { self.lanes.power(bases, exponents, moduli) }
    }
}
