//! Kubernetes versions.

use std::fmt;
use std::ops::RangeInclusive;

/// A full Kubernetes version: the PKI's shape changes even between patch levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
    /// The patch level.
    pub patch: u32,
}

impl Version {
    /// `1.minor.patch`.
    #[must_use]
    pub const fn new(minor: u32, patch: u32) -> Self {
        Self { major: 1, minor, patch }
    }

    /// The minor versions of Kubernetes 1 whose PKI is known, at every patch level.
    pub const SUPPORTED_MINORS: RangeInclusive<u32> = 20..=37;

    /// Whether the PKI of this version is known.
    #[must_use]
    pub fn is_supported(self) -> bool {
        self.major == 1 && Self::SUPPORTED_MINORS.contains(&self.minor)
    }

    /// Reads `1.24.15` or `v1.24.15`; nothing shorter, no pre-release, no leading zeros.
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
    /// `1.24.15`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
