//! Makes the lock of a build.

use std::borrow::Cow;

use crate::bundle::{Index, Sha256, Written};
use crate::issue::Issued;
use crate::keys::{KeyRing, Seed};
use crate::lock::{Formats, Lock, LockedCertificate, LockedKey, LockedPart, outlines_of_plan, shapes_of_plan};
use crate::plan::Plan;
use crate::profile::Profile;
use crate::sign::PublicKey;

/// The results of a build from which its lock is made.
pub(super) struct Built<'a> {
    pub(super) plan: &'a Plan,
    pub(super) profile: &'a Profile,
    pub(super) seed: &'a Seed,
    pub(super) keys: &'a KeyRing,
    pub(super) certificates: &'a Issued,
    pub(super) signer: &'a PublicKey,
    pub(super) index: &'a Index,
    pub(super) written: &'a Written,
}

/// Returns the lock of a build.
pub(super) fn lock(built: &Built<'_>) -> Lock {
    let plan = built.plan;
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    let mut files = outlines_of_plan(plan);
    let mut shapes = shapes_of_plan(plan);
    for planned in &plan.keys {
        let id = &planned.id;
        let (Some(key), Some(shape)) = (built.keys.get(id), shapes.remove(id)) else { continue };
        keys.push(LockedKey {
            id: id.clone(),
            algorithm: shape.key.algorithm,
            generation: shape.key.generation,
            spki_sha256: sha256(key.spki_der()),
        });
        let issued = built.certificates.get(id);
        let (Some(issued), Some(shape)) = (issued, shape.certificate) else { continue };
        certificates.push(LockedCertificate {
            id: id.clone(),
            subject: shape.subject,
            issuer: shape.issuer,
            usages: shape.usages,
            alt_names: shape.alt_names,
            constraints: shape.constraints,
            issued_at: shape.issued_at,
            not_before: shape.not_before,
            not_after: shape.not_after,
            serial: issued.serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            certificate_sha256: sha256(issued.der()),
        });
    }
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
        profile_sha256: sha256(&built.profile.source),
        content_sha256: built.written.content_sha256.to_string(),
        bundle_sha256: built.written.file_sha256.to_string(),
        formats: Formats::CURRENT,
        parts: built
            .index
            .parts
            .iter()
            .map(|(part, record)| LockedPart {
                part: part.clone(),
                generation: plan.generation,
                record_sha256: record.to_string(),
                profile_sha256: None,
                files: files.remove(part).map(Cow::into_owned).unwrap_or_default(),
            })
            .collect(),
        keys,
        certificates,
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_string()
}
