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
    /// The CA's key has the identifier that the certificate names, and another subject.
    #[error("x509: issuer name does not match subject from issuing certificate")]
    NameMismatch,
    /// Names are constrained, and the certificate has none but its common name.
    #[error("x509: issuer has name constraints but leaf doesn't have a SAN extension")]
    NoNamesToConstrain,
    /// An intermediate is no CA.
    #[error("x509: certificate is not authorized to sign other certificates")]
    NotAuthorizedToSign,
    /// More intermediates stand below a CA than it allows.
    #[error("x509: too many intermediates for path length constraint")]
    TooManyIntermediates,
    /// The extended key usages of the chain do not allow the usage.
    #[error("x509: certificate specifies an incompatible key usage")]
    IncompatibleUsage,
    /// Too many certificates might have signed another one.
    #[error("x509: signature check attempts limit reached while verifying certificate chain")]
    TooManySignatures,
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
    /// The CA's common name, or another name for it. It may be no UTF-8.
    pub authority: Vec<u8>,
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
    let (error, authority) = (quoted(&error.to_string()), quoted_octets(authority));
    format!(" (possibly because of {error} while trying to verify candidate authority certificate {authority})")
}

/// Returns a text in quotes as Go's `%q` writes it, as far as certificates need it.
pub(super) fn quoted(text: &str) -> String {
    quoted_octets(text.as_bytes())
}

fn quoted_octets(octets: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in octets.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let number = u32::from(letter);
            match letter {
                '"' | '\\' => quoted.extend(['\\', letter]),
                '\u{7}' => quoted += "\\a",
                '\u{8}' => quoted += "\\b",
                '\u{c}' => quoted += "\\f",
                '\n' => quoted += "\\n",
                '\r' => quoted += "\\r",
                '\t' => quoted += "\\t",
                '\u{b}' => quoted += "\\v",
                _ if letter.is_ascii_control() => quoted += &format!("\\x{number:02x}"),
                _ if is_shown(letter) => quoted.push(letter),
                '\0'..='\u{ffff}' => quoted += &format!("\\u{number:04x}"),
                _ => quoted += &format!("\\U{number:08x}"),
            }
        }
        for octet in chunk.invalid() {
            quoted += &format!("\\x{octet:02x}");
        }
    }
    quoted + "\""
}

/// Returns whether Go shows a character as it is. Rust's `escape_debug` knows the same, but for characters that join
/// others, which it shows after another one.
fn is_shown(letter: char) -> bool {
    !format!("a{letter}").escape_debug().to_string().contains("\\u")
}

#[cfg(test)]
mod tests {
    use super::{quoted, quoted_octets};

    #[test]
    fn texts_are_quoted_as_go_does() {
        for (text, expected) in [
            ("a\"\\\n\u{b}\u{1}\u{7f}", r#""a\"\\\n\v\x01\x7f""#),
            ("\u{e4}\u{1f600}\u{301}", "\"\u{e4}\u{1f600}\u{301}\""),
            ("\u{200b}\u{a0}\u{e0001}", r#""\u200b\u00a0\U000e0001""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
        assert_eq!(quoted_octets(&[b'a', 0xe9, 0xff]), r#""a\xe9\xff""#);
    }
}
