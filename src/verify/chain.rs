//! A leaf under its CA, by webpki.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use time::OffsetDateTime;
use webpki::ring::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    RSA_PSS_2048_8192_SHA384_LEGACY_KEY, RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::Fault;
use super::judge::Authority;
use crate::x509::{RSA_BITS, ReadCertificate, oid};

/// What Go takes as well (crypto/x509 `SignatureAlgorithm`).
static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    RSA_PKCS1_2048_8192_SHA256,
    ECDSA_P256_SHA256,
    ECDSA_P384_SHA384,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512,
    ECDSA_P256_SHA384,
    ECDSA_P384_SHA256,
    ED25519,
    RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// What is wrong with a leaf under the CA that signed it, besides what the rules say.
pub(super) fn leaf_faults(leaf: &ReadCertificate, issuer: &ReadCertificate) -> Vec<Fault> {
    let too_small = issuer.rsa_bits().is_some_and(|bits| bits < RSA_BITS);
    if leaf.broken_hash().is_some() || too_small || leaf.is_ca() {
        return Vec::new();
    }
    let usages = [
        (oid::SERVER_AUTH, "serverAuth", KeyUsage::server_auth()),
        (oid::CLIENT_AUTH, "clientAuth", KeyUsage::client_auth()),
    ];
    let meant = usages.into_iter().filter(|(usage, ..)| leaf.usages().is_empty() || leaf.usages().contains(usage));
    let fault = |(_, usage, webpki_usage)| {
        verify(leaf, issuer, webpki_usage).err().map(|reason| Fault::Chain { usage, reason })
    };
    meant.filter_map(fault).collect()
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

/// What is wrong with a CA certificate by itself, besides what the rules say.
pub(super) fn authority_faults(authority: &ReadCertificate, at: OffsetDateTime) -> Vec<Fault> {
    let mut faults: Vec<_> = time_fault(authority, at).into_iter().collect();
    if !is_issued_by(authority, authority) {
        faults.push(Fault::UnknownAuthority { issuer: authority.issuer() });
    }
    faults
}

/// Whether a certificate is out of its time.
pub(super) fn time_fault(certificate: &ReadCertificate, at: OffsetDateTime) -> Option<Fault> {
    if at > certificate.not_after() {
        return Some(Fault::Expired { not_after: certificate.not_after() });
    }
    (at < certificate.not_before()).then(|| Fault::NotYetValid { not_before: certificate.not_before() })
}

/// The chain at the leaf's last second; the time asked for is a check of its own.
fn verify(leaf: &ReadCertificate, issuer: &ReadCertificate, usage: KeyUsage) -> Result<(), String> {
    let (leaf_der, issuer_der) = (CertificateDer::from(leaf.der()), CertificateDer::from(issuer.der()));
    let anchor = anchor_from_trusted_cert(&issuer_der).map_err(|error| error.to_string())?;
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(|error| error.to_string())?;
    let seconds = u64::try_from(leaf.not_after().unix_timestamp()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    end_entity
        .verify_for_usage(ALGORITHMS, &[anchor], &[], at, usage, None, None)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
