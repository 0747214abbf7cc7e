//! What the engines' arithmetic shares: numbers in limbs that leave room for carries, and exponents in windows.

/// Runs the body for each block of limbs or columns, at most [`BLOCKS`], with a constant in place of the name.
///
/// With constant places the compiler writes the loops over products out, and jumps are what costs most beside products.
macro_rules! for_each_block {
    ($place:ident of $count:ident $body:block) => {
        for_each_block!(@ $place $count $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@ $place:ident $count:ident $body:block $($value:literal)*) => {
        $(if $value < $count {
            const $place: usize = $value;
            $body
        })*
    };
}
pub(super) use for_each_block;

/// The blocks that [`for_each_block`] has room for.
pub(super) const BLOCKS: usize = 16;

/// Bits of an exponent taken at once, so that powers are multiplied by one of [`ODD_POWERS`] only after that many squarings.
const WINDOW: usize = 5;
/// How many odd powers of a base [`windows`] asks for: the first, the third, and so on.
pub(super) const ODD_POWERS: usize = 1 << (WINDOW - 1);

/// The limbs, of `bits` bits each, of a number shifted left by fewer than 64 bits; cut off at L limbs.
pub(super) fn limbs<const L: usize>(words: &[u64], bits: usize, shift: usize) -> [u64; L] {
    std::array::from_fn(|index| limb(words, bits, shift, index))
}

/// One limb of those.
pub(super) fn limb(words: &[u64], bits: usize, shift: usize, index: usize) -> u64 {
    let mask = u64::MAX >> (64 - bits);
    let word = |place: usize| words.get(place).copied().unwrap_or_default();
    let Some(low) = (bits * index).checked_sub(shift) else { return word(0) << (shift - bits * index) & mask };
    let both = u128::from(word(low / 64)) | u128::from(word(low / 64 + 1)) << 64;
    (both >> (low % 64)) as u64 & mask
}

/// `-n` modulo 2^(64 W), for an odd number.
pub(super) fn negative<const W: usize>(number: &[u64; W]) -> [u64; W] {
    let mut negative = number.map(|word| !word);
    // One more than the complement, which is even.
    negative[0] |= 1;
    negative
}

/// The exponent (n-1)/2 of a candidate n, whose top bit and lowest two are set, from the top on: how many squarings, and
/// which odd power to multiply with then, counted from 0. The first squarings would be of 1.
pub(super) fn windows<const W: usize>(candidate: &[u64; W]) -> impl Iterator<Item = (usize, usize)> {
    let is_set = |bit: usize| candidate[bit / 64] >> (bit % 64) & 1 == 1;
    // The exponent is n shifted right by one, and what is left of it are the bits from 1 up to here.
    let mut rest = 64 * W;
    std::iter::from_fn(move || {
        let top = (1..rest).rev().find(|bit| is_set(*bit))?;
        // Ends in a set bit, so that the power is odd.
        let lowest = (top + 1).saturating_sub(WINDOW).max(1);
        let end = (lowest..=top).find(|bit| is_set(*bit))?;
        let power = (end..=top).rev().fold(0, |power, bit| power << 1 | usize::from(is_set(bit)));
        let squarings = rest - end;
        rest = end;
        Some((squarings, power / 2))
    })
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::{ODD_POWERS, limbs, negative, windows};

    fn to_big(words: &[u64], bits: usize) -> BigUint {
        words.iter().rev().fold(BigUint::ZERO, |number, word| (number << bits) + word)
    }

    fn samples() -> Vec<[u64; 4]> {
        let mut samples = vec![[u64::MAX; 4], [7, 0, 0, 3 << 62], [0x5555_5555_5555_5557; 4], [3, 0, 1 << 63, 1 << 63]];
        let mut state = 1_u64;
        samples.extend((0..50).map(|_| {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                state ^ state >> 29
            })
        }));
        for sample in &mut samples {
            sample[0] |= 3;
            sample[3] |= 1 << 63;
        }
        samples
    }

    #[test]
    fn limbs_are_the_number() {
        for sample in samples() {
            let number = to_big(&sample, 64);
            assert_eq!(to_big(&limbs::<5>(&sample, 52, 0), 52), number);
            assert_eq!(to_big(&limbs::<5>(&sample, 58, 0), 58), number);
            assert_eq!(to_big(&limbs::<6>(&sample, 52, 51), 52), &number << 51);
            assert_eq!(to_big(&limbs::<5>(&sample, 58, 34), 58), &number << 34);
            assert_eq!(to_big(&limbs::<12>(&sample, 28, 63), 28), &number << 63);
            let cut = (BigUint::from(1_u32) << 104) - 1_u32;
            assert_eq!(to_big(&limbs::<2>(&sample, 52, 4), 52), (number << 4) & cut);
        }
    }

    #[test]
    fn negatives_add_up_to_nothing() {
        for sample in samples() {
            assert_eq!(to_big(&sample, 64) + to_big(&negative(&sample), 64), BigUint::from(1_u32) << 256);
        }
    }

    #[test]
    fn windows_make_up_the_exponent() {
        for sample in samples() {
            let mut exponent = BigUint::ZERO;
            for (squarings, power) in windows(&sample) {
                assert!(power < ODD_POWERS);
                exponent = (exponent << squarings) + (2 * power + 1);
            }
            assert_eq!(exponent, to_big(&sample, 64) >> 1);
        }
    }
}
