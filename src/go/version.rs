//! Versions of Go.

use std::fmt;

/// A release of Go: the minor version, and the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoVersion(pub u16, pub u16);

impl GoVersion {
    /// Returns whether this is at least the first release of a minor version.
    pub(super) const fn is_at_least(self, minor: u16) -> bool {
        self.0 >= minor
    }

    /// Returns whether a change is in this release that came with a patch of each of some minor versions, and with every
    /// later minor version. The releases are in order.
    pub(super) fn has(self, releases: &[(u16, u16)]) -> bool {
        match releases.iter().find(|(minor, _)| *minor == self.0) {
            Some((_, patch)) => self.1 >= *patch,
            None => releases.last().is_some_and(|(minor, _)| self.0 > *minor),
        }
    }

    /// Reads `1.19`, `1.19.8` or `go1.19.8`. Returns `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix("go").unwrap_or(text).strip_prefix("1.")?.split('.');
        let minor = numbers.next()?.parse().ok()?;
        let patch = numbers.next().map_or(Some(0), |patch| patch.parse().ok())?;
        numbers.next().is_none().then_some(Self(minor, patch))
    }
}

impl fmt::Display for GoVersion {
    /// Writes the version as in `Go 1.19.8`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Go 1.{}.{}", self.0, self.1)
    }
}

/// The releases of Go that may have built a program: all from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoRange {
    /// The oldest.
    pub oldest: GoVersion,
    /// The newest.
    pub newest: GoVersion,
}

#[cfg(test)]
mod tests {
    use super::GoVersion;

    #[test]
    fn versions_are_read() {
        for text in ["1.19.8", "go1.19.8"] {
            assert_eq!(GoVersion::parse(text), Some(GoVersion(19, 8)));
        }
        assert_eq!(GoVersion::parse("1.26"), Some(GoVersion(26, 0)));
        for text in ["", "2.1", "1.", "1.x", "1.2.3.4"] {
            assert_eq!(GoVersion::parse(text), None, "{text}");
        }
        assert!(GoVersion(9, 9) < GoVersion(15, 0) && GoVersion(24, 8) < GoVersion(24, 9));
    }

    #[test]
    fn a_patch_is_in_later_releases() {
        for (version, expected) in
            [((23, 99), false), ((24, 7), false), ((24, 8), true), ((25, 1), false), ((26, 0), true)]
        {
            assert_eq!(GoVersion(version.0, version.1).has(&[(24, 8), (25, 2)]), expected, "{version:?}");
        }
    }
}
