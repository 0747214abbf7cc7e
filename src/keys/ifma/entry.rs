//! The way from plain code to the vector instructions, and the only `unsafe` of the program (but for the
//! feature `aws-lc`).
//!
//! `arithmetic` and `division` are safe Rust: arrays, slices, and intrinsics that take and return registers. Their functions
//! carry `#[target_feature]`, and calling such a function is undefined behaviour exactly if the CPU lacks a feature that
//! it names, or the operating system does not keep the registers. That is the one thing to prove here, and [`Cpu`] is the proof:
//! there is no way to have one but [`Cpu::detect`], and everything below is reached through one.

use std::array::from_fn;

use zeroize::Zeroizing;

use super::super::limbs::limbs;
use super::arithmetic::{LANES, LIMB, Lanes};
use super::division::TrialDivision;

/// Shows that this CPU has AVX-512 F, DQ and IFMA and that the operating system saves their registers.
#[derive(Clone, Copy)]
pub(super) struct Cpu(());

impl Cpu {
    /// Asks the CPU. The macro also looks at what the operating system enabled (XGETBV).
    pub(super) fn detect() -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        has_all.then_some(Self(()))
    }
}

/// Eight modular powers of numbers of W words, L limbs, `D = 2 L` columns.
pub(super) struct Tests<const W: usize, const L: usize, const D: usize> {
    lanes: Box<Lanes<W, L, D>>,
    /// Kept as the proof for the calls below.
    _cpu: Cpu,
}

impl<const W: usize, const L: usize, const D: usize> Tests<W, L, D> {
    pub(super) fn new(cpu: Cpu) -> Self {
        // SAFETY: `cpu` shows that the CPU has avx512f and avx512ifma, the features of `Lanes::new`.
        let lanes = unsafe { Lanes::new() };
        Self { lanes: Box::new(lanes), _cpu: cpu }
    }

    /// Which of one to eight candidates pass with base 2; more are not looked at. All are 7 modulo 8, with their top two
    /// bits set, as every [`super::Candidate`] is.
    pub(super) fn pass_base_two(&mut self, candidates: &[&[u64; W]]) -> [bool; LANES] {
        let Some(first) = candidates.first() else { return [false; LANES] };
        let in_lanes = from_fn(|lane| *candidates.get(lane).unwrap_or(first));
        // SAFETY: `self._cpu` shows that the CPU has avx512f and avx512ifma, the features of `passes_base_two`.
        let passes = unsafe { self.lanes.passes_base_two(in_lanes) };
        from_fn(|lane| lane < candidates.len() && passes >> lane & 1 == 1)
    }

    /// Which of one to eight candidates pass, each with the base beside it; more are not looked at.
    pub(super) fn pass_bases(&mut self, tests: &[(&[u64; W], &[u64; W])]) -> [bool; LANES] {
        let Some(first) = tests.first() else { return [false; LANES] };
        let in_lanes = from_fn(|lane| tests.get(lane).unwrap_or(first));
        let (candidates, bases) = (in_lanes.map(|(candidate, _)| *candidate), in_lanes.map(|(_, base)| &base[..]));
        // SAFETY: `self._cpu` shows that the CPU has avx512f and avx512ifma, the features of `passes_bases`.
        let passes = unsafe { self.lanes.passes_bases(candidates, bases) };
        from_fn(|lane| lane < tests.len() && passes >> lane & 1 == 1)
    }

