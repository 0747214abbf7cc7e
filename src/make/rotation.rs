//! What a rotation replaces: each CA and key, the one before and the one after.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::derivation::Derivation;
use super::error::{Defect, MakeError};
use crate::adopted::Adopted;
use crate::bundle::{Phase, Rotating, Sha256};
use crate::issue::{Authorities, SerialKey};
use crate::keys::{Label, PrivateKey, Seed, derive};
use crate::kubernetes::KeyId;
use crate::layout::{Public, Replaced, Rotation};
use crate::plan::{PlannedKey, plan};
use crate::profile::Profile;
use crate::x509::ReadCertificate;

/// Returns what the rotation of a profile replaces. Returns `None` for a profile without `previous`.
///
/// `profile` is the profile as it is written, in no phase, and `adopted` what belongs to it.
///
/// # Errors
/// Returns [`MakeError::RotatesToItself`] for a CA or key that is the one before. Any other error is a [`Defect`].
pub fn rotation(
    profile: &Profile,
    seed: &Seed,
    adopted: &Adopted,
    derivation: Derivation<'_>,
) -> Result<Option<Rotation>, MakeError> {
    let rotating = profile.rotating();
    if rotating.is_empty() {
        return Ok(None);
    }
    // In phase 2 the plan has both.
    let (profile, adopted) = (profile.in_phase(2), adopted.in_phase(2, &rotating));
    let plan = plan(&profile);
    let is_needed = |key: &&PlannedKey| {
        let is_of_tokens = matches!(key.id, KeyId::ServiceAccount | KeyId::TrustedServiceAccount);
        (key.id.is_ca() || is_of_tokens) && key.adopted.is_none()
    };
    let labels = plan.keys.iter().filter(is_needed);
    let labels: Vec<_> = labels.map(|key| Label::new(&plan.cluster, &key.id, key.algorithm, key.generation)).collect();
    let Derivation { engine, threads, .. } = derivation;
    let mut keys = derive(engine, seed, &labels, threads, &|_| {}).map_err(Defect::from)?;
    for (id, key) in &adopted.keys {
        keys.insert(id.clone(), Arc::clone(key));
    }
    let serial_key = SerialKey::new(seed.serial_key(&plan.cluster));
    super::adoption::check_derived(&plan, &adopted, |id| keys.get(id).map(PrivateKey::spki_der))?;
    let (_, issued) =
        Authorities::issue(&plan, &keys, &adopted.certificates, &serial_key, engine).map_err(Defect::from)?;
    let public = |id: &KeyId| {
        if let Some(issued) = issued.get(id) {
            let read = ReadCertificate::from_der(issued.der()).ok()?;
            return Some(Public { spki_der: read.spki_der().to_vec(), certificate: Some(issued.pem()) });
        }
        let spki_der = match keys.get(id) {
            Some(key) => key.spki_der().to_vec(),
            None => der::pem::decode_vec(adopted.public_keys.get(id)?.as_bytes()).ok()?.1,
        };
        Some(Public { spki_der, certificate: None })
    };
    let row = |id: &KeyId| Some(Replaced { authority: id.clone(), old: public(&id.trusted()?)?, new: public(id)? });
    let replaced: Vec<_> = rotating.iter().filter_map(row).collect();
    if let Some(same) = replaced.iter().find(|row| row.old.spki_der == row.new.spki_der) {
        return Err(MakeError::RotatesToItself(same.authority.clone()));
    }
    Ok(Some(Rotation { replaced }))
}

/// Returns what the head of a bundle says of a phase of a rotation.
pub(super) fn phase(number: u32, rotation: &Rotation, trust_only: bool) -> Phase {
    let row = |row: &Replaced| Rotating {
        authority: row.authority.clone(),
        from: Sha256::of(&row.old.spki_der),
        to: Sha256::of(&row.new.spki_der),
    };
    Phase { number, rotation: rotation.replaced.iter().map(row).collect(), trust_only: trust_only && number == 1 }
}

/// Returns the profile and what it adopts as they are in each phase of the rotation. Without `previous` there is the
/// profile as it is.
#[must_use]
pub fn in_phases(profile: &Profile, adopted: &Adopted) -> BTreeMap<u32, (Profile, Adopted)> {
    let rotating = profile.rotating();
    let phases: &[u32] = if rotating.is_empty() { &[0] } else { &crate::profile::PHASES };
    let of = |number: &u32| match rotating.is_empty() {
        true => (0, (profile.clone(), adopted.in_phase(0, &[]))),
        false => (*number, (profile.in_phase(*number), adopted.in_phase(*number, &rotating))),
    };
    phases.iter().map(of).collect()
}
