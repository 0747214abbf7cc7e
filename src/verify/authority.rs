//! CA certificates at hand, and which of them signed a certificate.

use crate::kubernetes::Purpose;
use crate::x509::ReadCertificate;

/// A CA certificate and the file it is in.
#[derive(Clone, Copy)]
pub(super) struct Authority<'a> {
    pub(super) file: &'a str,
    pub(super) purpose: Purpose,
    pub(super) certificate: &'a ReadCertificate,
}

/// The CA certificate that signed a leaf.
pub(super) fn issuer_of<'a>(leaf: &ReadCertificate, authorities: &[Authority<'a>]) -> Option<Authority<'a>> {
    authorities.iter().copied().find(|authority| is_issued_by(leaf, authority.certificate))
}

/// Whether a CA signed a certificate. A broken signature that cannot be checked counts: it is worth nothing either way,
/// and its algorithm is what must be said about it.
pub(super) fn is_issued_by(certificate: &ReadCertificate, authority: &ReadCertificate) -> bool {
    certificate.is_signed_by(authority).unwrap_or_else(|| certificate.broken_hash().is_some())
}
