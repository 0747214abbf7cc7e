//! What of adopted CAs and keys only a build can check, because it has the seed.

use super::error::{Defect, MakeError};
use crate::adopted::{Adopted, Wanted, wanted};
use crate::keys::{Label, PrivateKey, Seed, derive, engines};
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedKey};
use crate::profile::Profile;
use crate::x509::ReadCertificate;

/// Refuses a profile whose files were not read, and one of whose keys is not at hand.
pub(super) fn check_files(profile: &Profile, adopted: &Adopted) -> Result<(), MakeError> {
    let is_missing = |wanted: &&Wanted| {
        let lacks_certificate = wanted.certificate.is_some() && !adopted.certificates.contains_key(&wanted.id);
        lacks_certificate || (wanted.key.is_some() && !adopted.keys.contains_key(&wanted.id))
    };
    match wanted(profile).iter().find(is_missing) {
        Some(wanted) => Err(MakeError::MissingFile { id: wanted.id.clone() }),
        None => Ok(()),
    }
}

/// Refuses a certificate without a key whose public key is not the derived one. `spki` returns the SubjectPublicKeyInfo
/// of the derived key.
pub(super) fn check_derived<'k>(
    plan: &Plan<'_>,
    adopted: &Adopted,
    spki: impl Fn(&KeyId) -> Option<&'k [u8]>,
) -> Result<(), MakeError> {
    for (id, certificate) in signed_elsewhere(plan, adopted) {
        if spki(id) != Some(certificate.spki_der()) {
            return Err(external(plan, id));
        }
    }
    Ok(())
}

/// Refuses, before a build, a certificate without a key whose public key is not the derived one.
///
/// This derives the keys of the CAs whose certificates were signed elsewhere, and nothing when there are none.
///
/// # Errors
/// Returns [`MakeError::ExternalAuthority`].
pub fn check_derivable(plan: &Plan<'_>, adopted: &Adopted, seed: &Seed) -> Result<(), MakeError> {
    let ids: Vec<_> = signed_elsewhere(plan, adopted).map(|(id, _)| id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let keys = plan.keys.iter().filter(|key| ids.contains(&&key.id));
    let label = |key: &PlannedKey| Label::new(&plan.cluster, &key.id, key.algorithm, key.generation);
    let labels: Vec<_> = keys.map(label).collect();
    let Some(engine) = engines().into_iter().next() else { return Ok(()) };
    let keys = derive(&*engine.test, seed, &labels, None, &|_| {}).map_err(Defect::from)?;
    check_derived(plan, adopted, |id| keys.get(id).map(PrivateKey::spki_der))
}

fn signed_elsewhere<'a>(
    plan: &'a Plan<'_>,
    adopted: &'a Adopted,
) -> impl Iterator<Item = (&'a KeyId, &'a ReadCertificate)> {
    let derived = plan.keys.iter().filter(|key| key.adopted.is_none());
    derived.filter_map(|key| adopted.certificates.get_key_value(&key.id))
}

fn external(plan: &Plan<'_>, id: &KeyId) -> MakeError {
    let below = plan.certificates.iter().filter(|planned| planned.issuer == *id && planned.key != *id);
    MakeError::ExternalAuthority { id: id.clone(), below: below.map(|planned| planned.key.clone()).collect() }
}
