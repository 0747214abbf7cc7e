//! The errors of Go.

use thiserror::Error;
use time::OffsetDateTime;

use crate::x509::instant;

/// Why Go does not take a certificate or a key. The text is that of Go.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GoError {
    /// The certificate cannot be read, or a file holds none.
    #[error("{0}")]
    Malformed(String),
    /// A critical extension is unknown to Go.
    #[error("x509: unhandled critical extension")]
    UnhandledCriticalExtension,
    /// The certificate has expired.
    #[error("x509: certificate has expired or is not yet valid: current time {} is after {}", instant(*.now), instant(*.end))]
    Expired {
        /// The time of the check.
        now: OffsetDateTime,
        /// The last second of validity.
        end: OffsetDateTime,
    },
    /// The certificate is not yet valid.
    #[error("x509: certificate has expired or is not yet valid: current time {} is before {}", instant(*.now), instant(*.begin))]
    NotYetValid {
        /// The time of the check.
        now: OffsetDateTime,
        /// The first second of validity.
        begin: OffsetDateTime,
    },
    /// A name breaks the constraints of a CA.
    #[error("x509: a root or intermediate certificate is not authorized to sign for this name: {0}")]
    NameConstraint(String),
    /// An intermediate is no CA.
    #[error("x509: certificate is not authorized to sign other certificates")]
    NotAuthorizedToSign,
    /// More intermediates stand below a CA than it allows.
    #[error("x509: too many intermediates for path length constraint")]
    TooManyIntermediates,
    /// The extended key usages of the chain do not allow the usage.
    #[error("x509: certificate specifies an incompatible key usage")]
    IncompatibleUsage,
    /// No chain leads to a trusted CA.
    #[error("x509: certificate signed by unknown authority{}", hint(.0.as_deref()))]
    UnknownAuthority(Option<Box<Hint>>),
    /// The issuer is no CA, or may not sign certificates.
    #[error("x509: invalid signature: parent certificate cannot sign this kind of certificate")]
    ParentCannotSign,
    /// The signature's algorithm is one that Go refuses.
    #[error("x509: cannot verify signature: insecure algorithm {0}")]
    InsecureAlgorithm(String),
    /// The signature's algorithm is unknown to Go.
    #[error("x509: cannot verify signature: algorithm unimplemented")]
    UnsupportedAlgorithm,
    /// The signature does not hold.
    #[error("{0}")]
    Signature(String),
    /// The certificate is not for the host.
    #[error("{0}")]
    HostName(String),
    /// Nobody knows: this cannot be computed here.
    #[error("cannot be judged: {0}")]
    Unchecked(String),
}

/// The CA that was tried in vain, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What was wrong.
    pub error: GoError,
    /// The CA's common name, or another name for it.
    pub authority: String,
}

impl GoError {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Malformed(text.into())
    }

    /// Returns whether the error depends on nothing but the time.
    #[must_use]
    pub const fn is_about_time(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::NotYetValid { .. })
    }

    /// Returns whether nobody knows, because of this or of a CA that was tried.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        match self {
            Self::Unchecked(_) => true,
            Self::UnknownAuthority(Some(hint)) => hint.error.is_unchecked(),
            _ => false,
        }
    }
}

/// Returns the error that crypto/x509 gives for something that it cannot read.
pub(super) fn malformed(what: impl std::fmt::Display) -> GoError {
    GoError::text(format!("x509: {what}"))
}

/// Source: crypto/x509/verify.go `UnknownAuthorityError.Error`, Go 1.19.8.
fn hint(hint: Option<&Hint>) -> String {
    let Some(hint) = hint else { return String::new() };
    let Hint { error, authority } = hint;
    let (error, authority) = (quoted(&error.to_string()), quoted(authority));
    format!(" (possibly because of {error} while trying to verify candidate authority certificate {authority})")
}

/// Returns a text in quotes as Go's `%q` writes it, as far as certificates need it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted += "\\n",
            '\r' => quoted += "\\r",
            '\t' => quoted += "\\t",
            letter if letter.is_ascii_control() => quoted += &format!("\\x{:02x}", letter as u32),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}
