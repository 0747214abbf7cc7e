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

/// The releases of Go that built the patch releases of a minor version of Kubernetes. Source: CHANGELOG-1.N.md and
/// `.go-version` of kubernetes/kubernetes.
///
/// What counts is how Go behaves: 1.23.16 and 1.23.17 were built with Go 1.19 and `x509sha1=1`, so they behave like Go
/// 1.17. The `godebug` lines in go.mod let 1.30 and 1.31 take negative serial numbers also with Go 1.23, and 1.32 RSA keys
/// of less than 1024 bits also with Go 1.24: of both the answer is said to depend on the version.
const KUBERNETES: [(u32, GoRange); 25] = [
    (13, range((11, 2), (11, 13))),
    (14, range((12, 1), (12, 12))),
    (15, range((12, 5), (12, 17))),
    (16, range((12, 9), (13, 15))),
    (17, range((13, 4), (13, 15))),
    (18, range((13, 8), (13, 15))),
    (19, range((15, 0), (15, 15))),
    (20, range((15, 5), (15, 15))),
    (21, range((16, 1), (16, 15))),
    (22, range((16, 6), (16, 15))),
    (23, range((17, 3), (17, 13))),
    (24, range((18, 1), (20, 7))),
    (25, range((19, 0), (20, 11))),
    (26, range((19, 4), (21, 8))),
    (27, range((20, 3), (22, 5))),
    (28, range((20, 7), (22, 8))),
    (29, range((21, 5), (22, 12))),
    (30, range((22, 2), (23, 10))),
    (31, range((22, 5), (23, 12))),
    (32, range((23, 3), (24, 13))),
    (33, range((24, 2), (24, 13))),
    (34, range((24, 5), (25, 12))),
    (35, range((25, 5), (26, 10))),
    (36, range((26, 0), (26, 10))),
    (37, range((26, 0), (27, 3))),
];
/// The same for etcd 3. Source: `.go-version` and the changelogs of etcd-io/etcd.
const ETCD: [(u32, GoRange); 4] = [
    (3, range((10, 0), (12, 17))),
    (4, range((12, 7), (24, 13))),
    (5, range((16, 2), (25, 12))),
    (6, range((23, 0), (25, 12))),
];

const fn range((oldest, first): (u16, u16), (newest, last): (u16, u16)) -> GoRange {
    GoRange { oldest: GoVersion(oldest, first), newest: GoVersion(newest, last) }
}

impl GoRange {
    /// The releases for a program of which nothing is known.
    pub const UNKNOWN: Self = range((15, 5), (27, 3));

    /// Returns the releases from the newest of these to the newest that is known.
    #[must_use]
    pub const fn later(self) -> Self {
        Self { oldest: self.newest, newest: Self::UNKNOWN.newest }
    }

    /// Returns the releases that built a minor version of Kubernetes 1. Of one that is not in the table,
    /// nothing is known.
    #[must_use]
    pub fn of_kubernetes(minor: u32) -> Self {
        let known = KUBERNETES.iter().find(|(known, _)| *known == minor).map(|(_, range)| *range);
        known.unwrap_or(Self::UNKNOWN)
    }

    /// Returns the first minor version of Kubernetes of which every release was built with a version of Go or a later
    /// one, as far as the table goes.
    pub(super) fn first_kubernetes(version: GoVersion) -> Option<u32> {
        KUBERNETES
            .iter()
            .find(|(_, range)| range.oldest.0 >= version.0 && range.oldest >= version)
            .map(|(minor, _)| *minor)
    }

    /// Returns the releases that built a minor version of etcd 3.
    #[must_use]
    pub fn of_etcd(minor: u32) -> Self {
        ETCD.iter().find(|(known, _)| *known == minor).map_or(Self::UNKNOWN, |(_, range)| *range)
    }
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
