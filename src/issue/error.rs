//! Why a certificate could not be issued.

use thiserror::Error;

use crate::kubernetes::KeyId;
use crate::lint::Breach;

/// Why a certificate could not be issued. No checked profile leads to any of these, so each is a defect of this
/// program.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The plan names a key that was not derived.
    #[error("the key {0} was not derived")]
    MissingKey(KeyId),
    /// The plan adopts a certificate that is not there.
    #[error("the certificate of {0} is adopted and not there")]
    MissingCertificate(KeyId),
    /// The issuer of a certificate is not a CA of the plan, or a CA that comes after it.
    #[error("the issuer of {0} is no CA of the plan, or comes after it")]
    MissingIssuer(KeyId),
    /// The certificate could not be encoded; the text is the reason.
    #[error("{0} cannot be encoded: {1}")]
    Encoding(KeyId, String),
    /// The certificate would break a rule, and was not signed.
    #[error("{0} would break the rule {id}: {detail}", id = .1.rule.id, detail = .1.detail)]
    Rule(KeyId, Breach),
    /// The certificate is not what was planned in this respect, or its signature does not verify.
    #[error("{0} is not what was asked for: {1}")]
    Check(KeyId, &'static str),
}
