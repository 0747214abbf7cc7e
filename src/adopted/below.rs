//! Checks what a plan has below an adopted CA against the CA's limits.

use std::collections::BTreeSet;

use der::asn1::ObjectIdentifier;

use super::authority::NEWEST_GO;
use super::certificate::CheckedCertificate;
use super::error::AdoptFault;
use super::issuers::check_path;
use crate::go::GoCertificate;
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedCertificate};
use crate::profile::CertManager;
use crate::x509::{ExtendedKeyUsage, ReadCertificate, oid};

/// Returns the first limit of a CA, or of an issuer above it, that what is planned below would break.
pub(super) fn check(plan: &Plan<'_>, id: &KeyId, checked: &CheckedCertificate) -> Result<(), AdoptFault> {
    let CheckedCertificate { certificate, go, issuers, .. } = checked;
    let Some(own) = plan.certificates.iter().find(|planned| planned.key == *id) else { return Ok(()) };
    let is_below = |planned: &&PlannedCertificate| planned.issuer == *id && planned.key != *id;
    let all = || plan.certificates.iter().filter(is_below);
    check_dates(own, all)?;
    // What the CA itself has signed says nothing about what may be made below it.
    let below = || all().filter(|planned| planned.existing.is_none());
    if certificate.path_length() == Some(0)
        && let Some(authority) = all().find(|planned| planned.is_ca)
    {
        return Err(AdoptFault::PathLength(authority.key.clone()));
    }
    check_permits(certificate, go, below())?;
    for issuer in issuers {
        let fault = |fault| issuer.fault(fault);
        // Between the issuer and a leaf are the CAs before it in the file, and perhaps one that is planned.
        let count = issuer.number - 1 + usize::from(all().any(|planned| planned.is_ca));
        check_path(&issuer.certificate, count).map_err(fault)?;
        check_end(&issuer.certificate, all()).map_err(fault)?;
        check_permits(&issuer.certificate, &issuer.go, below()).map_err(fault)?;
    }
    Ok(())
}

/// Checks the usages and names of what is planned below a CA.
fn check_permits<'p>(
    certificate: &ReadCertificate,
    go: &GoCertificate,
    below: impl Iterator<Item = &'p PlannedCertificate>,
) -> Result<(), AdoptFault> {
    let limited = certificate.usages();
    let is_limited = !limited.is_empty() && !limited.contains(&oid::ANY_EXTENDED_KEY_USAGE);
    let below: Vec<_> = below.collect();
    for planned in below.iter().filter(|_| is_limited) {
        if let Some(usage) = planned.usages.iter().find(|usage| !limited.contains(&usage.oid())) {
            return Err(AdoptFault::Usage { id: planned.key.clone(), usage: usage.to_string() });
        }
    }
    for planned in below {
        for name in &planned.alt_names {
            if let Err(error) = go.check_permits(&name.to_string(), NEWEST_GO) {
                return Err(AdoptFault::NotPermitted { id: planned.key.clone(), reason: error.to_string() });
            }
        }
    }
    Ok(())
}

/// Checks that nothing below an issuer outlives it. Go would look no further than the CA, but OpenSSL and browsers ask the
/// issuers, too.
fn check_end<'p>(
    issuer: &ReadCertificate,
    below: impl Iterator<Item = &'p PlannedCertificate>,
) -> Result<(), AdoptFault> {
    let not_after = issuer.not_after();
    let outliving: Vec<_> = below.filter(|planned| planned.validity.not_after > not_after).collect();
    match outliving.first() {
        Some(first) => Err(AdoptFault::EndsBefore { not_after, first: first.key.clone(), count: outliving.len() }),
        None => Ok(()),
    }
}

/// Checks that the intermediate of cert-manager is below the CA of `[ca.tls]`, and that one which was signed on request has
/// the limits of the request: whoever signed it may have left them out, and nothing else would keep them.
pub(super) fn check_intermediate(
    cert_manager: &CertManager,
    certificate: &ReadCertificate,
    root: Option<&ReadCertificate>,
) -> Result<(), AdoptFault> {
    let Some(root) = root else { return Err(AdoptFault::NotBelowTls) };
    if certificate.spki_der() == root.spki_der() {
        return Err(AdoptFault::SameAsTls);
    }
    if certificate.is_signed_by(root) != Some(true) {
        return Err(AdoptFault::NotBelowTls);
    }
    let identifiers = certificate.authority_key_identifier().zip(root.subject_key_identifier());
    if identifiers.is_some_and(|(named, own)| named != own) {
        return Err(AdoptFault::OtherIssuerKey);
    }
    let permitted = &cert_manager.permitted;
    let is_own = cert_manager.ca.adoption.as_ref().is_some_and(|adoption| adoption.key.is_some());
    // A key of one's own comes with the certificate that it had before. Of names the profile need not say anything.
    if is_own && permitted.domains.is_empty() && permitted.ranges.is_empty() {
        return Ok(());
    }
    let no_address = !permitted.domains.is_empty() && permitted.ranges.is_empty();
    let excluded = if no_address { NO_ADDRESS.map(str::to_owned).to_vec() } else { Vec::new() };
    same("permitted names (nameConstraints)", certificate.permitted_names(), &permitted.labelled())?;
    same("excluded names (nameConstraints)", certificate.excluded_names(), &excluded)?;
    if is_own {
        return Ok(());
    }
    let found: Vec<_> = certificate.usages().iter().map(|usage| usage_name(usage, &cert_manager.usages)).collect();
    let wanted: Vec<_> = cert_manager.usages.iter().map(ToString::to_string).collect();
    same("extended key usages", &found, &wanted)?;
    match certificate.path_length() {
        Some(0) => Ok(()),
        found => Err(AdoptFault::NotAsRequested {
            what: "path length",
            found: found.map_or_else(|| "none".to_owned(), |length| length.to_string()),
            wanted: "0".to_owned(),
        }),
    }
}

/// What a request excludes that permits DNS domains alone.
const NO_ADDRESS: [&str; 2] = ["IP:0.0.0.0/0", "IP:::/0"];

fn usage_name(usage: &ObjectIdentifier, known: &[ExtendedKeyUsage]) -> String {
    known.iter().find(|known| known.oid() == *usage).map_or_else(|| usage.to_string(), ToString::to_string)
}

/// Compares lists whose order says nothing.
fn same(what: &'static str, found: &[String], wanted: &[String]) -> Result<(), AdoptFault> {
    let set = |list: &[String]| list.iter().map(|text| text.to_ascii_lowercase()).collect::<BTreeSet<_>>();
    if set(found) == set(wanted) {
        return Ok(());
    }
    let said = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    Err(AdoptFault::NotAsRequested { what, found: said(found), wanted: said(wanted) })
}

fn check_dates<'p, Below>(own: &PlannedCertificate, below: impl Fn() -> Below) -> Result<(), AdoptFault>
where
    Below: Iterator<Item = &'p PlannedCertificate>,
{
    let (not_before, not_after) = (own.validity.not_before, own.validity.not_after);
    let outlives = |planned: &&PlannedCertificate| planned.validity.not_after > not_after;
    if let Some(first) = below().find(outlives) {
        let count = below().filter(outlives).count();
        let is_there = first.existing.is_some();
        return Err(AdoptFault::Outlived { not_after, first: first.key.clone(), is_there, count });
    }
    match below().find(|planned| planned.validity.not_after <= not_before) {
        Some(first) => Err(AdoptFault::BeginsLate { not_before, first: first.key.clone() }),
        None => Ok(()),
    }
}
