//! Eight residues side by side, each modulo its own number, in Montgomery's form and limbs of 52 bits.
//!
//! Every vector holds one limb of eight numbers. `vpmadd52` multiplies the low 52 bits of two lanes and adds the low or the
//! high half of the product to a third one, 64 bits wide: the twelve bits above a limb collect carries.
//!
//! Nothing here is unsafe: memory is reached through arrays and slices alone. What makes a call unsafe elsewhere is only
//! that the CPU must know the instructions, see [`super::entry`].
//!
//! # Why no carry is lost
//!
//! Let a modulus n have 64 W bits, the top two of them set, and let `R = 2^(52 L)`, so that `n < R / 2^16`. Lengths are 16
//! and 20, 24 and 30, 32 and 40: R has at least 16 bits more than n.
//!
//! 1. *Limbs.* A product takes the low 52 bits of each factor, and these are its limbs: moduli and bases come so from
//!    [`limbs()`], quotients are low halves, and [`reduce`] adds what is above them to the next limb. It leaves that in place:
//!    whoever looks at a residue otherwise than by multiplying masks it.
//! 2. *Columns.* A column of a product gets at most L low and L high halves, a square's cross products counted twice, and
//!    the reduction adds as many again and a carry below 2^12: in all below `(4 L + 1) 2^52 <= 161 2^52 < 2^60`. A doubled
//!    column is below 2^61, and the carry that runs through the result is below 2^9. Nothing reaches 2^64.
//! 3. *Residues.* Every residue is below R / 4, so that its limb number L would be 0 and the last carry vanishes. The form
//!    of 1 is `R - 2^s n` with `s = 52 L - 64 W`, at most R / 4 because n is at least 3/4 of 2^(64 W). Of two numbers below
//!    R / 4, and of a base, which is below `2^(128 W) <= R^2 / 2^32`, the reduction makes one below
//!    `(R^2 / 16 + R n) / R < R / 16 + R / 2^16`, and twice that is below R / 4 again. No subtraction is needed anywhere.
//! 4. *Carries of columns that vanish.* The multiple of the modulus that is added makes the low 52 bits of a column 0, so that
//!    what it carries is known without it: what is above these bits, and 1 unless they were 0.
//! 5. *The end.* A reduction of a number x below R alone gives at most `(x + (R - 1) n) / R < n + 1`, hence at most n.
//!    A residue is therefore 1 or n - 1 exactly if its limbs are.

#![allow(clippy::absurd_extreme_comparisons, reason = "the indices of unrolled loops are constants")]

use core::arch::x86_64::{
    __m512i, _mm_cvtsi64_si128, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mask_mov_epi64, _mm512_maskz_mov_epi64, _mm512_reduce_add_epi64, _mm512_set_epi64,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_sllv_epi64, _mm512_srl_epi64, _mm512_srli_epi64, _mm512_sub_epi64,
};

use zeroize::{Zeroize, Zeroizing};

use super::super::limbs::{BLOCKS, for_each_block, limbs, negative};
use super::super::trial_division::inverse;
use super::numbers::{POWERS, WINDOW, half, words};

/// Numbers treated side by side.
pub(super) const LANES: usize = 8;
/// The bits of a limb.
pub(super) const LIMB: usize = 52;
/// The value of a full limb.
pub(super) const MASK: u64 = (1 << LIMB) - 1;

/// Limbs treated together, so that accumulators stay in registers. Every length L is a multiple.
const BLOCK: usize = 5;

/// One limb of eight numbers.
pub(super) type Vector = __m512i;
type Block = [Vector; BLOCK];

/// Writes the body five times, with a constant in place of the name.
///
/// Accumulators stay in registers only if every index is a constant before the compiler takes arrays apart, which it does
/// before it unrolls loops.
macro_rules! unroll {
    ($index:ident $body:block) => { unroll!(@ $index $body 0 1 2 3 4) };
    (@ $index:ident $body:block $($value:literal)*) => {{ $({ const $index: usize = $value; $body })* }};
}

/// The memory of eight modular powers: W words of 64 bits, L limbs, `D = 2 L` columns. Wiped on drop.
pub(super) struct Lanes<const W: usize, const L: usize, const D: usize> {
    words: [Vector; W],
    modulus: [Vector; L],
    /// `-n^-1 mod 2^52`.
    factor: Vector,
    residue: [Vector; L],
    other: [Vector; L],
    columns: [Vector; D],
    /// The powers of the base, from the one with exponent 0 on.
    powers: [[Vector; L]; POWERS],
}

