//! Four residues side by side, each modulo its own number, in Montgomery's form and limbs of 28 or 27 bits.
//!
//! Every vector holds one limb of four numbers. `vpmuludq` multiplies the low 32 bits of two lanes to 64: products of limbs
//! leave room above them, so that columns collect them without carries in between.
//!
//! Nothing here is unsafe: memory is reached through arrays and slices alone. What makes a call unsafe elsewhere is only
//! that the CPU must know the instructions, see [`super::entry`].
//!
//! # Why no carry is lost
//!
//! Let a modulus n have 64 W bits, the top two of them set, a limb B bits, and let `R = 2^(B L)`, so that `n < R / 2^4`.
//! Lengths are 16 and 37 of 28 bits, 24 and 56 of 28, 32 and 76 of 27: R has at least 4 bits more than n.
//!
//! 1. *Limbs.* All limbs are below 2^B, and a product takes the low 32 bits of each factor: moduli and bases come so from
//!    [`limb()`], quotients and residues are masked.
//! 2. *Columns.* A column of a product gets at most L products, a square's cross products counted twice, and the reduction
//!    adds as many again and a carry below `2^(64 - B) <= 2^(2 B)`: in all below `(2 L + 1) 2^(2 B)`, doubled below 2^64.
//! 3. *Residues.* Every residue is below R / 4, so that its limb number L would be 0 and the last carry vanishes. The form
//!    of 1 is `R - 2^s n` with `s = B L - 64 W`, at most R / 4 because n is at least 3/4 of 2^(64 W). Of two numbers below
//!    R / 4, and of a base, which is below `2^(128 W) <= R^2 / 2^8`, the reduction makes one below
//!    `(R^2 / 16 + R n) / R < R / 16 + R / 16`, and twice that is below R / 4 again. No subtraction is needed anywhere.
//! 4. *The end.* A reduction of a number x below R alone gives at most `(x + (R - 1) n) / R < n + 1`, hence at most n.
//!    A residue is therefore 1 or n - 1 exactly if its limbs are.

use core::arch::x86_64::{
    _mm_cvtsi64_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_castsi256_pd, _mm256_cmpeq_epi64,
    _mm256_extract_epi64, _mm256_movemask_pd, _mm256_mul_epu32, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_sllv_epi64, _mm256_srl_epi64, _mm256_srli_epi64, _mm256_sub_epi64,
};

use zeroize::{Zeroize, Zeroizing};

use super::super::limbs::{limb, negative};
use super::super::trial_division::inverse;
use super::avx2_columns::{
    BLOCK, Block, Vector, add_high_half, add_limb, add_low, add_products, add_top, square_high, square_low, unroll,
    vanish,
};
use super::numbers::{POWERS, WINDOW, half, words};

/// Numbers treated side by side.
pub(super) const LANES: usize = 4;

/// The memory of four modular powers: W words of 64 bits, L limbs of B bits. Wiped on drop.
pub(super) struct Lanes<const W: usize, const L: usize, const B: i32> {
    words: [Vector; W],
    modulus: [Vector; L],
    /// `-n^-1 mod 2^B`.
    factor: Vector,
    residue: [Vector; L],
    other: [Vector; L],
    quotients: [Vector; L],
    result: [Vector; L],
    /// The powers of the base, from the one with exponent 0 on.
    powers: [[Vector; L]; POWERS],
}

impl<const W: usize, const L: usize, const B: i32> Lanes<W, L, B> {
    const BITS: usize = B as usize;
    const MASK: i64 = (1 << B) - 1;

    /// Empty memory.
    #[target_feature(enable = "avx2")]
    pub(super) fn new() -> Self {
        const {
            assert!(L > BLOCK && L % BLOCK <= 1, "whole blocks, and at most one limb");
            assert!(Self::BITS * L >= 64 * W + 4 && Self::BITS * L < 64 * (W + 1), "R, and the shift of the form of 1");
            assert!(Self::BITS <= 32 && 3 * Self::BITS >= 64, "rules 1 and 2");
            assert!((2 * L as u128 + 1) << (2 * B + 1) <= 1 << 64, "rule 2");
        }
        let zero = _mm256_setzero_si256();
        Self {
            words: [zero; W],
            modulus: [zero; L],
            factor: zero,
            residue: [zero; L],
            other: [zero; L],
            quotients: [zero; L],
            result: [zero; L],
            powers: [[zero; L]; POWERS],
        }
    }