    /// The powers of one to eight bases of at most 2 W words; more are not looked at. Moduli are odd, with their top two bits
    /// set, as every [`super::Candidate`] is.
    pub(super) fn powers(&mut self, powers: &[Power<'_, W>]) -> Vec<Zeroizing<[u64; W]>> {
        let Some(first) = powers.first() else { return Vec::new() };
        let in_lanes: [&Power<'_, W>; LANES] = from_fn(|lane| powers.get(lane).unwrap_or(first));
        let bases = in_lanes.map(|power| power.base);
        let (exponents, moduli) = (in_lanes.map(|power| power.exponent), in_lanes.map(|power| power.modulus));
        // SAFETY: `self._cpu` shows that the CPU has avx512f and avx512ifma, the features of `power`.
        let results = unsafe { self.lanes.power(bases, exponents, moduli) };
        results.into_iter().take(powers.len()).collect()
    }
}

/// `base^exponent` modulo `modulus`.
pub(super) struct Power<'a, const W: usize> {
    pub(super) base: &'a [u64],
    pub(super) exponent: &'a [u64; W],
    pub(super) modulus: &'a [u64; W],
}

/// Trial division of numbers of L limbs.
pub(super) struct Division<const L: usize> {
    table: TrialDivision<L>,
    /// Kept as the proof for the calls below.
    _cpu: Cpu,
}

impl<const L: usize> Division<L> {
    pub(super) fn new(cpu: Cpu, bound: u32) -> Self {
        // SAFETY: `cpu` shows that the CPU has avx512f, avx512dq and avx512ifma, the features of `TrialDivision::new`.
        let table = unsafe { TrialDivision::new(bound) };
        Self { table, _cpu: cpu }
    }

    /// Whether none of the primes divides the candidate.
    pub(super) fn survives<const W: usize>(&self, candidate: &[u64; W]) -> bool {
        let limbs = Zeroizing::new(limbs::<L>(candidate, LIMB, 0));
        // SAFETY: `self._cpu` shows that the CPU has avx512f, avx512dq and avx512ifma, the features of `survives`.
        unsafe { self.table.survives(&limbs) }
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::super::super::trial_division::odd_primes;
    use super::{Cpu, Division, LANES, LIMB, Power, Tests};

    fn cpu() -> Option<Cpu> {
        let cpu = Cpu::detect();
        if cpu.is_none() {
            println!("skipped: this CPU has no AVX-512 IFMA");
        }
        cpu
    }

    fn to_big(words: &[u64]) -> BigUint {
        BigUint::from_bytes_le(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
    }

    fn limbs_to_big(limbs: &[u64]) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << LIMB) + limb)
    }

