//! Both kernels against num-bigint's arithmetic.

use std::array::from_fn;

use num_bigint::BigUint;

use super::super::prime::Power;
use super::super::trial_division::odd_primes;
use super::entry::{Division, Eight, Four, HasAvx2, HasIfma};
use super::side_by_side::{Kernel, SideBySide};
use super::{avx2, ifma};

/// A kernel whose residues can be looked at.
trait Open<const W: usize, const N: usize>: Kernel<W, N> + Sized {
    /// The bits of a limb.
    const BITS: usize;

    /// None, and a word about it, on a CPU without the instructions.
    fn on_this_cpu() -> Option<Tests<Self, W, N>>;

    /// Of the last test.
    fn residues(&self) -> Vec<BigUint>;
}

type Tests<K, const W: usize, const N: usize> = SideBySide<K, (), W, N>;

impl<const W: usize, const L: usize, const D: usize> Open<W, { ifma::LANES }> for Eight<W, L, D> {
    const BITS: usize = ifma::LIMB;

    fn on_this_cpu() -> Option<Tests<Self, W, { ifma::LANES }>> {
        has_ifma().map(|cpu| SideBySide::new(Self::new(cpu), ()))
    }

    fn residues(&self) -> Vec<BigUint> {
        Eight::residues(self).iter().map(|limbs| limbs_to_big(limbs, ifma::LIMB)).collect()
    }
}

impl<const W: usize, const L: usize, const B: i32> Open<W, { avx2::LANES }> for Four<W, L, B> {
    const BITS: usize = B as usize;

    fn on_this_cpu() -> Option<Tests<Self, W, { avx2::LANES }>> {
        let cpu = HasAvx2::detect();
        if cpu.is_none() {
            println!("skipped: this CPU has no AVX2");
        }
        cpu.map(|cpu| SideBySide::new(Self::new(cpu), ()))
    }

    fn residues(&self) -> Vec<BigUint> {
        Four::residues(self).iter().map(|limbs| limbs_to_big(limbs, B as usize)).collect()
    }
}

fn has_ifma() -> Option<HasIfma> {
    let cpu = HasIfma::detect();
    if cpu.is_none() {
        println!("skipped: this CPU has no AVX-512 IFMA");
    }
    cpu
}

fn to_big(words: &[u64]) -> BigUint {
    BigUint::from_bytes_le(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
}

fn limbs_to_big(limbs: &[u64], bits: usize) -> BigUint {
    limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << bits) + limb)
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

/// Numbers of `words` words where limbs of `bits` bits are full or empty and carries run far, and `random` others.
fn numbers(words: usize, bits: usize, random: usize) -> Vec<BigUint> {
    let ones = (BigUint::from(1_u32) << (64 * words)) - 1_u32;
    let limb = (BigUint::from(1_u32) << bits) - 1_u32;
    let count = 64 * words / bits;
    let mut numbers = vec![BigUint::ZERO, BigUint::from(1_u32), BigUint::from(2_u32), ones.clone()];
    // Every second limb full; a single limb full, or all but one; ones below and above a bit.
    for odd in [0, 1] {
        numbers.push((odd..count).step_by(2).map(|place| &limb << (place * bits)).sum());
    }
    for place in [0, 1, 3, 4, 5, 9, 10, count - 2, count - 1, count] {
        numbers.push(&limb << (place * bits));
        numbers.push(&ones ^ (&limb << (place * bits)));
    }
    for bits in [bits, 5 * bits, 10 * bits, 32 * words, 64 * words - 2, 64 * words - 1] {
        numbers.push(&ones >> bits);
        numbers.push(&ones ^ (&ones >> bits));
    }
    numbers.push(&ones / 3_u32);
    let mut state = Random(words as u64);
    numbers.extend((0..random).map(|_| to_big(&(0..words).map(|_| state.next()).collect::<Vec<_>>())));
    numbers.iter().map(|number| number & &ones).collect()
}

fn candidates<const W: usize>(bits: usize, random: usize) -> Vec<[u64; W]> {
    let mut candidates: Vec<_> = numbers(W, bits, random).iter().map(from_big).collect();
    for candidate in &mut candidates {
        candidate[0] |= 7;
        candidate[W - 1] |= 3 << 62;
    }
    candidates
}

fn is_unit(power: &BigUint, modulus: &BigUint) -> bool {
    *power == BigUint::from(1_u32) || *power == modulus - 1_u32
}