    /// Which candidates pass Miller-Rabin with base 2, one bit each, the first one's the lowest.
    ///
    /// Candidates are 7 modulo 8, so (n-1)/2 is odd and the test asks whether `2^((n-1)/2)` is 1 or -1. Squarings and
    /// doublings only.
    #[target_feature(enable = "avx2")]
    pub(super) fn passes_base_two(&mut self, candidates: [&[u64; W]; LANES]) -> u8 {
        self.enter(candidates);
        let one = _mm256_set1_epi64x(1);
        // The exponent is n shifted right by one. The first squaring is of 1, and keeps rule 3.
        for bit in (1..64 * W).rev() {
            let shift = _mm_cvtsi64_si128((bit % 64) as i64);
            let bit = _mm256_and_si256(_mm256_srl_epi64(self.words[bit / 64], shift), one);
            self.square(bit);
        }
        self.ones_and_minus_ones()
    }

    /// Which lanes pass Miller-Rabin, candidate and base each of the lane's own; one bit each.
    #[target_feature(enable = "avx2")]
    pub(super) fn passes_bases(&mut self, candidates: [&[u64; W]; LANES], bases: [&[u64]; LANES]) -> u8 {
        let exponents = Zeroizing::new(candidates.map(half));
        self.raise(bases, exponents.each_ref(), candidates);
        self.ones_and_minus_ones()
    }

    /// `base^exponent` modulo each lane's modulus, which is odd with its top two bits set; the base has at most 2 W words.
    ///
    /// What is done and which memory is touched do not depend on the numbers.
    #[target_feature(enable = "avx2")]
    pub(super) fn power(
        &mut self,
        bases: [&[u64]; LANES],
        exponents: [&[u64; W]; LANES],
        moduli: [&[u64; W]; LANES],
    ) -> [Zeroizing<[u64; W]>; LANES] {
        self.raise(bases, exponents, moduli);
        self.leave();
        let limbs = Zeroizing::new(self.residues());
        std::array::from_fn(|lane| words(&limbs[lane], Self::BITS))
    }

