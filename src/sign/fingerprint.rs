//! The name of a public key, which people compare.

use std::fmt::{Display, Formatter, Result as FormatResult};
use std::str::FromStr;

use super::hex;

/// `sha256:` and 64 lower-case hex digits: the SHA-256 of the key's DER SubjectPublicKeyInfo (manual/formats.md,
/// section 4).
///
/// The same as `openssl pkey -pubin -in prod-1.pub -outform DER | sha256sum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is not `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is `sha256:` and 64 lower-case hex digits")]
pub struct NotAFingerprint;

const PREFIX: &str = "sha256:";

impl Fingerprint {
    pub(super) const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// Returns the digest alone.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Display for Fingerprint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        formatter.write_str(PREFIX)?;
        hex::write(&self.0, formatter)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Reads exactly the text that [`Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        text.strip_prefix(PREFIX).and_then(hex::read).map(Self).ok_or(NotAFingerprint)
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
