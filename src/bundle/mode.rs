//! Permissions.

/// The permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0600, for keys and files that hold keys.
    Private,
    /// 0644, for everything else.
    Public,
}

impl Mode {
    /// Returns the permission bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }

    /// Returns four octal digits, as records spell the mode.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Private => "0600",
            Self::Public => "0644",
        }
    }

    /// Reads the text that [`Self::text`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Private, Self::Public].into_iter().find(|mode| mode.text() == text)
    }
}