impl<const W: usize, const L: usize, const D: usize> Lanes<W, L, D> {
    /// Empty memory.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new() -> Self {
        const {
            assert!(L.is_multiple_of(BLOCK) && D == 2 * L && D / BLOCK <= BLOCKS, "whole blocks");
            assert!(LIMB * L >= 64 * W + 16 && 4 * L < 256, "the bounds in the opening lines");
        }
        let zero = _mm512_setzero_si512();
        Self {
            words: [zero; W],
            modulus: [zero; L],
            factor: zero,
            residue: [zero; L],
            other: [zero; L],
            columns: [zero; D],
            powers: [[zero; L]; POWERS],
        }
    }

    /// Which candidates pass Miller-Rabin with base 2, one bit each, the first one's the lowest.
    ///
    /// Candidates are 7 modulo 8, so (n-1)/2 is odd and the test asks whether `2^((n-1)/2)` is 1 or -1. Squarings and
    /// doublings only.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn passes_base_two(&mut self, candidates: [&[u64; W]; LANES]) -> u8 {
        self.enter(candidates);
        let one = _mm512_set1_epi64(1);
        // The exponent is n shifted right by one. The first squaring is of 1, and keeps rule 3.
        for bit in (1..64 * W).rev() {
            let shift = _mm_cvtsi64_si128((bit % 64) as i64);
            let bit = _mm512_and_si512(_mm512_srl_epi64(self.words[bit / 64], shift), one);
            self.square(bit);
        }
        self.ones_and_minus_ones()
    }

    /// Which lanes pass Miller-Rabin, candidate and base each of the lane's own; one bit each.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn passes_bases(&mut self, candidates: [&[u64; W]; LANES], bases: [&[u64]; LANES]) -> u8 {
        let exponents = Zeroizing::new(candidates.map(half));
        self.raise(bases, exponents.each_ref(), candidates);
        self.ones_and_minus_ones()
    }

    /// `base^exponent` modulo each lane's modulus, which is odd with its top two bits set; the base has at most 2 W words.
    ///
    /// What is done and which memory is touched do not depend on the numbers.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn power(
        &mut self,
        bases: [&[u64]; LANES],
        exponents: [&[u64; W]; LANES],
        moduli: [&[u64; W]; LANES],
    ) -> [Zeroizing<[u64; W]>; LANES] {
        self.raise(bases, exponents, moduli);
        self.leave();
        let limbs = Zeroizing::new(self.residues());
        std::array::from_fn(|lane| words(&limbs[lane], LIMB))
    }

    /// Sets the residues to the powers, in Montgomery's form. The moduli stay.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn raise(&mut self, bases: [&[u64]; LANES], exponents: [&[u64; W]; LANES], moduli: [&[u64; W]; LANES]) {
        let zero = _mm512_setzero_si512();
        self.enter(moduli);
        self.powers[0] = self.residue;
        // From the form of 1, that of R: R^2 mod n, and of that the form of R^2: R^3 mod n.
        let exponent = LIMB * L;
        for bit in (0..=exponent.ilog2()).rev() {
            self.square(_mm512_set1_epi64((exponent >> bit & 1) as i64));
        }
        self.square(zero);
        // A base, twice as long as the modulus, loses R by its reduction: the product with R^3 brings it into the form.
        self.other = self.residue;
        gather(&mut self.columns, bases, 0);
        reduce(&mut self.residue, &mut self.columns, &self.modulus, self.factor, zero);
        self.multiply();
        self.other = self.residue;
        self.powers[1] = self.residue;
        for power in &mut self.powers[2..] {
            multiply(&mut self.residue, &self.other, &mut self.columns, &self.modulus, self.factor);
            *power = self.residue;
        }

        for (place, words) in self.words.iter_mut().enumerate() {
            *words = side_by_side(exponents.map(|exponent| exponent[place]));
        }
        let mask = _mm512_set1_epi64(POWERS as i64 - 1);
        for window in (0..64 * W / WINDOW).rev() {
            let bit = window * WINDOW;
            let digit = _mm512_srl_epi64(self.words[bit / 64], _mm_cvtsi64_si128((bit % 64) as i64));
            select(&mut self.other, &self.powers, _mm512_and_si512(digit, mask));
            if bit + WINDOW == 64 * W {
                self.residue = self.other;
                continue;
            }
            for _ in 0..WINDOW {
                self.square(zero);
            }
            self.multiply();
        }
    }

    /// `residue other R^-1`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply(&mut self) {
        multiply(&mut self.residue, &self.other, &mut self.columns, &self.modulus, self.factor);
    }

    /// Takes the residues out of Montgomery's form.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn leave(&mut self) {
        let zero = _mm512_setzero_si512();
        let mask = _mm512_set1_epi64(MASK.cast_signed());
        let (low, high) = self.columns.split_at_mut(L);
        for (column, limb) in low.iter_mut().zip(&self.residue) {
            *column = _mm512_and_si512(*limb, mask);
        }
        high.fill(zero);
        reduce(&mut self.residue, &mut self.columns, &self.modulus, self.factor, zero);
        for limb in &mut self.residue {
            *limb = _mm512_and_si512(*limb, mask);
        }
    }

    /// Takes moduli and sets each residue to 1.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn enter(&mut self, candidates: [&[u64; W]; LANES]) {
        for (index, words) in self.words.iter_mut().enumerate() {
            *words = side_by_side(candidates.map(|candidate| candidate[index]));
        }
        gather(&mut self.modulus, candidates.map(|candidate| &candidate[..]), 0);
        self.factor = side_by_side(candidates.map(|candidate| inverse(candidate[0]).wrapping_neg() & MASK));
        // R - 2^s n = 2^s (2^(64 W) - n)
        let negatives = Zeroizing::new(candidates.map(negative));
        gather(&mut self.residue, negatives.each_ref().map(|negative| &negative[..]), LIMB * L - 64 * W);
    }

    /// `residue^2`, doubled in the lanes where `double` is 1 and not where it is 0.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn square(&mut self, double: Vector) {
        square_columns(&self.residue, &mut self.columns);
        reduce(&mut self.residue, &mut self.columns, &self.modulus, self.factor, double);
    }

    /// The residues in limbs, after [`Self::leave`].
    #[target_feature(enable = "avx512f")]
    pub(super) fn residues(&self) -> [[u64; L]; LANES] {
        std::array::from_fn(|lane| {
            // The sum of one lane and zeros.
            self.residue.map(|limb| _mm512_reduce_add_epi64(_mm512_maskz_mov_epi64(1 << lane, limb)).cast_unsigned())
        })
    }

    /// The lanes whose residue is 1 or -1.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn ones_and_minus_ones(&mut self) -> u8 {
        self.leave();
        let (zero, one) = (_mm512_setzero_si512(), _mm512_set1_epi64(1));
        let (mut ones, mut minus_ones) = (u8::MAX, u8::MAX);
        let (mut one_limb, mut is_lowest) = (one, one);
        for (limb, modulus) in self.residue.iter().zip(&self.modulus) {
            // The modulus is odd.
            let minus_one = _mm512_sub_epi64(*modulus, is_lowest);
            ones &= _mm512_cmpeq_epi64_mask(*limb, one_limb);
            minus_ones &= _mm512_cmpeq_epi64_mask(*limb, minus_one);
            (one_limb, is_lowest) = (zero, zero);
        }
        ones | minus_ones
    }
}

