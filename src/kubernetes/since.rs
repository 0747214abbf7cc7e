//! The versions from which on something holds, including patch levels of older minors.

use super::version::Version;

/// A set of versions that is closed upwards within each release line.
///
/// `["1.33.12", "1.34.8"]` means: from 1.33.12 in the 1.33 line, from 1.34.8 in the 1.34 line, and all of 1.35 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since(pub &'static [Version]);

impl Since {
    /// Returns whether the set includes this version.
    #[must_use]
    pub fn includes(self, version: Version) -> bool {
        let same_line = self.0.iter().find(|first| (first.major, first.minor) == (version.major, version.minor));
        match same_line {
            Some(first) => version.patch >= first.patch,
            None => self.0.iter().all(|first| *first < version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Since, Version};

    #[test]
    fn each_release_line_switches_at_its_own_patch_level() {
        const LINES: &[Version] =
            &[Version::new(33, 12), Version::new(34, 8), Version::new(36, 1), Version::new(37, 0)];
        let since = Since(LINES);
        for (minor, patch, expected) in [
            (20, 99, false),
            (33, 11, false),
            (33, 12, true),
            (34, 0, false),
            (34, 8, true),
            (35, 99, false),
            (36, 0, false),
            (36, 1, true),
            (37, 0, true),
            (38, 0, true),
        ] {
            assert_eq!(since.includes(Version::new(minor, patch)), expected, "1.{minor}.{patch}");
        }
    }
}
