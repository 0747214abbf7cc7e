//! What a CA and each of its issuers must be, and what the profile wants of them.

use time::OffsetDateTime;

use super::error::AdoptFault;
use crate::go::GoVersion;
use crate::kubernetes::{Purpose, Version};
use crate::x509::ReadCertificate;

/// The newest release of Go that is known. What it takes, older ones may refuse: those of the cluster are asked as well.
pub(super) const NEWEST_GO: GoVersion = GoVersion(26, 0);

/// What the profile wants of a certificate.
pub(super) struct Wish {
    /// Whether it is made anew with another end.
    pub(super) is_renewed: bool,
    /// The day from which the cluster's validity counts.
    pub(super) issued_at: OffsetDateTime,
    /// The version of Kubernetes.
    pub(super) kubernetes: Version,
    /// What the CA is for.
    pub(super) purpose: Purpose,
    /// Whether the CA is that of cert-manager, whose issuer is the CA of `[ca.tls]` and stands in a file of its own.
    pub(super) is_below_tls: bool,
}

/// Returns whether another CA has signed a CA.
pub(super) fn is_intermediate(certificate: &ReadCertificate) -> bool {
    certificate.issuer_der() != certificate.subject_der()
}

/// Checks that a certificate is that of a CA that may sign certificates.
pub(super) fn check_authority(certificate: &ReadCertificate) -> Result<(), AdoptFault> {
    if !certificate.is_ca() {
        return Err(AdoptFault::NotACa);
    }
    if !certificate.is_version_3() {
        return Err(AdoptFault::OldVersion);
    }
    if certificate.has_unique_identifiers() {
        return Err(AdoptFault::UniqueIdentifiers);
    }
    match certificate.key_usage() {
        Some(usage) if !usage.key_cert_sign() => Err(AdoptFault::NoCertSign),
        _ => Ok(()),
    }
}