impl<const W: usize, const L: usize, const D: usize> Drop for Lanes<W, L, D> {
    fn drop(&mut self) {
        self.words.zeroize();
        self.modulus.zeroize();
        self.factor.zeroize();
        self.residue.zeroize();
        self.other.zeroize();
        self.columns.zeroize();
        self.powers.zeroize();
    }
}

/// Lane i gets number i.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn side_by_side(numbers: [u64; LANES]) -> Vector {
    let [a, b, c, d, e, f, g, h] = numbers.map(u64::cast_signed);
    _mm512_set_epi64(h, g, f, e, d, c, b, a)
}

/// The limbs of eight numbers, each shifted left by `shift` bits.
#[target_feature(enable = "avx512f,avx512ifma")]
fn gather<const L: usize>(vectors: &mut [Vector; L], numbers: [&[u64]; LANES], shift: usize) {
    let limbs = Zeroizing::new(numbers.map(|words| limbs::<L>(words, LIMB, shift)));
    for (index, vector) in vectors.iter_mut().enumerate() {
        *vector = side_by_side(limbs.each_ref().map(|limbs| limbs[index]));
    }
}

/// In each lane the power that its digit names. All are looked at, whatever the digits.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn select<const L: usize>(selected: &mut [Vector; L], powers: &[[Vector; L]; POWERS], digits: Vector) {
    let (selected, _) = selected.as_chunks_mut::<BLOCK>();
    for (place, selected) in selected.iter_mut().enumerate() {
        let mut block = [_mm512_setzero_si512(); BLOCK];
        for (number, power) in (0..).zip(powers) {
            let is_this = _mm512_cmpeq_epi64_mask(digits, _mm512_set1_epi64(number));
            let power = &power.as_chunks::<BLOCK>().0[place];
            unroll!(I {
                block[I] = _mm512_mask_mov_epi64(block[I], is_this, power[I]);
            });
        }
        *selected = block;
    }
}

