//! The CA certificates at hand, and the search for the one that signed a certificate.

use crate::kubernetes::Purpose;
use crate::x509::ReadCertificate;

/// A CA certificate, its purpose, and the file that holds it.
#[derive(Clone, Copy)]
pub(super) struct Authority<'a> {
    pub(super) file: &'a str,
    pub(super) purpose: Purpose,
    pub(super) certificate: &'a ReadCertificate,
}

/// Returns the first of the authorities that signed a leaf.
pub(super) fn issuer_of<'a>(leaf: &ReadCertificate, authorities: &[Authority<'a>]) -> Option<Authority<'a>> {
    authorities.iter().copied().find(|authority| is_issued_by(leaf, authority.certificate))
}

/// Returns whether a CA signed a certificate.
///
/// A signature with a broken hash counts as the CA's, although it cannot be checked: such a signature proves nothing
/// anyway, and the finding about its algorithm says more.
pub(super) fn is_issued_by(certificate: &ReadCertificate, authority: &ReadCertificate) -> bool {
    certificate.is_signed_by(authority).unwrap_or_else(|| certificate.broken_hash().is_some())
}
