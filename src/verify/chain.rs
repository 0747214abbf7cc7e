//! Checks a leaf under its CA, with webpki.

use std::fmt::{Debug, Formatter, Result as FormatResult};
use std::time::Duration;

use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, UnixTime,
};
use time::OffsetDateTime;
use webpki::ring::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    RSA_PSS_2048_8192_SHA384_LEGACY_KEY, RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{AlreadyVerified, Fault};
use crate::x509::{RSA_BITS, ReadCertificate, oid};

/// The signature algorithms that Go accepts as well (crypto/x509 `SignatureAlgorithm`).
static ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 11] = [
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

/// Returns whether webpki accepts a leaf under a CA, including its signature.
///
/// Also returns false when webpki is not asked. [`issuer_of`](super::authority::issuer_of) and [`leaf_faults`] then
/// find out more.
pub(super) fn verifies(leaf: &ReadCertificate, issuer: &ReadCertificate, known: &AlreadyVerified) -> bool {
    let same_name = leaf.issuer_der() == issuer.subject_der();
    same_name
        && is_for_webpki(leaf, issuer)
        && meant(leaf).next().is_some()
        && leaf_faults(leaf, issuer, known).is_empty()
}

/// Returns what webpki finds wrong with a leaf under the CA that signed it. Breaches of our rules are not among it.
pub(super) fn leaf_faults(leaf: &ReadCertificate, issuer: &ReadCertificate, known: &AlreadyVerified) -> Vec<Fault> {
    if !is_for_webpki(leaf, issuer) {
        return Vec::new();
    }
    let fault = |(usage, webpki_usage)| {
        verify(leaf, issuer, webpki_usage, known).err().map(|reason| Fault::Chain { usage, reason })
    };
    meant(leaf).filter_map(fault).collect()
}

/// Returns whether to ask webpki. It would also refuse what the rules refuse here, but with a less helpful message.
fn is_for_webpki(leaf: &ReadCertificate, issuer: &ReadCertificate) -> bool {
    let too_small = issuer.rsa_bits().is_some_and(|bits| bits < RSA_BITS);
    leaf.broken_hash().is_none() && !too_small && !leaf.is_ca()
}

/// Returns the usages for which a leaf must verify, each with its name.
fn meant(leaf: &ReadCertificate) -> impl Iterator<Item = (&'static str, KeyUsage)> {
    let usages = [
        (oid::SERVER_AUTH, "serverAuth", KeyUsage::server_auth()),
        (oid::CLIENT_AUTH, "clientAuth", KeyUsage::client_auth()),
    ];
    let is_meant = |usage| leaf.usages().is_empty() || leaf.usages().contains(&usage);
    usages.into_iter().filter_map(move |(oid, usage, webpki)| is_meant(oid).then_some((usage, webpki)))
}

/// Returns the fault of a certificate that has expired or is not yet valid at a time.
pub(super) fn time_fault(certificate: &ReadCertificate, at: OffsetDateTime) -> Option<Fault> {
    if at > certificate.not_after() {
        return Some(Fault::Expired { not_after: certificate.not_after() });
    }
    (at < certificate.not_before()).then(|| Fault::NotYetValid { not_before: certificate.not_before() })
}

/// Verifies the chain at the last second of the leaf, because [`time_fault`] checks the requested time.
fn verify(
    leaf: &ReadCertificate,
    issuer: &ReadCertificate,
    usage: KeyUsage,
    known: &AlreadyVerified,
) -> Result<(), String> {
    let algorithms = ALGORITHMS.map(|algorithm| Remembering { algorithm, known });
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
        algorithms.iter().map(|algorithm| algorithm as _).collect();
    let (leaf_der, issuer_der) = (CertificateDer::from(leaf.der()), CertificateDer::from(issuer.der()));
    let anchor = anchor_from_trusted_cert(&issuer_der).map_err(|error| error.to_string())?;
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(|error| error.to_string())?;
    let seconds = u64::try_from(leaf.not_after().unix_timestamp()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    end_entity
        .verify_for_usage(&algorithms, &[anchor], &[], at, usage, None, None)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// A signature algorithm that skips the check of signatures that are known to hold.
struct Remembering<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    known: &'a AlreadyVerified,
}

impl Debug for Remembering<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        self.algorithm.fmt(formatter)
    }
}

impl SignatureVerificationAlgorithm for Remembering<'_> {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        if self.known.is_verified(public_key, message, signature) {
            return Ok(());
        }
        self.algorithm.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}
