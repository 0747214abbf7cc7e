//! Columns of products of numbers in blocks of four limbs, for [`super::avx2`]: four numbers side by side.
//!
//! Sums go block of columns by block of columns, so that they stay in registers. Why none is lost is said there.

#![allow(clippy::absurd_extreme_comparisons, reason = "the indices of unrolled loops are constants")]

use core::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_mul_epu32, _mm256_setzero_si256, _mm256_srli_epi64,
};

/// Limbs treated together, so that accumulators stay in registers.
pub(super) const BLOCK: usize = 4;

/// One limb of four numbers.
pub(super) type Vector = __m256i;
pub(super) type Block = [Vector; BLOCK];

/// Writes the body four times, with a constant in place of the name: see the macro of the same name in [`super::ifma`].
macro_rules! unroll {
    ($index:ident $body:block) => { unroll!(@ $index $body 0 1 2 3) };
    (@ $index:ident $body:block $($value:literal)*) => {{ $({ const $index: usize = $value; $body })* }};
}
pub(super) use unroll;

/// The block of a square at this place of the lower half: products of blocks I < J with I + J = place, and of those before.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn square_low(number: &[Block], place: usize) -> Block {
    let middle = place / 2;
    let sum = add_products([_mm256_setzero_si256(); BLOCK], &number[..middle], &number[place - middle..=place]);
    if place.is_multiple_of(2) {
        add_middle::<false>(sum, &number[middle])
    } else {
        add_middle::<true>(add_low(sum, &number[middle], &number[middle + 1]), &number[middle])
    }
}

/// The block of a square at this place of the upper half; `top` is the limb above the blocks, if there is one.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn square_high(number: &[Block], top: &[Vector], place: usize) -> Block {
    let count = number.len();
    let middle = (count + place) / 2;
    let mut sum = add_limb([_mm256_setzero_si256(); BLOCK], &number[place], top);
    if place < middle {
        sum = add_high(sum, &number[place], &number[count - 1]);
        sum = add_products(sum, &number[place + 1..middle], &number[count + place - middle..]);
    }
    if (count + place).is_multiple_of(2) {
        return add_middle::<false>(sum, &number[middle]);
    }
    if let Some(next) = number.get(middle + 1) {
        sum = add_low(sum, &number[middle], next);
    }
    add_middle::<true>(sum, &number[middle])
}

/// Doubles the products so far and adds what the block in the middle makes with itself in the lower or the upper columns.
#[inline]
#[target_feature(enable = "avx2")]
fn add_middle<const UPPER: bool>(mut sum: Block, x: &Block) -> Block {
    unroll!(I {
        unroll!(J {
            if I < J && (I + J >= BLOCK) == UPPER {
                sum[(I + J) % BLOCK] = add_product(sum[(I + J) % BLOCK], x[I], x[J]);
            }
        });
    });
    unroll!(I {
        sum[I] = _mm256_add_epi64(sum[I], sum[I]);
    });
    unroll!(I {
        if (2 * I >= BLOCK) == UPPER {
            sum[2 * I % BLOCK] = add_product(sum[2 * I % BLOCK], x[I], x[I]);
        }
    });
    sum
}

/// Adds the products of the blocks of one number, from the lowest on, with those of another, from the highest down, in the
/// columns of the highest and in those above: of each block the product with two of the other's, one more.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add_products(mut sum: Block, x: &[Block], y: &[Block]) -> Block {
    for (x, pair) in x.iter().zip(y.windows(2).rev()) {
        let [below, here] = pair else { break };
        sum = add_high(add_low(sum, x, here), x, below);
    }
    sum
}

/// Adds the products of blocks I and J with I + J = place + their number, and of those before.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add_high_half(sum: Block, x: &[Block], y: &[Block], place: usize) -> Block {
    add_products(add_high(sum, &x[place], &y[y.len() - 1]), &x[place + 1..], &y[place..])
}

/// Adds the products of a block with the top limb of another number, if that has one.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add_limb(mut sum: Block, x: &Block, top: &[Vector]) -> Block {
    for limb in top {
        unroll!(I {
            sum[I] = add_product(sum[I], x[I], *limb);
        });
    }
    sum
}

/// Adds the product of two top limbs, if there are such.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add_top(mut sum: Block, x: &[Vector], y: &[Vector]) -> Block {
    for (x, y) in x.iter().zip(y) {
        sum[0] = add_product(sum[0], *x, *y);
    }
    sum
}

/// Adds what the product of two blocks has in its own four columns.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add_low(mut sum: Block, x: &Block, y: &Block) -> Block {
    unroll!(I {
        unroll!(C {
            if C >= I {
                sum[C] = add_product(sum[C], x[I], y[(BLOCK + C - I) % BLOCK]);
            }
        });
    });
    sum
}

/// Adds what the product of two blocks has in the next four columns.
#[inline]
#[target_feature(enable = "avx2")]
fn add_high(mut sum: Block, x: &Block, y: &Block) -> Block {
    unroll!(I {
        unroll!(C {
            if C < I {
                sum[C] = add_product(sum[C], x[I], y[(BLOCK + C - I) % BLOCK]);
            }
        });
    });
    sum
}

/// The multiples of the modulus that make a block of columns vanish, and the carry out of it.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn vanish<const B: i32>(sum: Block, modulus: &Block, factor: Vector, mask: Vector) -> (Block, Vector) {
    let zero = _mm256_setzero_si256();
    let (mut quotients, mut carry) = ([zero; BLOCK], zero);
    unroll!(C {
        let mut column = sum[C];
        unroll!(I {
            if I < C {
                column = add_product(column, quotients[I], modulus[(BLOCK + C - I) % BLOCK]);
            }
        });
        column = _mm256_add_epi64(column, carry);
        quotients[C] = _mm256_and_si256(_mm256_mul_epu32(column, factor), mask);
        // The low B bits are 0 then, by the choice of the quotient.
        carry = _mm256_srli_epi64::<B>(add_product(column, quotients[C], modulus[0]));
    });
    (quotients, carry)
}

#[inline]
#[target_feature(enable = "avx2")]
fn add_product(sum: Vector, x: Vector, y: Vector) -> Vector {
    _mm256_add_epi64(sum, _mm256_mul_epu32(x, y))
}
