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

/// The most CAs of one name whose signature is looked for on a certificate, which no cluster has and one file can hold.
/// Go has such a bound, too (crypto/x509 v1.15, verify.go `maxChainSignatureChecks`).
pub(super) const MOST_OF_A_NAME: usize = 100;

/// Returns the first of the authorities that signed a leaf.
pub(super) fn issuer_of<'a>(leaf: &ReadCertificate, authorities: &[Authority<'a>]) -> Option<Authority<'a>> {
    named(leaf, authorities).find(|authority| is_issued_by(leaf, authority.certificate))
}

/// Returns the authorities that a certificate names as its issuer. If they are too many, those whose key it names come
/// first, and the last are left out.
pub(super) fn named<'a>(leaf: &ReadCertificate, authorities: &[Authority<'a>]) -> impl Iterator<Item = Authority<'a>> {
    let is_named = |authority: &Authority<'_>| leaf.issuer_der() == authority.certificate.subject_der();
    let mut named: Vec<_> = authorities.iter().copied().filter(is_named).collect();
    if named.len() > MOST_OF_A_NAME {
        let key = leaf.authority_key_identifier();
        named.sort_by_key(|authority| key.is_none() || authority.certificate.subject_key_identifier() != key);
    }
    named.into_iter().take(MOST_OF_A_NAME)
}

/// Returns whether a CA signed a certificate.
///
/// A signature with a broken hash counts as the CA's, although it cannot be checked: such a signature proves nothing
/// anyway, and the finding about its algorithm says more.
pub(super) fn is_issued_by(certificate: &ReadCertificate, authority: &ReadCertificate) -> bool {
    certificate.is_signed_by(authority).unwrap_or_else(|| certificate.broken_hash().is_some())
}
