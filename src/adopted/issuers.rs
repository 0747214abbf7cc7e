//! Checks the certificates above an intermediate, which clients of its servers follow up to a root.

use time::OffsetDateTime;

use super::authority::{NEWEST_GO, Wish, check_authority, is_intermediate};
use super::error::AdoptFault;
use crate::go::{GoCertificate, GoRange, GoUsage, GoVersion, VerifyOptions, verify};
use crate::x509::{RSA_BITS, ReadCertificate};

/// The most issuers of one CA. webpki follows six intermediates at most (0.103, verify_cert.rs `MAX_SUB_CA_COUNT`), of
/// which cert-manager's may be one.
const MOST: usize = 5;

/// A certificate above an intermediate.
pub(super) struct Issuer {
    /// The position in the file, counted from 1.
    pub(super) number: usize,
    pub(super) certificate: ReadCertificate,
    pub(super) go: GoCertificate,
}

impl Issuer {
    /// Returns what is wrong with the file when something is wrong with this issuer.
    pub(super) fn fault(&self, fault: AdoptFault) -> AdoptFault {
        about(self.number, &self.certificate, fault)
    }
}

fn about(number: usize, issuer: &ReadCertificate, fault: AdoptFault) -> AdoptFault {
    AdoptFault::Issuer { number, subject: issuer.subject(), fault: Box::new(fault) }
}

/// Checks the issuers of an intermediate, which are in order: `certificate.rs` has seen to that.
///
/// They have to reach a root, because OpenSSL, and Python before 3.13, verify a server only up to a certificate that
/// signed itself.
pub(super) fn check(
    certificate: &ReadCertificate,
    above: Vec<ReadCertificate>,
    wish: &Wish,
) -> Result<Vec<Issuer>, AdoptFault> {
    if above.len() > MOST {
        return Err(AdoptFault::ManyIssuers { count: above.len(), most: MOST });
    }
    let last = above.last().unwrap_or(certificate);
    if is_intermediate(last) {
        return Err(AdoptFault::Incomplete { issuer: last.issuer() });
    }
    let mut issuers = Vec::new();
    for (place, issuer) in above.into_iter().enumerate() {
        let number = place + 2;
        let go = check_issuer(&issuer, place + 1, wish).map_err(|fault| about(number, &issuer, fault))?;
        issuers.push(Issuer { number, certificate: issuer, go });
    }
    check_go(certificate, &issuers, wish)?;
    Ok(issuers)
}

/// Checks one issuer, below which there are `count` CAs.
fn check_issuer(issuer: &ReadCertificate, count: usize, wish: &Wish) -> Result<GoCertificate, AdoptFault> {
    check_authority(issuer)?;
    if let Some(bits) = issuer.rsa_bits().filter(|bits| *bits < RSA_BITS) {
        return Err(AdoptFault::SmallKey { bits });
    }
    // Nobody checks what a root says of itself.
    if is_intermediate(issuer) {
        if let Some(hash) = issuer.broken_hash() {
            return Err(AdoptFault::BrokenHash(hash));
        }
    } else if issuer.is_signed_by(issuer) == Some(false) {
        return Err(AdoptFault::NotSelfSigned);
    }
    if issuer.not_after() < wish.issued_at {
        return Err(AdoptFault::Ended { not_after: issuer.not_after(), issued_at: wish.issued_at });
    }
    check_path(issuer, count)?;
    let refused = |error: crate::go::GoError| refusal(NEWEST_GO, None, &error);
    GoCertificate::parse(issuer.der(), NEWEST_GO).map_err(refused)
}

/// Checks whether an issuer may have so many CAs below it.
pub(super) fn check_path(issuer: &ReadCertificate, count: usize) -> Result<(), AdoptFault> {
    match issuer.path_length() {
        Some(length) if usize::from(length) < count => Err(AdoptFault::ShortPath { length, count }),
        _ => Ok(()),
    }
}

/// Checks that Go follows the issuers from the CA to the root: the releases that built the cluster's Kubernetes, and the
/// newest.
fn check_go(certificate: &ReadCertificate, issuers: &[Issuer], wish: &Wish) -> Result<(), AdoptFault> {
    let minor = wish.kubernetes.minor;
    let own = GoRange::of_kubernetes(minor);
    let begins = issuers.iter().map(|issuer| issuer.certificate.not_before());
    let at = begins.chain([certificate.not_before(), wish.issued_at]).max().unwrap_or(wish.issued_at);
    for (version, kubernetes) in [(own.oldest, Some(minor)), (own.newest, Some(minor)), (NEWEST_GO, None)] {
        ask(certificate, issuers, at, version).map_err(|error| refusal(version, kubernetes, &error))?;
    }
    Ok(())
}

fn ask(
    certificate: &ReadCertificate,
    issuers: &[Issuer],
    at: OffsetDateTime,
    go: GoVersion,
) -> Result<(), crate::go::GoError> {
    let read = |certificate: &ReadCertificate| GoCertificate::parse(certificate.der(), go);
    let mut above = issuers.iter().map(|issuer| read(&issuer.certificate)).collect::<Result<Vec<_>, _>>()?;
    let Some(root) = above.pop() else { return Ok(()) };
    let options = VerifyOptions { at, usage: GoUsage::Any, host: None, go };
    verify(&read(certificate)?, &above, &[root], &options).map(|_| ())
}

fn refusal(go: GoVersion, kubernetes: Option<u32>, error: &crate::go::GoError) -> AdoptFault {
    AdoptFault::Go { go: go.to_string(), kubernetes, reason: error.to_string() }
}