    fn from_big<const W: usize>(number: &BigUint) -> [u64; W] {
        let mut words = [0; W];
        for (word, digit) in words.iter_mut().zip(number.iter_u64_digits()) {
            *word = digit;
        }
        words
    }

    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            self.0 ^ self.0 >> 29
        }
    }

    /// Numbers where limbs are full or empty and carries run far, and `random` others.
    fn numbers<const W: usize>(random: usize) -> Vec<[u64; W]> {
        let ones = (BigUint::from(1_u32) << (64 * W)) - 1_u32;
        let limb = (BigUint::from(1_u32) << LIMB) - 1_u32;
        let mut numbers = vec![BigUint::ZERO, BigUint::from(1_u32), BigUint::from(2_u32), ones.clone()];
        // Every second limb full; a single limb full, or all but one; ones below and above a bit.
        for odd in [0, 1] {
            numbers.push((odd..64 * W / LIMB).step_by(2).map(|place| &limb << (place * LIMB)).sum());
        }
        for place in [0, 1, 4, 5, 9, 10, 64 * W / LIMB - 1] {
            numbers.push(&limb << (place * LIMB));
            numbers.push(&ones ^ (&limb << (place * LIMB)));
        }
        for bits in [LIMB, 5 * LIMB, 10 * LIMB, 32 * W, 64 * W - 2, 64 * W - 1] {
            numbers.push(&ones >> bits);
            numbers.push(&ones ^ (&ones >> bits));
        }
        numbers.push(&ones / 3_u32);
        let mut state = Random(W as u64);
        numbers.extend((0..random).map(|_| to_big(&std::array::from_fn::<_, W, _>(|_| state.next()))));
        numbers.iter().map(|number| from_big(&(number & &ones))).collect()
    }

    fn candidates<const W: usize>(random: usize) -> Vec<[u64; W]> {
        let mut candidates = numbers(random);
        for candidate in &mut candidates {
            candidate[0] |= 7;
            candidate[W - 1] |= 3 << 62;
        }
        candidates
    }

    fn residues<const W: usize, const L: usize, const D: usize>(tests: &Tests<W, L, D>) -> Vec<BigUint> {
        // SAFETY: `tests` holds the proof that the CPU has avx512f.
        let residues = unsafe { tests.lanes.residues() };
        residues.iter().map(|limbs| limbs_to_big(limbs)).collect()
    }

    fn is_unit(power: &BigUint, modulus: &BigUint) -> bool {
        *power == BigUint::from(1_u32) || *power == modulus - 1_u32
    }

    fn agrees_with_num_bigint<const W: usize, const L: usize, const D: usize>(random: usize) {
        let Some(cpu) = cpu() else { return };
        let mut tests = Tests::<W, L, D>::new(cpu);
        let candidates = candidates::<W>(random);
        for eight in candidates.chunks(LANES) {
            let passes = tests.pass_base_two(&eight.iter().collect::<Vec<_>>());
            let residues = residues(&tests);
            for ((candidate, passes), residue) in eight.iter().zip(passes).zip(residues) {
                let modulus = to_big(candidate);
                let expected = BigUint::from(2_u32).modpow(&(&modulus >> 1), &modulus);
                assert_eq!(residue, expected, "2, {modulus:x}");
                assert_eq!(passes, is_unit(&expected, &modulus), "2, {modulus:x}");
            }
        }
        // Other bases and exponents for each candidate, all of them in the end, alone and eight of them side by side.
        let (numbers, wide) = (numbers::<W>(random), numbers::<D>(random));
        let number = |index: usize| &numbers[index % numbers.len()];
        for (index, eight) in candidates.chunks(LANES).enumerate() {
            let pairs: Vec<_> =
                eight.iter().enumerate().map(|(lane, candidate)| (candidate, number(index * 5 + lane))).collect();
            let passes = tests.pass_bases(&pairs);
            let residues = residues(&tests);
            for (((candidate, base), passes), residue) in pairs.into_iter().zip(passes).zip(residues) {
                let modulus = to_big(candidate);
                let expected = to_big(base).modpow(&(&modulus >> 1), &modulus);
                // A multiple of the modulus comes out as the modulus, not as 0.
                assert_eq!(residue % &modulus, expected, "{base:x?} {modulus:x}");
                assert_eq!(passes, is_unit(&expected, &modulus), "{base:x?} {modulus:x}");
            }
            let powers: Vec<_> = eight
                .iter()
                .enumerate()
                .map(|(lane, modulus)| {
                    let base = &wide[(index * 7 + lane) % wide.len()][..2 * W];
                    Power { base, exponent: number(index * 3 + lane), modulus }
                })
                .collect();
            for count in [powers.len(), 1] {
                for (power, result) in powers.iter().zip(tests.powers(&powers[..count])) {
                    let (base, exponent, modulus) = (to_big(power.base), to_big(power.exponent), to_big(power.modulus));
                    let expected = base.modpow(&exponent, &modulus);
                    assert_eq!(to_big(&*result) % &modulus, expected, "{base:x} {exponent:x} {modulus:x}");
                    assert!(to_big(&*result) <= modulus);
                }
            }
        }
    }

    #[test]
    fn powers_agree_with_num_bigint() {
        agrees_with_num_bigint::<16, 20, 40>(40);
        agrees_with_num_bigint::<24, 30, 60>(8);
        agrees_with_num_bigint::<32, 40, 80>(2);
    }

    #[test]
    fn a_lane_does_not_see_its_neighbours() {
        let Some(cpu) = cpu() else { return };
        // 2^1023 + ... is composite; the Mersenne-like all-ones too. A prime passes in each lane and alone.
        let prime = prime();
        let composite = [u64::MAX; 16];
        let mut tests = Tests::<16, 20, 40>::new(cpu);
        assert_eq!(tests.pass_base_two(&[&prime]), std::array::from_fn(|lane| lane == 0));
        for place in 0..LANES {
            let eight: [&[u64; 16]; LANES] =
                std::array::from_fn(|lane| if lane == place { &prime } else { &composite });
            assert_eq!(tests.pass_base_two(&eight), std::array::from_fn(|lane| lane == place));
        }
        assert_eq!(tests.pass_base_two(&[]), [false; LANES]);
    }

    #[test]
    fn each_lane_has_a_base_of_its_own() {
        let Some(cpu) = cpu() else { return };
        let prime = prime();
        let mut tests = Tests::<16, 20, 40>::new(cpu);
        // 0 is no proper base: its power is 0.
        let number = |value: u32| from_big(&BigUint::from(value));
        assert_eq!(tests.pass_bases(&[]), [false; LANES]);
        assert!(tests.powers(&[]).is_empty());
        for count in 1..=LANES {
            let good: Vec<[u64; 16]> = (2..).take(count).map(number).collect();
            for place in 0..=count {
                let mut bases = good.clone();
                if let Some(base) = bases.get_mut(place) {
                    *base = number(0);
                }
                let pairs: Vec<_> = bases.iter().map(|base| (&prime, base)).collect();
                let expected = std::array::from_fn(|lane| lane < count && lane != place);
                assert_eq!(tests.pass_bases(&pairs), expected, "{place} of {count}");
            }
        }
    }

    /// The largest number of 1024 bits that is prime and 7 modulo 8: found below, by num-bigint's arithmetic.
    fn prime() -> [u64; 16] {
        let one = BigUint::from(1_u32);
        let mut number = (&one << 1024) - 1_u32;
        let passes = |number: &BigUint| {
            odd_primes(1000).iter().all(|prime| number % *prime != BigUint::ZERO)
                && [2_u32, 3, 5]
                    .iter()
                    .all(|base| is_unit(&BigUint::from(*base).modpow(&(number >> 1), number), number))
        };
        while !passes(&number) {
            number -= 8_u32;
        }
        from_big(&number)
    }

    fn divides_as_num_bigint_does<const W: usize, const L: usize>() {
        let Some(cpu) = cpu() else { return };
        for bound in [3, 5, 100, 5_000, 200_000] {
            let division = Division::<L>::new(cpu, bound);
            let primes = odd_primes(bound);
            for number in candidates::<W>(40) {
                let big = to_big(&number);
                let expected = primes.iter().all(|prime| &big % *prime != BigUint::ZERO);
                assert_eq!(division.survives(&number), expected, "{bound} {big:x}");
            }
        }
    }

    #[test]
    fn exactly_the_numbers_without_small_factors_survive() {
        divides_as_num_bigint_does::<16, 20>();
        divides_as_num_bigint_does::<24, 30>();
        divides_as_num_bigint_does::<32, 40>();
    }

    fn each_prime_is_found<const W: usize, const L: usize>(bound: u32) {
        let Some(cpu) = cpu() else { return };
        let division = Division::<L>::new(cpu, bound);
        let primes = odd_primes(bound);
        // What is just above all primes of the table is not divided by them: its prime factors are larger.
        let rough = |number: &BigUint| primes.iter().all(|prime| number % *prime != BigUint::ZERO);
        let top = (BigUint::from(1_u32) << (64 * W)) - 1_u32;
        for prime in &primes {
            // The largest multiple of this prime whose cofactor has none of the others.
            let mut cofactor = &top / *prime;
            while !rough(&cofactor) {
                cofactor -= 1_u32;
            }
            assert!(!division.survives(&from_big::<W>(&(cofactor * *prime))), "{prime}");
        }
    }

    #[test]
    fn each_prime_is_found_alone() {
        each_prime_is_found::<16, 20>(2_000);
        each_prime_is_found::<24, 30>(300);
        each_prime_is_found::<32, 40>(300);
    }
}
