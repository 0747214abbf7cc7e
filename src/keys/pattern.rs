//! Patterns that show that no random generator made a seed.

use thiserror::Error;

const LENGTH: usize = 32;

/// A pattern in 32 bytes. It tells nothing else about them.
///
/// Of 2^40 random seeds less than one has any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SeedPattern {
    /// Most hex digits come again after a fixed number of digits.
    #[error("its digits repeat themselves")]
    Repeated,
    /// Bytes, digits or larger numbers go up or down in steps of one size.
    #[error("its numbers are counted up or down")]
    Counted,
    /// All bytes are text.
    #[error("its bytes are text")]
    Text,
    /// Fewer than half of the bytes differ from all others.
    #[error("it has few different bytes")]
    FewValues,
}

impl SeedPattern {
    /// Returns the first pattern that is in these bytes.
    pub(super) fn find(bytes: &[u8; LENGTH]) -> Option<Self> {
        if is_repeated(bytes) {
            Some(Self::Repeated)
        } else if is_counted(bytes) {
            Some(Self::Counted)
        } else if bytes.iter().all(|byte| matches!(byte, 0 | b'\t'..=b'\r' | b' '..=b'~')) {
            Some(Self::Text)
        } else {
            // 32 random bytes have about 30 values, and fewer than 16 once in 2^52 times.
            let is_new = |(at, byte): &(usize, &u8)| !bytes[..*at].contains(*byte);
            (bytes.iter().enumerate().filter(is_new).count() < LENGTH / 2).then_some(Self::FewValues)
        }
    }
}

/// Returns a hex digit. Digits are never collected, so that no copy of them is left.
fn digit(bytes: &[u8; LENGTH], at: usize) -> u8 {
    if at.is_multiple_of(2) { bytes[at / 2] >> 4 } else { bytes[at / 2] & 15 }
}

/// Returns whether three of four digits come again after a fixed number of digits.
fn is_repeated(bytes: &[u8; LENGTH]) -> bool {
    let digits = 2 * LENGTH;
    (1..=LENGTH).any(|period| {
        let again = (period..digits).filter(|at| digit(bytes, *at) == digit(bytes, at - period)).count();
        again * 4 >= (digits - period) * 3
    })
}

/// Returns whether a step from one number to the next comes so often that it cannot be chance.
fn is_counted(bytes: &[u8; LENGTH]) -> bool {
    let of_bytes = |step: u8| bytes.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == step).count();
    let of_digits = |step: u8| {
        let is_step = |at: &usize| digit(bytes, at + 1).wrapping_sub(digit(bytes, *at)) & 15 == step;
        (0..2 * LENGTH - 1).filter(is_step).count()
    };
    (0..=255).any(|step| of_bytes(step) >= 12)
        || (0..16).any(|step| of_digits(step) >= 32)
        || [2, 4, 8]
            .iter()
            .any(|width| [false, true].iter().any(|is_little| all_steps_are_one(bytes, *width, *is_little)))
}

/// Returns whether numbers of so many bytes all go by the same step.
fn all_steps_are_one(bytes: &[u8; LENGTH], width: usize, is_little_endian: bool) -> bool {
    let number = |at: usize| {
        let bytes = &bytes[at * width..][..width];
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if is_little_endian { bytes.iter().rev().fold(0, push) } else { bytes.iter().fold(0, push) }
    };
    let mask = u64::MAX >> (64 - 8 * width);
    let step = |at: usize| number(at + 1).wrapping_sub(number(at)) & mask;
    (1..LENGTH / width - 1).all(|at| step(at) == step(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::array::from_fn;

    use sha2::{Digest, Sha256};

    use super::SeedPattern::{self, Counted, FewValues, Repeated, Text};

    fn hex(digits: &str) -> [u8; 32] {
        from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
    }

    #[test]
    fn each_pattern_is_seen() {
        let words = |text: &str| from_fn(|at| text.as_bytes().get(at).copied().unwrap_or_default());
        for (bytes, expected) in [
            ([7; 32], Repeated),
            (hex(&"0123456789abcdef".repeat(4)), Repeated),
            (hex(&"01234567890123456789"[..].repeat(4)[..64]), Repeated),
            (hex(&"deadbeef".repeat(8)), Repeated),
            (hex(&"c0ffee00112233445566778899aabbcc".repeat(2)), Repeated),
            (from_fn(|at| u8::from(at == 31)), Repeated),
            (from_fn(|at| at as u8), Counted),
            (from_fn(|at| 255 - at as u8), Counted),
            (from_fn(|at| (at as u8).wrapping_mul(7).wrapping_add(3)), Counted),
            (hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1e"), Counted),
            (hex("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), Counted),
            (from_fn(|at| (1_000_u16 + 259 * (at as u16 / 2)).to_be_bytes()[at % 2]), Counted),
            (from_fn(|at| (77_777_u32 + 99_999_999 * (at as u32 / 4)).to_le_bytes()[at % 4]), Counted),
            (words("correct horse battery staple"), Text),
            (words("The quick brown fox jumps over 1"), Text),
            (words("4f9Q!x-27gT_b0Z&k;1s8(Lw3~eR6m@y"), Text),
            (hex("9c037171e8449c0303e8449c7144e80371039ce8e84471039c9c0344e871449c"), FewValues),
        ] {
            assert_eq!(SeedPattern::find(&bytes), Some(expected), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_looks_random_has_none() {
        for number in 0..2_000_u32 {
            assert_eq!(SeedPattern::find(&Sha256::digest(number.to_be_bytes()).into()), None, "{number}");
        }
        // A seed that a person made with care, in which no machine sees a pattern.
        assert_eq!(SeedPattern::find(&hex("c0ffee11d00d22feed33beef44cafe55babe66f00d77deed88face99ab1ea0de")), None);
    }
}
