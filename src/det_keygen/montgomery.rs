//! Residues modulo an odd number in Montgomery's form, in limbs of 58 bits: portable, safe, and without carries between
//! products.
//!
//! A product of two limbs has 116 bits, so that a sum of many fits 128. Sums go column by column, three at a time, so that each
//! product costs a multiplication and an addition of two words and nothing else.
//!
//! The time depends on the numbers: see the room's opening lines.
//!
//! # Why no carry is lost
//!
//! Let a modulus n have 64 W bits, the top two of them set, and let `R = 2^(58 L)`. Lengths are 16 and 18, 24 and 27, 32
//! and 36: R has at least 20 bits more than n.
//!
//! 1. *Columns.* Every limb is below 2^58. A column gets at most L products, a square's cross products counted twice, as
//!    many of the reduction, and a carry below 2^70: below `(2 L + 1) 2^116 <= 73 2^116 < 2^123`, and below 2^124 doubled.
//! 2. *Residues.* Every residue is below R / 4, so that the last carry vanishes. The form of 1 is `R - 2^s n` with
//!    `s = 58 L - 64 W`, at most R / 4 because n is at least 3/4 of 2^(64 W); a base is below 2^(64 W). Of two numbers
//!    below R / 4 the reduction makes one below `(R^2 / 16 + R n) / R < R / 16 + R / 2^20`, and twice that is below R / 4.
//! 3. *The end.* A reduction of a number x below R alone gives at most `(x + (R - 1) n) / R < n + 1`, hence at most n.
//!    A residue is therefore 1 or n - 1 exactly if its limbs are.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::limbs::{BLOCKS, ODD_POWERS, for_each_block, limbs, negative, windows};
use super::trial_division::inverse;

/// The bits of a limb.
const LIMB: usize = 58;
const MASK: u64 = (1 << LIMB) - 1;
/// Limbs treated together. Every length L is a multiple.
const BLOCK: usize = 3;

type Block = [u64; BLOCK];
type Sums = [u128; BLOCK];

/// The memory of one Miller-Rabin test: W words of 64 bits, L limbs. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Montgomery<const W: usize, const L: usize> {
    words: [u64; W],
    modulus: [u64; L],
    /// `-n^-1 mod 2^58`.
    factor: u64,
    residue: [u64; L],
    quotients: [u64; L],
    result: [u64; L],
    /// The odd powers of the base.
    powers: [[u64; L]; ODD_POWERS],
}

impl<const W: usize, const L: usize> Montgomery<W, L> {
    /// Empty memory.
    pub(super) fn new() -> Self {
        const {
            assert!(L.is_multiple_of(BLOCK) && L / BLOCK <= BLOCKS, "whole blocks");
            assert!(LIMB * L >= 64 * W + 20 && LIMB * (L - 1) < 64 * W, "the bounds in the opening lines");
        }
        Self {
            words: [0; W],
            modulus: [0; L],
            factor: 0,
            residue: [0; L],
            quotients: [0; L],
            result: [0; L],
            powers: [[0; L]; ODD_POWERS],
        }
    }

    /// Whether `2^((n-1)/2)` is 1 or -1 modulo the candidate: the Miller-Rabin test with base 2, since (n-1)/2 is odd for
    /// all candidates. Takes squarings and doublings only.
    pub(super) fn passes_base_two(&mut self, candidate: &[u64; W]) -> bool {
        self.enter(candidate);
        // The exponent is n shifted right by one. The first squaring is of 1, and keeps rule 2.
        for bit in (1..64 * W).rev() {
            self.square(self.words[bit / 64] >> (bit % 64) & 1 == 1);
        }
        self.is_one_or_minus_one()
    }

    /// The Miller-Rabin test with `base`, which is below 2^(64 W).
    pub(super) fn passes(&mut self, candidate: &[u64; W], base: &[u64; W]) -> bool {
        self.enter(candidate);
        // From the form of 1, that of R: R^2 mod n. A multiplication with it brings the base into the form.
        let exponent = LIMB * L;
        for bit in (0..=exponent.ilog2()).rev() {
            self.square(exponent >> bit & 1 == 1);
        }
        self.multiply(&Zeroizing::new(limbs(base, LIMB, 0)));

        self.powers[0] = self.residue;
        self.square(false);
        let square = Zeroizing::new(self.residue);
        for index in 1..ODD_POWERS {
            self.residue = self.powers[index - 1];
            self.multiply(&square);
            self.powers[index] = self.residue;
        }
        let mut is_first = true;
        for (squarings, power) in windows(candidate) {
            let power = Zeroizing::new(self.powers[power]);
            if is_first {
                self.residue = *power;
                is_first = false;
                continue;
            }
            for _ in 0..squarings {
                self.square(false);
            }
            self.multiply(&power);
        }
        self.is_one_or_minus_one()
    }

