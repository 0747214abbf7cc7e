//! What a person compares: the name of a public key.

use std::fmt::{Display, Formatter, Result as FormatResult};
use std::str::FromStr;

/// `sha256:` and 64 lower-case hex digits: SHA-256 of the key's DER SubjectPublicKeyInfo (formats.md, section 4).
///
/// The same as `openssl pkey -pubin -in prod-1.pub -outform DER | sha256sum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is not `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAFingerprint;

const PREFIX: &str = "sha256:";

impl Fingerprint {
    pub(super) const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The digest alone.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Display for Fingerprint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        formatter.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Reads exactly what [`Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotAFingerprint)?.as_bytes();
        if digits.len() != 64 {
            return Err(NotAFingerprint);
        }
        let mut sha256 = [0; 32];
        for (byte, pair) in sha256.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = match *pair {
                [high, low] => nibble(high)? << 4 | nibble(low)?,
                _ => return Err(NotAFingerprint),
            };
        }
        Ok(Self(sha256))
    }
}

fn nibble(digit: u8) -> Result<u8, NotAFingerprint> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NotAFingerprint),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::{Fingerprint, NotAFingerprint};

    #[test]
    fn reads_what_it_writes() {
        let fingerprint = Fingerprint::new(std::array::from_fn(|index| index as u8 * 8));
        let text = fingerprint.to_string();
        assert_eq!(text, "sha256:0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
        assert_eq!(text.parse::<Fingerprint>().unwrap(), fingerprint);
    }

    #[test]
    fn refuses_every_other_spelling() {
        let text = Fingerprint::new([0xab; 32]).to_string();
        let upper = text.replace("ab", "AB");
        let sign = text.replacen("ab", "+b", 1);
        for wrong in ["", "sha256:", &text[7..], &text[..70], &format!("{text}0"), &format!(" {text}"), &upper, &sign] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(NotAFingerprint), "{wrong}");
        }
    }
}