/// `a b R^-1 mod n` in place of a.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply<const L: usize, const D: usize>(
    a: &mut [Vector; L],
    b: &[Vector; L],
    columns: &mut [Vector; D],
    modulus: &[Vector; L],
    factor: Vector,
) {
    let zero = _mm512_setzero_si512();
    let ((x, _), (y, _)) = (a.as_chunks::<BLOCK>(), b.as_chunks::<BLOCK>());
    let length = x.len();
    for (place, column) in columns.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let mut sum = [zero; BLOCK];
        for index in (place + 1).saturating_sub(length)..length.min(place + 1) {
            sum = add_low(sum, &x[index], &y[place - index]);
        }
        for index in place.saturating_sub(length)..length.min(place) {
            sum = add_high(sum, &x[index], &y[place - 1 - index]);
        }
        *column = sum;
    }
    reduce(a, columns, modulus, factor, zero);
}

/// The columns of a square.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn square_columns<const L: usize, const D: usize>(number: &[Vector; L], columns: &mut [Vector; D]) {
    let (number, _) = number.as_chunks::<BLOCK>();
    let (columns, _) = columns.as_chunks_mut::<BLOCK>();
    let count = columns.len();
    for_each_block!(PLACE of count {
        columns[PLACE] = square_block::<PLACE>(number);
    });
}

/// The block of columns at PLACE of a square: low halves of blocks I < J with I + J = PLACE and high halves with
/// I + J = PLACE - 1, twice, and of the block in the middle what falls here.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn square_block<const PLACE: usize>(number: &[Block]) -> Block {
    let middle = PLACE / 2;
    let is_upper = !PLACE.is_multiple_of(2);
    let mut sum = [_mm512_setzero_si512(); BLOCK];
    for index in (PLACE + 1).saturating_sub(number.len())..middle + usize::from(is_upper) {
        sum = add_low(sum, &number[index], &number[PLACE - index]);
    }
    for index in PLACE.saturating_sub(number.len())..middle {
        sum = add_high(sum, &number[index], &number[PLACE - 1 - index]);
    }
    let x = &number[middle];
    unroll!(I {
        unroll!(J {
            if I < J && (I + J >= BLOCK) == is_upper {
                sum[(I + J) % BLOCK] = _mm512_madd52lo_epu64(sum[(I + J) % BLOCK], x[I], x[J]);
            }
            if I < J && (I + J + 1 >= BLOCK) == is_upper {
                sum[(I + J + 1) % BLOCK] = _mm512_madd52hi_epu64(sum[(I + J + 1) % BLOCK], x[I], x[J]);
            }
        });
    });
    unroll!(I {
        sum[I] = _mm512_add_epi64(sum[I], sum[I]);
    });
    unroll!(I {
        if (2 * I >= BLOCK) == is_upper {
            sum[2 * I % BLOCK] = _mm512_madd52lo_epu64(sum[2 * I % BLOCK], x[I], x[I]);
        }
        if (2 * I + 1 >= BLOCK) == is_upper {
            sum[(2 * I + 1) % BLOCK] = _mm512_madd52hi_epu64(sum[(2 * I + 1) % BLOCK], x[I], x[I]);
        }
    });
    sum
}