    /// Takes a modulus and sets the residue to 1.
    fn enter(&mut self, candidate: &[u64; W]) {
        self.words = *candidate;
        self.modulus = limbs(candidate, LIMB, 0);
        self.factor = inverse(candidate[0]).wrapping_neg() & MASK;
        // R - 2^s n = 2^s (2^(64 W) - n)
        self.residue = limbs(&*Zeroizing::new(negative(candidate)), LIMB, LIMB * L - 64 * W);
    }

    /// `residue^2`, or twice that.
    fn square(&mut self, double: bool) {
        let (number, _) = self.residue.as_chunks();
        let (modulus, _) = self.modulus.as_chunks();
        let (quotients, _) = self.quotients.as_chunks_mut();
        let (result, _) = self.result.as_chunks_mut();
        let count = modulus.len();
        let mut carry = 0;
        for_each_block!(PLACE of count {
            let sums = square_low::<PLACE>(number);
            (quotients[PLACE], carry) = vanish::<PLACE>(sums, carry, quotients, modulus, self.factor);
        });
        let vanished = carry;
        carry = 0;
        for_each_block!(PLACE of count {
            let sums = add_reduction_high::<PLACE>(square_high::<PLACE>(number), vanished, quotients, modulus);
            (result[PLACE], carry) = normalize(sums, carry, double);
        });
        debug_assert_eq!(carry, 0, "rule 2");
        self.residue = self.result;
    }

    /// `residue other R^-1`.
    fn multiply(&mut self, other: &[u64; L]) {
        let (number, _) = self.residue.as_chunks();
        let (other, _) = other.as_chunks();
        let (modulus, _) = self.modulus.as_chunks();
        let (quotients, _) = self.quotients.as_chunks_mut();
        let (result, _) = self.result.as_chunks_mut();
        let count = modulus.len();
        let mut carry = 0;
        for_each_block!(PLACE of count {
            let sums = add_low([0; BLOCK], &number[PLACE], &other[0]);
            let sums = add_products(sums, &number[..PLACE], &other[..=PLACE]);
            (quotients[PLACE], carry) = vanish::<PLACE>(sums, carry, quotients, modulus, self.factor);
        });
        let vanished = carry;
        carry = 0;
        for_each_block!(PLACE of count {
            let sums = add_high([0; BLOCK], &number[PLACE], &other[count - 1]);
            let sums = add_products(sums, &number[PLACE + 1..], &other[PLACE..]);
            let sums = add_reduction_high::<PLACE>(sums, vanished, quotients, modulus);
            (result[PLACE], carry) = normalize(sums, carry, false);
        });
        debug_assert_eq!(carry, 0, "rule 2");
        self.residue = self.result;
    }

    /// Leaves Montgomery's form.
    fn is_one_or_minus_one(&mut self) -> bool {
        let mut one = [0; L];
        one[0] = 1;
        self.multiply(&one);
        let mut minus_one = Zeroizing::new(self.modulus);
        // The modulus is odd.
        minus_one[0] -= 1;
        self.residue == one || self.residue == *minus_one
    }
}

/// The block of a square at PLACE, in the lower half: products of blocks I < J with I + J = PLACE, and of those before.
#[inline(always)]
fn square_low<const PLACE: usize>(number: &[Block]) -> Sums {
    let middle = PLACE / 2;
    let sums = add_products([0; BLOCK], &number[..middle], &number[PLACE - middle..=PLACE]);
    if PLACE.is_multiple_of(2) {
        add_middle::<false>(sums, &number[middle])
    } else {
        add_middle::<true>(add_low(sums, &number[middle], &number[middle + 1]), &number[middle])
    }
}