    /// Sets the residues to the powers, in Montgomery's form. The moduli stay.
    #[target_feature(enable = "avx2")]
    fn raise(&mut self, bases: [&[u64]; LANES], exponents: [&[u64; W]; LANES], moduli: [&[u64; W]; LANES]) {
        let zero = _mm256_setzero_si256();
        self.enter(moduli);
        self.powers[0] = self.residue;
        // From the form of 1, that of R: R^2 mod n, and of that the form of R^2: R^3 mod n.
        let exponent = Self::BITS * L;
        for bit in (0..=exponent.ilog2()).rev() {
            self.square(_mm256_set1_epi64x((exponent >> bit & 1) as i64));
        }
        self.square(zero);
        // A base, twice as long as the modulus, loses R by its reduction: the product with R^3 brings it into the form.
        self.other = self.residue;
        let wide: Zeroizing<Vec<Vector>> = Zeroizing::new(
            (0..2 * L).map(|index| side_by_side(bases.map(|base| limb(base, Self::BITS, 0, index)))).collect(),
        );
        self.reduce(zero, |_, place| block(&wide, place), |_, place| block(&wide, L / BLOCK + place));
        self.multiply();
        self.other = self.residue;
        self.powers[1] = self.residue;
        for index in 2..POWERS {
            self.multiply();
            self.powers[index] = self.residue;
        }

        for (place, words) in self.words.iter_mut().enumerate() {
            *words = side_by_side(exponents.map(|exponent| exponent[place]));
        }
        let mask = _mm256_set1_epi64x(POWERS as i64 - 1);
        for window in (0..64 * W / WINDOW).rev() {
            let bit = window * WINDOW;
            let digit = _mm256_srl_epi64(self.words[bit / 64], _mm_cvtsi64_si128((bit % 64) as i64));
            select(&mut self.other, &self.powers, _mm256_and_si256(digit, mask));
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

    /// Takes moduli and sets each residue to 1.
    #[target_feature(enable = "avx2")]
    fn enter(&mut self, candidates: [&[u64; W]; LANES]) {
        for (place, words) in self.words.iter_mut().enumerate() {
            *words = side_by_side(candidates.map(|candidate| candidate[place]));
        }
        let mask = Self::MASK.cast_unsigned();
        self.factor = side_by_side(candidates.map(|candidate| inverse(candidate[0]).wrapping_neg() & mask));
        // R - 2^s n = 2^s (2^(64 W) - n)
        let negatives = Zeroizing::new(candidates.map(negative));
        let shift = Self::BITS * L - 64 * W;
        for index in 0..L {
            self.modulus[index] = side_by_side(candidates.map(|candidate| limb(candidate, Self::BITS, 0, index)));
            let negatives = negatives.each_ref().map(|negative| limb(negative, Self::BITS, shift, index));
            self.residue[index] = side_by_side(negatives);
        }
    }

    /// `residue^2 R^-1`, doubled in the lanes where `double` is 1 and not where it is 0.
    #[target_feature(enable = "avx2")]
    fn square(&mut self, double: Vector) {
        self.reduce(
            double,
            |this, place| square_low(this.residue.as_chunks().0, place),
            |this, place| match this.residue.as_chunks() {
                (blocks, top) if place < blocks.len() => square_high(blocks, top, place),
                (_, top) => add_top([_mm256_setzero_si256(); BLOCK], top, top),
            },
        );
    }

    /// `residue other R^-1`.
    #[target_feature(enable = "avx2")]
    fn multiply(&mut self) {
        self.reduce(
            _mm256_setzero_si256(),
            |this, place| {
                let (x, y) = (this.residue.as_chunks().0, this.other.as_chunks().0);
                add_products(add_low([_mm256_setzero_si256(); BLOCK], &x[place], &y[0]), &x[..place], &y[..=place])
            },
            |this, place| {
                let ((x, top), (y, other_top)) = (this.residue.as_chunks(), this.other.as_chunks());
                let sum = [_mm256_setzero_si256(); BLOCK];
                if place == x.len() {
                    return add_top(sum, top, other_top);
                }
                add_high_half(add_limb(add_limb(sum, &x[place], other_top), &y[place], top), x, y, place)
            },
        );
    }

    /// Takes the residues out of Montgomery's form.
    #[target_feature(enable = "avx2")]
    fn leave(&mut self) {
        self.reduce(
            _mm256_setzero_si256(),
            |this, place| block(&this.residue, place),
            |this, place| block(&this.residue, L / BLOCK + place),
        );
    }

    /// The residues in limbs, after [`Self::leave`].
    #[target_feature(enable = "avx2")]
    pub(super) fn residues(&self) -> [[u64; L]; LANES] {
        let mut residues = [[0; L]; LANES];
        for (index, limb) in self.residue.iter().enumerate() {
            residues[0][index] = _mm256_extract_epi64::<0>(*limb).cast_unsigned();
            residues[1][index] = _mm256_extract_epi64::<1>(*limb).cast_unsigned();
            residues[2][index] = _mm256_extract_epi64::<2>(*limb).cast_unsigned();
            residues[3][index] = _mm256_extract_epi64::<3>(*limb).cast_unsigned();
        }
        residues
    }

    /// The lanes whose residue is 1 or -1.
    #[target_feature(enable = "avx2")]
    fn ones_and_minus_ones(&mut self) -> u8 {
        self.leave();
        let (zero, one) = (_mm256_setzero_si256(), _mm256_set1_epi64x(1));
        let (mut ones, mut minus_ones) = (_mm256_set1_epi64x(-1), _mm256_set1_epi64x(-1));
        let (mut one_limb, mut is_lowest) = (one, one);
        for (limb, modulus) in self.residue.iter().zip(&self.modulus) {
            // The modulus is odd.
            let minus_one = _mm256_sub_epi64(*modulus, is_lowest);
            ones = _mm256_and_si256(ones, _mm256_cmpeq_epi64(*limb, one_limb));
            minus_ones = _mm256_and_si256(minus_ones, _mm256_cmpeq_epi64(*limb, minus_one));
            (one_limb, is_lowest) = (zero, zero);
        }
        _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(ones, minus_ones))) as u8
    }

