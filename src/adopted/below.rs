//! Checks what a plan has below an adopted CA against the CA's limits.

use super::certificate::NEWEST_GO;
use super::error::AdoptFault;
use crate::go::GoCertificate;
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedCertificate};
use crate::x509::{ReadCertificate, oid};

/// Returns the first limit of a CA that what is planned below it would break.
pub(super) fn check(
    plan: &Plan<'_>,
    id: &KeyId,
    certificate: &ReadCertificate,
    go: &GoCertificate,
) -> Result<(), AdoptFault> {
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
    let limited = certificate.usages();
    if !limited.is_empty() && !limited.contains(&oid::ANY_EXTENDED_KEY_USAGE) {
        for planned in below() {
            if let Some(usage) = planned.usages.iter().find(|usage| !limited.contains(&usage.oid())) {
                return Err(AdoptFault::Usage { id: planned.key.clone(), usage: usage.to_string() });
            }
        }
    }
    for planned in below() {
        for name in &planned.alt_names {
            if let Err(error) = go.check_permits(&name.to_string(), NEWEST_GO) {
                return Err(AdoptFault::NotPermitted { id: planned.key.clone(), reason: error.to_string() });
            }
        }
    }
    Ok(())
}

fn check_dates<'p, Below>(own: &PlannedCertificate, below: impl Fn() -> Below) -> Result<(), AdoptFault>
where
    Below: Iterator<Item = &'p PlannedCertificate>,
{
    let (not_before, not_after) = (own.validity.not_before, own.validity.not_after);
    let outlives = |planned: &&PlannedCertificate| planned.validity.not_after > not_after;
    if let Some(first) = below().find(outlives) {
        let count = below().filter(outlives).count();
        return Err(AdoptFault::Outlived { not_after, first: first.key.clone(), count });
    }
    match below().find(|planned| planned.validity.not_after <= not_before) {
        Some(first) => Err(AdoptFault::BeginsLate { not_before, first: first.key.clone() }),
        None => Ok(()),
    }
}