/// The block of a square at PLACE of the upper half.
#[inline(always)]
fn square_high<const PLACE: usize>(number: &[Block]) -> Sums {
    let count = number.len();
    let middle = (count + PLACE) / 2;
    let mut sums = [0; BLOCK];
    if PLACE < middle {
        sums = add_high(sums, &number[PLACE], &number[count - 1]);
        sums = add_products(sums, &number[PLACE + 1..middle], &number[count + PLACE - middle..]);
    }
    if (count + PLACE).is_multiple_of(2) {
        return add_middle::<false>(sums, &number[middle]);
    }
    if let Some(next) = number.get(middle + 1) {
        sums = add_low(sums, &number[middle], next);
    }
    add_middle::<true>(sums, &number[middle])
}

/// Doubles the products so far and adds what the block in the middle makes with itself in the lower or the upper three
/// columns.
#[inline(always)]
fn add_middle<const UPPER: bool>(mut sums: Sums, [a, b, c]: &Block) -> Sums {
    if UPPER {
        sums[0] = add_product(sums[0], *b, *c);
        let [sum_0, sum_1, sum_2] = sums.map(twice);
        [sum_0, add_product(sum_1, *c, *c), sum_2]
    } else {
        sums[1] = add_product(sums[1], *a, *b);
        sums[2] = add_product(sums[2], *a, *c);
        let [sum_0, sum_1, sum_2] = sums.map(twice);
        [add_product(sum_0, *a, *a), sum_1, add_product(sum_2, *b, *b)]
    }
}

/// Adds the products of the blocks of one number, from the lowest on, with those of another, from the highest down, in the
/// three columns of the highest and in the three above: of each block the product with two of the other's, one more.
#[inline(always)]
fn add_products(sums: Sums, number: &[Block], other: &[Block]) -> Sums {
    number.iter().zip(other.windows(2).rev()).fold(sums, |sums, (block, pair)| match pair {
        [below, here] => add_low(add_high(sums, block, below), block, here),
        _ => sums,
    })
}

/// Adds what the product of two blocks has in its own three columns.
#[inline(always)]
fn add_low(sums: Sums, [a, b, c]: &Block, [x, y, z]: &Block) -> Sums {
    [
        add_product(sums[0], *a, *x),
        add_product(add_product(sums[1], *a, *y), *b, *x),
        add_product(add_product(add_product(sums[2], *a, *z), *b, *y), *c, *x),
    ]
}

/// Adds what the product of two blocks has in the next three columns.
#[inline(always)]
fn add_high(sums: Sums, [_, b, c]: &Block, [_, y, z]: &Block) -> Sums {
    [add_product(add_product(sums[0], *b, *z), *c, *y), add_product(sums[1], *c, *z), sums[2]]
}

/// Montgomery's reduction of the block at PLACE: the multiples of the modulus that make it vanish, and the carry out of it.
#[inline(always)]
fn vanish<const PLACE: usize>(
    sums: Sums,
    carry: u128,
    quotients: &[Block],
    modulus: &[Block],
    factor: u64,
) -> (Block, u128) {
    let [sum_0, sum_1, sum_2] = add_products(sums, &quotients[..PLACE], &modulus[..=PLACE]);
    let [a, b, c] = modulus[0];
    let quotient = |sum: u128| (sum as u64).wrapping_mul(factor) & MASK;

    // The low 58 bits of each sum are 0 then, by the choice of the quotient.
    let sum_0 = sum_0.wrapping_add(carry);
    let quotient_0 = quotient(sum_0);
    let carry = add_product(sum_0, quotient_0, a) >> LIMB;
    let sum_1 = add_product(sum_1.wrapping_add(carry), quotient_0, b);
    let quotient_1 = quotient(sum_1);
    let carry = add_product(sum_1, quotient_1, a) >> LIMB;
    let sum_2 = add_product(add_product(sum_2.wrapping_add(carry), quotient_0, c), quotient_1, b);
    let quotient_2 = quotient(sum_2);
    let carry = add_product(sum_2, quotient_2, a) >> LIMB;
    ([quotient_0, quotient_1, quotient_2], carry)
}