    /// Montgomery's reduction of a number into the residue, doubled in the lanes where `double` is 1.
    ///
    /// The closures give the number's columns in blocks: `low` those that vanish, counted from the lowest, and `high` the
    /// others, counted from there; if L is one more than whole blocks, the first column of `high` vanishes too.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn reduce(&mut self, double: Vector, low: impl Fn(&Self, usize) -> Block, high: impl Fn(&Self, usize) -> Block) {
        let mask = _mm256_set1_epi64x(Self::MASK);
        let mut carry = _mm256_setzero_si256();
        for place in 0..L / BLOCK {
            let sum = low(self, place);
            let (modulus, _) = self.modulus.as_chunks();
            let (quotients, _) = self.quotients.as_chunks_mut();
            let mut sum = add_products(sum, &quotients[..place], &modulus[..=place]);
            sum[0] = _mm256_add_epi64(sum[0], carry);
            (quotients[place], carry) = vanish::<B>(sum, &modulus[0], self.factor, mask);
        }
        let vanished = carry;
        carry = _mm256_setzero_si256();
        for place in 0..L.div_ceil(BLOCK) {
            let mut sum = high(self, place);
            let (modulus, modulus_top) = self.modulus.as_chunks();
            let (quotients, quotient_top) = self.quotients.as_chunks_mut();
            if place < modulus.len() {
                sum = add_high_half(sum, quotients, modulus, place);
                sum = add_limb(sum, &quotients[place], modulus_top);
                if place == 0 {
                    sum[0] = _mm256_add_epi64(sum[0], vanished);
                    for quotient in &mut *quotient_top {
                        *quotient = _mm256_and_si256(_mm256_mul_epu32(sum[0], self.factor), mask);
                    }
                }
                sum = add_limb(sum, &modulus[place], quotient_top);
            } else {
                sum = add_top(sum, quotient_top, modulus_top);
            }
            unroll!(C {
                let limb = _mm256_add_epi64(_mm256_sllv_epi64(sum[C], double), carry);
                carry = _mm256_srli_epi64::<B>(limb);
                // What vanished and what is above the top limb is 0 and has no place.
                if let Some(result) = self.result.get_mut((BLOCK * place + C).wrapping_sub(L % BLOCK)) {
                    *result = _mm256_and_si256(limb, mask);
                }
            });
        }
        self.residue = self.result;
    }
}

impl<const W: usize, const L: usize, const B: i32> Drop for Lanes<W, L, B> {
    fn drop(&mut self) {
        self.words.zeroize();
        self.modulus.zeroize();
        self.factor.zeroize();
        self.residue.zeroize();
        self.other.zeroize();
        self.quotients.zeroize();
        self.result.zeroize();
        self.powers.zeroize();
    }
}

/// Lane i gets number i.
#[inline]
#[target_feature(enable = "avx2")]
fn side_by_side(numbers: [u64; LANES]) -> Vector {
    let [a, b, c, d] = numbers.map(u64::cast_signed);
    _mm256_set_epi64x(d, c, b, a)
}

/// The block at this place of a number with these limbs, and zeros behind it.
#[target_feature(enable = "avx2")]
fn block(limbs: &[Vector], place: usize) -> Block {
    let mut block = [_mm256_setzero_si256(); BLOCK];
    for (column, limb) in block.iter_mut().zip(limbs.iter().skip(BLOCK * place)) {
        *column = *limb;
    }
    block
}

/// In each lane the power that its digit names. All are looked at, whatever the digits.
#[inline]
#[target_feature(enable = "avx2")]
fn select<const L: usize>(selected: &mut [Vector; L], powers: &[[Vector; L]; POWERS], digits: Vector) {
    selected.fill(_mm256_setzero_si256());
    for (number, power) in (0..).zip(powers) {
        let is_this = _mm256_cmpeq_epi64(digits, _mm256_set1_epi64x(number));
        for (selected, limb) in selected.iter_mut().zip(power) {
            *selected = _mm256_or_si256(*selected, _mm256_and_si256(*limb, is_this));
        }
    }
}
