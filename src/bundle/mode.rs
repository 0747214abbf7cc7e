//! Permissions.

/// Permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0600: keys and what holds keys.
    Private,
    /// 0644.
    Public,
}

impl Mode {
    /// Permission bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }

    /// Four octal digits, as records spell it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Private => "0600",
            Self::Public => "0644",
        }
    }

    /// Reads [`Self::text`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Private, Self::Public].into_iter().find(|mode| mode.text() == text)
    }
}
