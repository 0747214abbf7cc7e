//! The two kinds of recipients.

use std::fmt::{Display, Formatter, Result as FormatResult};

/// The kind of a recipient and of its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `mlkem768x25519`: what is sealed today is not opened by a quantum computer later.
    Hybrid,
    /// `X25519`: what every version of age has.
    X25519,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Hybrid, Self::X25519];

    pub(super) const fn recipient_prefix(self) -> &'static str {
        match self {
            Self::Hybrid => "age1pq",
            Self::X25519 => "age",
        }
    }

    pub(super) const fn identity_prefix(self) -> &'static str {
        match self {
            Self::Hybrid => "age-secret-key-pq-",
            Self::X25519 => "age-secret-key-",
        }
    }
}

impl Display for Kind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        write!(formatter, "{}1...", self.recipient_prefix())
    }
}
