//! Kubernetes versions.

use std::fmt;
use std::ops::RangeInclusive;

/// A full Kubernetes version, with its patch level, because the shape of the PKI changes even between patch levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The major version, which is 1.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
    /// The patch level.
    pub patch: u32,
}

impl Version {
    /// Returns the version `1.minor.patch`.
    #[must_use]
    pub const fn new(minor: u32, patch: u32) -> Self {
        Self { major: 1, minor, patch }
    }

    /// The minor versions of Kubernetes 1 whose PKI is known, at every patch level.
    pub const SUPPORTED_MINORS: RangeInclusive<u32> = 20..=37;

    /// Returns whether the PKI of this version is known.
    #[must_use]
    pub fn is_supported(self) -> bool {
        self.major == 1 && Self::SUPPORTED_MINORS.contains(&self.minor)
    }

    /// Reads `1.24.15` or `v1.24.15`. Returns `None` for anything shorter, for pre-releases and for leading zeros.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).split('.').map(number);
        let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        numbers.next().is_none().then_some(version)
    }
}

fn number(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Version {
    /// Writes `1.24.15`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
