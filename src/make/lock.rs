//! Makes the lock of a build.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bundle::{Hex, Index, Sha256, Written};
use crate::keys::Seed;
use crate::kubernetes::KeyId;
use crate::lock::{
    CertificateShape, Formats, Lock, LockedAdoption, LockedCertificate, LockedKey, LockedPart, Shapes, Texts,
};
use crate::plan::{Plan, PlannedCertificate, Recipient};
use crate::profile::Profile;
use crate::sign::PublicKey;

use super::recipients::Pins;

/// The results of a build from which its lock is made.
pub(super) struct Built<'a> {
    pub(super) plan: &'a Plan<'a>,
    /// The lock of the build before, which shares what did not change.
    pub(super) old: Option<&'a Lock>,
    /// The recipients of the plan, in the order of the archive.
    pub(super) recipients: &'a [Recipient<'a>],
    pub(super) profile: &'a Profile,
    pub(super) seed: &'a Seed,
    pub(super) traces: &'a BTreeMap<KeyId, Trace>,
    pub(super) signer: &'a PublicKey,
    pub(super) index: &'a Index,
    pub(super) written: &'a Written,
    pub(super) sealed_to: Pins<'a>,
}

/// What a lock keeps of a key and its certificate. The two themselves take ten times the room.
pub(super) struct Trace {
    pub(super) spki_sha256: Sha256,
    /// The serial number and the SHA-256 of the certificate, if the key has one. A certificate that is adopted as it is
    /// has no serial number of ours.
    pub(super) certificate: Option<(Option<Hex<16>>, Sha256)>,
}

/// Returns the lock of a build, but for the hash of the content, which is known once the bundle is read back.
pub(super) fn lock(built: &Built<'_>) -> Lock {
    let plan = built.plan;
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    let (shapes, mut texts) = (Shapes::of_plan(plan), Texts::default());
    let old = built.old.map(|lock| lock.certificates.as_slice()).unwrap_or_default();
    // In a lock that somebody has put into another order some are not found, and nothing is shared with them.
    let locked = |id: &KeyId| old.get(old.binary_search_by(|row| row.id.cmp(id)).ok()?);
    for planned in &plan.keys {
        let id = &planned.id;
        let (Some(trace), Some(shape)) = (built.traces.get(id), shapes.get(id)) else { continue };
        keys.push(texts.key(LockedKey {
            id: id.clone(),
            algorithm: shape.key.algorithm,
            generation: shape.key.generation,
            spki_sha256: trace.spki_sha256,
        }));
        let (Some((serial, certificate_sha256)), Some(mut shape)) = (trace.certificate, shape.certificate) else {
            continue;
        };
        if let Some(before) = locked(id) {
            take_equal(&mut shape.subject, &before.subject);
            take_equal(&mut shape.alt_names, &before.alt_names);
        }
        certificates.push(texts.certificate(locked_certificate(id, shape, serial, certificate_sha256)));
    }
    certificates.extend(only_trusted(plan, &shapes));
    let before = built.old.map(|lock| lock.parts.as_slice()).unwrap_or_default();
    let before: BTreeMap<_, _> = before.iter().map(|row| (&row.part, row)).collect();
    let parts = built.index.parts.iter().zip(built.recipients).map(|((part, record), recipient)| {
        let files = plan.outlines(*recipient);
        let same = before.get(part).filter(|before| *before.files == files);
        let row = |files| LockedPart {
            part: part.clone(),
            generation: plan.generation,
            record_sha256: *record,
            profile_sha256: None,
            sealed_to: built.sealed_to.of(part, before.get(part).copied()),
            files,
        };
        same.map_or_else(|| texts.part(row(Arc::new(files))), |before| row(Arc::clone(&before.files)))
    });
    keys.sort_by(|left, right| left.id.cmp(&right.id));
    certificates.sort_by(|left, right| left.id.cmp(&right.id));
    Lock {
        format: 1,
        made_with: concat!("certferry ", env!("CARGO_PKG_VERSION")).to_owned(),
        cluster: plan.cluster.clone(),
        cluster_id: built.seed.cluster_id(&plan.cluster),
        seed_id: built.seed.id(),
        signer: built.signer.fingerprint().to_string(),
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        profile_sha256: Hex(built.profile.sha256).to_string(),
        content_sha256: String::new(),
        bundle_sha256: built.written.file_sha256.to_string(),
        formats: Formats::CURRENT,
        adopted: adopted_of(plan),
        rotation: built.index.head.phase.as_ref().map(|phase| phase.rotation.clone()).unwrap_or_default(),
        phases: Vec::new(),
        parts: parts.collect(),
        keys,
        certificates,
    }
}

/// Returns the row of a certificate of that shape.
fn locked_certificate(
    id: &KeyId,
    shape: CertificateShape,
    serial: Option<Hex<16>>,
    certificate_sha256: Sha256,
) -> LockedCertificate {
    LockedCertificate {
        id: id.clone(),
        subject: shape.subject,
        issuer: shape.issuer,
        usages: shape.usages,
        alt_names: shape.alt_names,
        constraints: shape.constraints,
        issued_at: shape.issued_at,
        not_before: shape.not_before,
        not_after: shape.not_after,
        serial,
        certificate_sha256,
    }
}

/// Returns the rows of CAs that are only trusted, and whose key is not here.
fn only_trusted(plan: &Plan<'_>, shapes: &Shapes<'_>) -> Vec<LockedCertificate> {
    let has_key = |id: &KeyId| plan.keys.iter().any(|key| key.id == *id);
    let authorities = plan.certificates.iter().filter(|planned| planned.is_ca && !has_key(&planned.key));
    let row = |planned: &PlannedCertificate| {
        let (existing, shape) = (planned.existing.as_ref()?, shapes.get(&planned.key)?.certificate?);
        Some(locked_certificate(&planned.key, shape, None, Hex(existing.sha256)))
    };
    authorities.filter_map(row).collect()
}

/// Returns what a lock keeps of the files of adopted CAs and keys, by id.
pub(super) fn adopted_of(plan: &Plan<'_>) -> Vec<LockedAdoption> {
    let mut rows: BTreeMap<&KeyId, LockedAdoption> = BTreeMap::new();
    let row = |id: &KeyId| LockedAdoption { id: id.clone(), spki_sha256: None, certificate_sha256: None };
    for key in &plan.keys {
        if let Some(spki_sha256) = key.adopted.as_deref() {
            rows.entry(&key.id).or_insert_with(|| row(&key.id)).spki_sha256 = Some(Hex(*spki_sha256));
        }
    }
    for planned in plan.certificates.iter().filter(|planned| planned.is_ca) {
        if let Some(existing) = &planned.existing {
            let row = rows.entry(&planned.key).or_insert_with(|| row(&planned.key));
            row.certificate_sha256 = Some(Hex(existing.sha256));
        }
    }
    rows.into_values().collect()
}

/// Takes another copy that is equal, so that one of both is enough.
fn take_equal<T: PartialEq + ?Sized>(copy: &mut Arc<T>, other: &Arc<T>) {
    if copy == other {
        *copy = Arc::clone(other);
    }
}