/// Adds what the product of two blocks has in its own five columns.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_low(mut sum: Block, x: &Block, y: &Block) -> Block {
    unroll!(I {
        unroll!(C {
            if C >= I {
                sum[C] = _mm512_madd52lo_epu64(sum[C], x[I], y[(BLOCK + C - I) % BLOCK]);
            }
            if C > I {
                sum[C] = _mm512_madd52hi_epu64(sum[C], x[I], y[(BLOCK + C - I - 1) % BLOCK]);
            }
        });
    });
    sum
}

/// Adds what the product of two blocks has in the next five columns.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_high(mut sum: Block, x: &Block, y: &Block) -> Block {
    unroll!(I {
        unroll!(C {
            if C < I {
                sum[C] = _mm512_madd52lo_epu64(sum[C], x[I], y[(BLOCK + C - I) % BLOCK]);
            }
            if C <= I {
                sum[C] = _mm512_madd52hi_epu64(sum[C], x[I], y[(BLOCK + C - I - 1) % BLOCK]);
            }
        });
    });
    sum
}

/// Montgomery's reduction: `columns R^-1 mod n`, doubled in the lanes where `double` is 1. Uses the columns up.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce<const L: usize, const D: usize>(
    result: &mut [Vector; L],
    columns: &mut [Vector; D],
    modulus: &[Vector; L],
    factor: Vector,
    double: Vector,
) {
    let (columns, _) = columns.as_chunks_mut::<BLOCK>();
    let (modulus, _) = modulus.as_chunks::<BLOCK>();
    let (result, _) = result.as_chunks_mut::<BLOCK>();
    let length = modulus.len();
    let low = &modulus[0];
    let (mut quotient, mut carry) = quotients(columns[0], low, factor);
    for_each_block!(PLACE of length {
        if PLACE > 0 {
        // The next quotients wait for one another, while the rest of this row does not wait for them: it comes after them.
        let mut next = add_low(add_high(columns[PLACE], &quotient, low), &quotient, &modulus[1]);
        next[0] = _mm512_add_epi64(next[0], carry);
        let following = quotients(next, low, factor);
        for index in 2..length {
            let column = add_high(columns[PLACE + index - 1], &quotient, &modulus[index - 1]);
            columns[PLACE + index - 1] = add_low(column, &quotient, &modulus[index]);
        }
        let last = &mut columns[PLACE + length - 1];
        *last = add_high(*last, &quotient, &modulus[length - 1]);
        (quotient, carry) = following;
        }
    });
    for (index, result) in result.iter_mut().enumerate() {
        let mut column = add_high(columns[length + index], &quotient, &modulus[index]);
        if let Some(modulus) = modulus.get(index + 1) {
            column = add_low(column, &quotient, modulus);
        }
        if index == 0 {
            // Of the columns that vanished, before they are doubled.
            column[0] = _mm512_add_epi64(column[0], carry);
            carry = _mm512_setzero_si512();
        }
        unroll!(C {
            let sum = _mm512_add_epi64(_mm512_sllv_epi64(column[C], double), carry);
            result[C] = sum;
            carry = _mm512_srli_epi64::<{ LIMB as u32 }>(sum);
        });
    }
}

/// The multiples of the modulus that make a block of columns vanish, and the carry out of it.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn quotients(column: Block, low: &Block, factor: Vector) -> (Block, Vector) {
    let zero = _mm512_setzero_si512();
    let mask = _mm512_set1_epi64(MASK.cast_signed());
    let (mut quotient, mut carry) = ([zero; BLOCK], zero);
    unroll!(C {
        let mut sum = column[C];
        unroll!(I {
            if I + 1 < C {
                sum = _mm512_madd52lo_epu64(sum, quotient[I], low[(BLOCK + C - I) % BLOCK]);
                sum = _mm512_madd52hi_epu64(sum, quotient[I], low[(BLOCK + C - I - 1) % BLOCK]);
            }
        });
        if C > 0 {
            // What waits for the last quotient, in two sums.
            let last = quotient[(BLOCK + C - 1) % BLOCK];
            let other = _mm512_madd52lo_epu64(carry, last, low[1]);
            sum = _mm512_add_epi64(_mm512_madd52hi_epu64(sum, last, low[0]), other);
        }
        quotient[C] = _mm512_madd52lo_epu64(zero, sum, factor);
        // Rule 4.
        carry = _mm512_srli_epi64::<{ LIMB as u32 }>(_mm512_add_epi64(sum, mask));
    });
    (quotient, carry)
}
