//! A search for primes with as many modular powers at once as a kernel has lanes.

use std::array::from_fn;

use zeroize::Zeroizing;

use super::super::integer::Integer;
use super::super::prime::{Candidate, Power, Search, base};

/// N modular powers side by side, modulo numbers of W words that are odd and have their top two bits set.
pub(super) trait Kernel<const W: usize, const N: usize> {
    /// Which candidates pass Miller-Rabin with base 2, one bit each, the first one's the lowest. All are 7 modulo 8.
    fn passes_base_two(&mut self, candidates: [&[u64; W]; N]) -> u8;

    /// Which candidates pass Miller-Rabin with the base beside them, one bit each. All are 3 modulo 4.
    fn passes_bases(&mut self, candidates: [&[u64; W]; N], bases: [&[u64]; N]) -> u8;

    /// `base^exponent` modulo each lane's modulus; a base has at most 2 W words. What is 0 may come out as the modulus.
    fn power(
        &mut self,
        bases: [&[u64]; N],
        exponents: [&[u64; W]; N],
        moduli: [&[u64; W]; N],
    ) -> [Zeroizing<[u64; W]>; N];
}

/// One search: trial division, and a kernel for the tests behind it.
pub(super) struct SideBySide<K, D, const W: usize, const N: usize> {
    pub(super) kernel: K,
    survives_trial_division: D,
}

impl<K: Kernel<W, N>, D, const W: usize, const N: usize> SideBySide<K, D, W, N> {
    pub(super) fn new(kernel: K, survives_trial_division: D) -> Self {
        Self { kernel, survives_trial_division }
    }

    /// Which of one to N candidates pass with base 2; more are not looked at. All are 7 modulo 8, with their top two
    /// bits set, as every [`Candidate`] is.
    pub(super) fn pass_base_two(&mut self, candidates: &[&[u64; W]]) -> [bool; N] {
        let Some(first) = candidates.first() else { return [false; N] };
        let passes = self.kernel.passes_base_two(from_fn(|lane| *candidates.get(lane).unwrap_or(first)));
        from_fn(|lane| lane < candidates.len() && passes >> lane & 1 == 1)
    }

    /// Which of one to N candidates pass, each with the base beside it; more are not looked at.
    pub(super) fn pass_bases(&mut self, tests: &[(&[u64; W], &[u64; W])]) -> [bool; N] {
        let Some(first) = tests.first() else { return [false; N] };
        let in_lanes: [_; N] = from_fn(|lane| tests.get(lane).unwrap_or(first));
        let (candidates, bases) = (in_lanes.map(|(candidate, _)| *candidate), in_lanes.map(|(_, base)| &base[..]));
        let passes = self.kernel.passes_bases(candidates, bases);
        from_fn(|lane| lane < tests.len() && passes >> lane & 1 == 1)
    }

    /// The powers of one to N bases; more are not looked at. None if a number has not the kernel's length.
    pub(super) fn powers_at_once(&mut self, powers: &[Power<'_>]) -> Option<Vec<Integer>> {
        let Some(first) = powers.first() else { return Some(Vec::new()) };
        let first = InLane::new(first)?;
        let mut in_lanes = [first; N];
        for (lane, power) in in_lanes.iter_mut().zip(powers) {
            *lane = InLane::new(power)?;
        }
        let (exponents, moduli) = (in_lanes.map(|lane| lane.exponent), in_lanes.map(|lane| lane.modulus));
        let results = self.kernel.power(in_lanes.map(|lane| lane.base), exponents, moduli);
        Some(results.iter().take(powers.len()).map(|power| Zeroizing::new(power.to_vec())).collect())
    }
}

/// A [`Power`] of the kernel's length.
#[derive(Clone, Copy)]
struct InLane<'a, const W: usize> {
    base: &'a [u64],
    exponent: &'a [u64; W],
    modulus: &'a [u64; W],
}

impl<'a, const W: usize> InLane<'a, W> {
    fn new(power: &Power<'a>) -> Option<Self> {
        let (exponent, modulus) = (power.exponent.try_into().ok()?, power.modulus.try_into().ok()?);
        (power.base.len() <= 2 * W).then_some(Self { base: power.base, exponent, modulus })
    }
}

impl<K, D, const W: usize, const N: usize> Search for SideBySide<K, D, W, N>
where
    K: Kernel<W, N>,
    D: Fn(&[u64; W]) -> bool,
{
    fn batch_size(&self) -> usize {
        N
    }

    fn survives_trial_division(&mut self, candidate: &Candidate) -> bool {
        candidate.words().is_some_and(|candidate| (self.survives_trial_division)(candidate))
    }

    fn test_base_two(&mut self, candidates: &[&Candidate], passes: &mut [bool]) {
        for (candidates, passes) in candidates.chunks(N).zip(passes.chunks_mut(N)) {
            let numbers: Option<Vec<&[u64; W]>> = candidates.iter().map(|candidate| candidate.words()).collect();
            let Some(numbers) = numbers else { continue };
            passes.iter_mut().zip(self.pass_base_two(&numbers)).for_each(|(passes, this)| *passes = this);
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
        for rounds in rounds.chunks(N) {
            let tests: Vec<_> = rounds.iter().map(|(_, number, base)| (*number, &**base)).collect();
            for ((place, ..), round_passes) in rounds.iter().zip(self.pass_bases(&tests)) {
                passes[*place] &= round_passes;
            }
        }
    }

    fn powers(&mut self, powers: &[Power<'_>]) -> Option<Vec<Integer>> {
        let mut results = Vec::with_capacity(powers.len());
        for powers in powers.chunks(N) {
            results.extend(self.powers_at_once(powers)?);
        }
        Some(results)
    }
}
