//! Byte strings of a fixed length, which records contain as lower-case hexadecimal.

use std::fmt::{Debug, Display, Formatter, Result as FormatResult};

use ring::digest::{SHA256, digest};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sign::hex;

/// `N` bytes, which text and JSON spell as exactly `2 * N` lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A SHA-256 digest.
pub type Sha256 = Hex<32>;

impl Sha256 {
    /// Returns the SHA-256 of the bytes (FIPS 180-4).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_ring(&digest(&SHA256, bytes))
    }

    /// Returns the value of a digest that was computed piece by piece.
    pub(super) fn from_ring(digest: &ring::digest::Digest) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl<const N: usize> Hex<N> {
    /// Reads exactly the text that [`Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex::read(text).map(Self)
    }
}

impl<const N: usize> Display for Hex<N> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        hex::write(&self.0, formatter)
    }
}

impl<const N: usize> Debug for Hex<N> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        Display::fmt(self, formatter)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format_args!("expected {} lower-case hex digits", 2 * N)))
    }
}
