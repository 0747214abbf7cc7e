//! Lower-case hexadecimal, with one spelling per value.

use std::fmt::{Error, Formatter, Result as FormatResult};
use std::str::from_utf8;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes two digits per byte.
pub(crate) fn write(bytes: &[u8], formatter: &mut Formatter<'_>) -> FormatResult {
    // Formats a whole digest at once. Formatting each byte by itself takes a fiftieth of the time of a large build.
    let mut digits = [0; 64];
    for bytes in bytes.chunks(digits.len() / 2) {
        let (pairs, _) = digits.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(bytes) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]];
        }
        formatter.write_str(from_utf8(&digits[..2 * bytes.len()]).map_err(|_| Error)?)?;
    }
    Ok(())
}

/// Reads exactly `2 * N` digits of `0-9a-f`, or returns `None`.
pub(crate) fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Display, Formatter, Result as FormatResult};

    struct Bytes<'a>(&'a [u8]);

    impl Display for Bytes<'_> {
        fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
            super::write(self.0, formatter)
        }
    }

    /// Covers every byte, and lengths on both sides of the number of bytes that are written at once.
    #[test]
    fn digits_are_those_of_the_standard_library() {
        let all: Vec<u8> = (0..=255).collect();
        for length in [0, 1, 16, 31, 32, 33, 63, 64, 65, 256] {
            let expected: String = all[..length].iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(Bytes(&all[..length]).to_string(), expected);
        }
        let all: [u8; 256] = all.try_into().unwrap_or([0; 256]);
        assert_eq!(super::read(&Bytes(&all).to_string()), Some(all));
    }
}