fn agrees_with_num_bigint<K: Open<W, N>, const W: usize, const N: usize>(random: usize) {
    let Some(mut tests) = K::on_this_cpu() else { return };
    let candidates = candidates::<W>(K::BITS, random);
    for together in candidates.chunks(N) {
        let passes = tests.pass_base_two(&together.iter().collect::<Vec<_>>());
        let residues = tests.kernel.residues();
        for ((candidate, passes), residue) in together.iter().zip(passes).zip(residues) {
            let modulus = to_big(candidate);
            let expected = BigUint::from(2_u32).modpow(&(&modulus >> 1), &modulus);
            assert_eq!(residue, expected, "2, {modulus:x}");
            assert_eq!(passes, is_unit(&expected, &modulus), "2, {modulus:x}");
        }
    }
    // Other bases and exponents for each candidate, all of them in the end, alone and several of them side by side.
    let short: Vec<[u64; W]> = numbers(W, K::BITS, random).iter().map(from_big).collect();
    let wide: Vec<Vec<u64>> =
        numbers(2 * W, K::BITS, random).iter().map(|number| number.iter_u64_digits().collect()).collect();
    let number = |index: usize| &short[index % short.len()];
    for (index, together) in candidates.chunks(N).enumerate() {
        let pairs: Vec<_> =
            together.iter().enumerate().map(|(lane, candidate)| (candidate, number(index * 5 + lane))).collect();
        let passes = tests.pass_bases(&pairs);
        let residues = tests.kernel.residues();
        for (((candidate, base), passes), residue) in pairs.into_iter().zip(passes).zip(residues) {
            let modulus = to_big(candidate);
            let expected = to_big(base).modpow(&(&modulus >> 1), &modulus);
            // A multiple of the modulus comes out as the modulus, not as 0.
            assert_eq!(residue % &modulus, expected, "{base:x?} {modulus:x}");
            assert_eq!(passes, is_unit(&expected, &modulus), "{base:x?} {modulus:x}");
        }
        let powers: Vec<_> = together
            .iter()
            .enumerate()
            .map(|(lane, modulus)| Power {
                base: &wide[(index * 7 + lane) % wide.len()],
                exponent: number(index * 3 + lane),
                modulus,
            })
            .collect();
        for count in [powers.len(), 1] {
            let results = tests.powers_at_once(&powers[..count]).unwrap();
            assert_eq!(results.len(), count);
            for (power, result) in powers.iter().zip(results) {
                let (base, exponent, modulus) = (to_big(power.base), to_big(power.exponent), to_big(power.modulus));
                let expected = base.modpow(&exponent, &modulus);
                assert_eq!(to_big(&result) % &modulus, expected, "{base:x} {exponent:x} {modulus:x}");
                assert!(to_big(&result) <= modulus);
            }
        }
    }
}

#[test]
fn ifma_agrees_with_num_bigint() {
    agrees_with_num_bigint::<Eight<16, 20, 40>, 16, 8>(40);
    agrees_with_num_bigint::<Eight<24, 30, 60>, 24, 8>(8);
    agrees_with_num_bigint::<Eight<32, 40, 80>, 32, 8>(2);
}

#[test]
fn avx2_agrees_with_num_bigint() {
    agrees_with_num_bigint::<Four<16, 37, 28>, 16, 4>(40);
    agrees_with_num_bigint::<Four<24, 56, 28>, 24, 4>(8);
    agrees_with_num_bigint::<Four<32, 76, 27>, 32, 4>(2);
}

fn lanes_are_apart<K: Open<16, N>, const N: usize>() {
    let Some(mut tests) = K::on_this_cpu() else { return };
    // A prime passes in each lane and alone.
    let prime = prime();
    let composite = [u64::MAX; 16];
    assert_eq!(tests.pass_base_two(&[&prime]), from_fn(|lane| lane == 0));
    for place in 0..N {
        let together: [&[u64; 16]; N] = from_fn(|lane| if lane == place { &prime } else { &composite });
        assert_eq!(tests.pass_base_two(&together), from_fn(|lane| lane == place));
    }
    assert_eq!(tests.pass_base_two(&[]), [false; N]);

    // 0 is no proper base: its power is 0.
    let number = |value: u32| from_big(&BigUint::from(value));
    assert_eq!(tests.pass_bases(&[]), [false; N]);
    for count in 1..=N {
        let good: Vec<[u64; 16]> = (2..).take(count).map(number).collect();
        for place in 0..=count {
            let mut bases = good.clone();
            if let Some(base) = bases.get_mut(place) {
                *base = number(0);
            }
            let pairs: Vec<_> = bases.iter().map(|base| (&prime, base)).collect();
            assert_eq!(tests.pass_bases(&pairs), from_fn(|lane| lane < count && lane != place), "{place} of {count}");
        }
    }
}

#[test]
fn a_lane_does_not_see_its_neighbours() {
    lanes_are_apart::<Eight<16, 20, 40>, 8>();
    lanes_are_apart::<Four<16, 37, 28>, 4>();
}

fn lengths_are_looked_at<K: Open<16, N>, const N: usize>() {
    let Some(mut tests) = K::on_this_cpu() else { return };
    let prime = prime();
    let power = |base, exponent, modulus| Power { base, exponent, modulus };
    let good = || power(&[0; 32], &prime, &prime);
    assert!(tests.powers_at_once(&[]).unwrap().is_empty());
    assert_eq!(tests.powers_at_once(&[good(), power(&[3], &prime, &prime)]).map(|powers| powers.len()), Some(2));
    for bad in [power(&[0; 33], &prime, &prime), power(&[3], &prime[1..], &prime), power(&[3], &prime, &prime[1..])] {
        assert!(tests.powers_at_once(&[good(), bad]).is_none());
    }
}

#[test]
fn numbers_of_another_length_have_no_powers() {
    lengths_are_looked_at::<Eight<16, 20, 40>, 8>();
    lengths_are_looked_at::<Four<16, 37, 28>, 4>();
}

/// The largest number of 1024 bits that is prime and 7 modulo 8: found here, by num-bigint's arithmetic.
fn prime() -> [u64; 16] {
    let mut number = (BigUint::from(1_u32) << 1024) - 1_u32;
    let passes = |number: &BigUint| {
        odd_primes(1000).iter().all(|prime| number % *prime != BigUint::ZERO)
            && [2_u32, 3, 5].iter().all(|base| is_unit(&BigUint::from(*base).modpow(&(number >> 1), number), number))
    };
    while !passes(&number) {
        number -= 8_u32;
    }
    from_big(&number)
}

fn divides_as_num_bigint_does<const W: usize, const L: usize>() {
    let Some(cpu) = has_ifma() else { return };
    for bound in [3, 5, 100, 5_000, 200_000] {
        let division = Division::<L>::new(cpu, bound);
        let primes = odd_primes(bound);
        for number in candidates::<W>(ifma::LIMB, 40) {
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
    let Some(cpu) = has_ifma() else { return };
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