/// Adds the multiples of the modulus in the block at PLACE of the upper half and, in the first one, the carry into it.
#[inline(always)]
fn add_reduction_high<const PLACE: usize>(sums: Sums, carry: u128, quotients: &[Block], modulus: &[Block]) -> Sums {
    let mut sums = add_high(sums, &quotients[PLACE], &modulus[modulus.len() - 1]);
    if PLACE == 0 {
        sums[0] = sums[0].wrapping_add(carry);
    }
    add_products(sums, &quotients[PLACE + 1..], &modulus[PLACE..])
}

/// Three sums, or twice those, as limbs, and the carry out of them.
#[inline(always)]
fn normalize(sums: Sums, carry: u128, double: bool) -> (Block, u128) {
    let [sum_0, sum_1, sum_2] = if double { sums.map(twice) } else { sums };
    let sum_0 = sum_0.wrapping_add(carry);
    let sum_1 = sum_1.wrapping_add(sum_0 >> LIMB);
    let sum_2 = sum_2.wrapping_add(sum_1 >> LIMB);
    ([sum_0 as u64 & MASK, sum_1 as u64 & MASK, sum_2 as u64 & MASK], sum_2 >> LIMB)
}

/// Wraps, as all sums here do, because the compiler does not see that none can: a check costs a third of the time.
#[inline(always)]
fn add_product(sum: u128, a: u64, b: u64) -> u128 {
    sum.wrapping_add(u128::from(a).wrapping_mul(u128::from(b)))
}

#[inline(always)]
fn twice(sum: u128) -> u128 {
    sum.wrapping_add(sum)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::{LIMB, Montgomery};

    fn to_big(limbs: &[u64], bits: usize) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << bits) + limb)
    }

    /// Numbers where limbs are full or empty and carries run far, and some that look random.
    fn samples<const W: usize>() -> Vec<[u64; W]> {
        let mut samples = vec![[0; W], [u64::MAX; W], [1 << 63; W], [u64::from(u32::MAX); W]];
        samples.push(std::array::from_fn(|index| u64::from(index == 0)));
        samples.push(std::array::from_fn(|index| if index % 2 == 0 { u64::MAX } else { 0 }));
        for place in [0, 1, 2, 3, W - 1] {
            let limb = BigUint::from(super::MASK) << (place * LIMB);
            let mut digits = limb.iter_u64_digits();
            samples.push(std::array::from_fn(|_| digits.next().unwrap_or_default()));
        }
        let complements: Vec<_> = samples.iter().map(|sample| sample.map(|word| !word)).collect();
        samples.extend(complements);
        let mut state = 1_u64;
        for _ in 0..4 {
            samples.push(std::array::from_fn(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                state ^ state >> 29
            }));
        }
        samples
    }

    fn agrees_with_num_bigint<const W: usize, const L: usize>(bases: usize) {
        let mut montgomery = Montgomery::<W, L>::new();
        for (index, mut candidate) in samples::<W>().into_iter().enumerate() {
            candidate[0] |= 7;
            candidate[W - 1] |= 3 << 62;
            let modulus = to_big(&candidate, 64);
            let is_unit = |power: &BigUint| *power == BigUint::from(1_u32) || *power == &modulus - 1_u32;

            let expected = BigUint::from(2_u32).modpow(&(&modulus >> 1), &modulus);
            assert_eq!(montgomery.passes_base_two(&candidate), is_unit(&expected), "2, {modulus:x}");
            assert_eq!(to_big(&montgomery.residue, LIMB), expected, "2, {modulus:x}");

            for base in samples::<W>().into_iter().cycle().skip(7 * index).take(bases) {
                let expected = to_big(&base, 64).modpow(&(&modulus >> 1), &modulus);
                assert_eq!(montgomery.passes(&candidate, &base), is_unit(&expected), "{base:x?}, {modulus:x}");
                // A base that is the modulus itself leaves the modulus in place of 0 (rule 3).
                let residue = to_big(&montgomery.residue, LIMB);
                assert!(
                    residue == expected || residue == modulus && expected == BigUint::ZERO,
                    "{base:x?}, {modulus:x}"
                );
            }
        }
    }

    #[test]
    fn powers_agree_with_num_bigint() {
        agrees_with_num_bigint::<16, 18>(8);
        agrees_with_num_bigint::<24, 27>(2);
        agrees_with_num_bigint::<32, 36>(1);
    }
}
