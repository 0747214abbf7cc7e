//! Checks the file of a CA's certificate by itself.

use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use super::authority::{NEWEST_GO, Wish, check_authority, is_intermediate};
use super::error::AdoptFault;
use super::issuers::{self, Issuer};
use crate::go::{GoCertificate, GoRange, GoUsage, GoVersion, VerifyOptions, verify};

use crate::lint::{ClusterFacts, Facts, Severity, lint};
use crate::x509::{KeyAlgorithm, RSA_BITS, ReadCertificate, key_algorithm};

/// A release that takes negative serial numbers, which a renewed certificate has no more.
const BEFORE_SERIALS: GoVersion = GoVersion(22, 0);
/// The rules about what is another in a renewed certificate.
const MENDED: [&str; 3] = ["negative-serial", "signature-algorithm", "metallb-life"];

/// A CA's certificate that was checked by itself.
pub(super) struct CheckedCertificate {
    pub(super) certificate: ReadCertificate,
    pub(super) go: GoCertificate,
    pub(super) algorithm: KeyAlgorithm,
    /// The certificates above an intermediate, up to the root. None of the CA of cert-manager.
    pub(super) issuers: Vec<Issuer>,
}

/// Reads and checks the file of a CA's certificate.
pub(super) fn check(pem: &[u8], wish: &Wish) -> Result<CheckedCertificate, AdoptFault> {
    let mut certificates = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|_| AdoptFault::NoCertificate)?;
        let der = Zeroizing::new(der);
        match kind {
            SectionKind::Certificate => {
                let read = ReadCertificate::from_der(&der);
                certificates.push(read.map_err(|error| AdoptFault::Unreadable(error.to_string()))?);
            }
            SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey | SectionKind::PrivateKey => {
                return Err(AdoptFault::KeyInCertificate);
            }
            _ => {}
        }
    }
    if certificates.is_empty() {
        return Err(AdoptFault::NoCertificate);
    }
    let issuers = certificates.split_off(1);
    let certificate = certificates.remove(0);
    check_authority(&certificate)?;
    let algorithm = check_key(&certificate)?;
    check_signature(&certificate, wish)?;
    check_chain(&certificate, &issuers)?;
    let is_intermediate = is_intermediate(&certificate);
    if is_intermediate && wish.is_renewed {
        return Err(AdoptFault::RenewedIntermediate { issuer: certificate.issuer() });
    }
    if certificate.not_after() < wish.issued_at && !wish.is_renewed {
        return Err(AdoptFault::Ended { not_after: certificate.not_after(), issued_at: wish.issued_at });
    }
    // Whoever signs a request signs it after the profile was written: of an intermediate a warning is enough.
    if certificate.not_before().date() > wish.issued_at.date() && !wish.is_renewed && !is_intermediate {
        let not_before = certificate.not_before();
        return Err(AdoptFault::NotYetValid { not_before, issued_at: wish.issued_at });
    }
    let go = check_go(&certificate, wish)?;
    check_rules(&certificate, wish)?;
    let issuers = match is_intermediate && !wish.is_below_tls {
        true => issuers::check(&certificate, issuers, wish)?,
        false => Vec::new(),
    };
    Ok(CheckedCertificate { certificate, go, algorithm, issuers })
}

fn check_key(certificate: &ReadCertificate) -> Result<KeyAlgorithm, AdoptFault> {
    if let Some(algorithm) = key_algorithm(certificate.spki_der()) {
        return Ok(algorithm);
    }
    Err(match certificate.rsa_bits() {
        Some(bits) if bits < RSA_BITS => AdoptFault::SmallKey { bits },
        Some(bits) => AdoptFault::RsaSize { bits },
        None => AdoptFault::OtherKind(certificate.key_kind()),
    })
}

fn check_signature(certificate: &ReadCertificate, wish: &Wish) -> Result<(), AdoptFault> {
    if let Some(hash) = certificate.broken_hash()
        && !wish.is_renewed
    {
        return Err(AdoptFault::BrokenHash(hash));
    }
    if certificate.serial_is_negative() && !wish.is_renewed {
        return Err(AdoptFault::NegativeSerial);
    }
    let is_self_issued = certificate.issuer_der() == certificate.subject_der();
    // What has an unknown algorithm gets another signature when it is renewed.
    match certificate.is_signed_by(certificate) {
        Some(false) if is_self_issued => Err(AdoptFault::NotSelfSigned),
        None if !wish.is_renewed => Err(AdoptFault::UnknownSignature(certificate.signature_algorithm().to_string())),
        _ => Ok(()),
    }
}

/// Checks that each certificate signed the one before it. Of a signature that cannot be checked here the names count:
/// that it cannot is said later.
fn check_chain(certificate: &ReadCertificate, issuers: &[ReadCertificate]) -> Result<(), AdoptFault> {
    let mut below = certificate;
    for (place, issuer) in issuers.iter().enumerate() {
        let is_named = is_intermediate(below) && below.issuer_der() == issuer.subject_der();
        if !is_named || below.is_signed_by(issuer) == Some(false) {
            return Err(AdoptFault::WrongOrder { number: place + 2 });
        }
        below = issuer;
    }
    Ok(())
}

/// Checks that Go reads the CA and knows what is critical in it: the releases that built the cluster's Kubernetes, and the
/// newest.
fn check_go(certificate: &ReadCertificate, wish: &Wish) -> Result<GoCertificate, AdoptFault> {
    let minor = wish.kubernetes.minor;
    let own = GoRange::of_kubernetes(minor);
    let version = |version: GoVersion| if wish.is_renewed { version.min(BEFORE_SERIALS) } else { version };
    for own in [own.oldest, own.newest] {
        ask_go(certificate, version(own), Some(minor))?;
    }
    ask_go(certificate, version(NEWEST_GO), None)
}

/// Asks a release of Go, which built a minor version of Kubernetes, or later ones.
fn ask_go(
    certificate: &ReadCertificate,
    version: GoVersion,
    kubernetes: Option<u32>,
) -> Result<GoCertificate, AdoptFault> {
    let refused =
        |error: crate::go::GoError| AdoptFault::Go { go: version.to_string(), kubernetes, reason: error.to_string() };
    let go = GoCertificate::parse(certificate.der(), version).map_err(refused)?;
    // A trusted certificate is its own chain, of which its dates and extensions are looked at.
    let options = VerifyOptions { at: certificate.not_after(), usage: GoUsage::Any, host: None, go: version };
    verify(&go, &[], std::slice::from_ref(&go), &options).map_err(refused)?;
    Ok(go)
}

fn check_rules(certificate: &ReadCertificate, wish: &Wish) -> Result<(), AdoptFault> {
    let facts = Facts {
        certificate,
        purpose: wish.purpose,
        issuer: None,
        node: None,
        service: None,
        cluster: ClusterFacts::default(),
        needed_at: &[wish.issued_at],
    };
    let is_mended = |id: &str| wish.is_renewed && MENDED.contains(&id);
    let mut breaches = lint(&facts).into_iter().filter(|breach| !is_mended(breach.rule.id));
    match breaches.find(|breach| breach.rule.severity == Severity::Error) {
        Some(breach) => Err(AdoptFault::Rule { rule: breach.rule.id, detail: breach.detail }),
        None => Ok(()),
    }
}
