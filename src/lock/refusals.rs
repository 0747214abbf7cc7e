//! What a build may change only when explicitly told to.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use thiserror::Error;

use super::model::Lock;
use super::shape::{CertificateShape, Shape, Shapes};
use crate::kubernetes::{KeyId, PartName};

/// A reason not to write what a build made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The lock is that of another cluster.
    #[error("the lock is of cluster {locked}, the profile of {built}")]
    OtherCluster {
        /// The cluster of the lock.
        locked: String,
        /// The cluster of the profile.
        built: String,
    },
    /// The seed is another, so every key would be another.
    #[error("this is another seed: the lock was made with seed id {locked}, this one is {given}")]
    OtherSeed {
        /// The seed id in the lock.
        locked: String,
        /// The id of the given seed.
        given: String,
    },
    /// Somebody else would sign the bundle than before, or the seed's key in place of somebody's.
    #[error("another key would sign: the lock has {locked}, and now it is {}", signer(given.as_ref()))]
    OtherSigner {
        /// The fingerprint in the lock.
        locked: String,
        /// The fingerprint of the new signer. `None` is a key that the seed gives.
        given: Option<String>,
    },
    /// CAs or keys would be taken from other files than before, or be derived, although their generation did not move.
    #[error("{} would be adopted from other files than those of the lock", list(ids))]
    ChangedAdopted {
        /// The ids of the keys, at least one.
        ids: Vec<KeyId>,
    },
    /// Certificates of roots would change although neither their generation nor their day of issue did.
    ///
    /// One change of the profile, such as a newer Kubernetes, changes all of them.
    #[error("{} would get another certificate, though generation and issued_at did not move", list(ids))]
    ChangedAuthorities {
        /// The ids of the roots, at least one.
        ids: Vec<KeyId>,
    },
    /// A record would change although its generation did not.
    #[error("the record of {part} would change at generation {generation}")]
    SameGeneration {
        /// The part.
        part: PartName,
        /// The generation of the lock and of the profile.
        generation: u32,
    },
    /// The build rotates and changes something else at once, or the CA from which it moves is not that of the lock.
    #[error("the build rotates, and changes something else at once: {what}")]
    RotatesAndChanges {
        /// The first of the other changes, with its reasons.
        what: String,
    },
    /// Parts would be sealed to others than before.
    #[error("{} would be sealed to others than the lock has", names(parts))]
    ChangedRecipients {
        /// The parts, at least one.
        parts: Vec<PartName>,
    },
    /// The generation of a part would go back.
    #[error("the lock has {part} at generation {locked}, the profile is at {built}")]
    LowerGeneration {
        /// The part.
        part: PartName,
        /// The generation in the lock.
        locked: u32,
        /// The generation in the profile.
        built: u32,
    },
}

/// Returns every reason to refuse `new`, given the lock before. With another cluster that alone is returned, and
/// with another seed that and another signer.
#[must_use]
pub fn refusals(old: &Lock, new: &Lock) -> Vec<Refusal> {
    if old.cluster != new.cluster {
        return vec![Refusal::OtherCluster { locked: old.cluster.clone(), built: new.cluster.clone() }];
    }
    let (before, after) = (of_all(old), of_all(new));
    let (before, after) = (Shapes::of_lock(&before), Shapes::of_lock(&after));
    let other_signer = other_signer(old, &before, &after);
    if old.seed_id != new.seed_id {
        let other_seed = Refusal::OtherSeed { locked: old.seed_id.clone(), given: new.seed_id.clone() };
        return [other_seed].into_iter().chain(other_signer).collect();
    }
    let mut found = Vec::from_iter(other_signer);
    found.extend(refusal_of_adopted(changed_adopted(old, &before, &after)));
    found.extend(refusal_of_authorities(changed_authorities(old, new)));
    let locked: BTreeMap<_, _> = old.parts.iter().map(|part| (&part.part, part)).collect();
    found.extend(new.parts.iter().find_map(|part| {
        let before = locked.get(&part.part)?;
        let changes = part.record_sha256 != before.record_sha256;
        compare_generations(&part.part, before.generation, part.generation, changes)
    }));
    found
}

/// Returns the reasons of [`refusals`] that a plan with the same seed already shows.
///
/// `shapes` are those of the plan. `parts` are its parts in the order of a bundle, each with whether its record is
/// known to change.
#[must_use]
pub fn foreseen<'a>(
    old: &Lock,
    shapes: &Shapes<'_>,
    generation: u32,
    parts: impl IntoIterator<Item = (&'a PartName, bool)>,
) -> Vec<Refusal> {
    let locked = Shapes::of_lock(old);
    let generations: BTreeMap<_, _> = old.parts.iter().map(|part| (&part.part, part.generation)).collect();
    let changed = shapes.ids().filter(|id| {
        // Only a CA can be a root, and a shape is made when it is asked for.
        let Some(after) = id.is_ca().then(|| shapes.get(id)).flatten() else { return false };
        let is_root = |shape: &CertificateShape| is_root(id, &shape.subject, &shape.issuer);
        let issued_at = |shape: &Shape| shape.certificate.as_ref().map(|certificate| certificate.issued_at.clone());
        let moved =
            |before: &Shape| before.key.generation != after.key.generation || issued_at(before) != issued_at(&after);
        after.certificate.as_ref().is_some_and(is_root)
            && locked.get(id).is_some_and(|before| before != after && !moved(&before))
    });
    let mut found = Vec::from_iter(other_signer(old, &locked, shapes));
    found.extend(refusal_of_adopted(changed_adopted(old, &locked, shapes)));
    found.extend(refusal_of_authorities(changed));
    found.extend(
        parts
            .into_iter()
            .find_map(|(part, changes)| compare_generations(part, *generations.get(part)?, generation, changes)),
    );
    found
}

/// Returns a lock with only what no single node has, which is little.
fn of_all(lock: &Lock) -> Lock {
    let is_of_all = |id: &KeyId| {
        id.is_ca() || matches!(id, KeyId::ServiceAccount | KeyId::TrustedServiceAccount | KeyId::BundleSigner)
    };
    Lock {
        rotation: Vec::new(),
        phases: Vec::new(),
        parts: Vec::new(),
        keys: lock.keys.iter().filter(|row| is_of_all(&row.id)).cloned().collect(),
        certificates: lock.certificates.iter().filter(|row| is_of_all(&row.id)).cloned().collect(),
        adopted: lock.adopted.clone(),
        made_with: lock.made_with.clone(),
        cluster: lock.cluster.clone(),
        cluster_id: lock.cluster_id.clone(),
        seed_id: lock.seed_id.clone(),
        signer: lock.signer.clone(),
        kubernetes: lock.kubernetes.clone(),
        profile_sha256: lock.profile_sha256.clone(),
        content_sha256: lock.content_sha256.clone(),
        bundle_sha256: lock.bundle_sha256.clone(),
        ..*lock
    }
}

/// Returns the refusal of another signer, if one of both is somebody of whom the profile has the key. Where the seed
/// gives both, a raised generation says it all.
fn other_signer(old: &Lock, before: &Shapes<'_>, after: &Shapes<'_>) -> Option<Refusal> {
    let adopted = |shapes: &Shapes<'_>| Some(shapes.get(&KeyId::BundleSigner)?.key.adopted.map(|spki| *spki));
    let (before, after) = (adopted(before)?, adopted(after)?);
    let given = after.map(|spki| format!("sha256:{spki}"));
    (before != after).then(|| Refusal::OtherSigner { locked: old.signer.clone(), given })
}

fn signer(fingerprint: Option<&String>) -> &str {
    fingerprint.map_or("the one that the seed gives", String::as_str)
}

fn refusal_of_adopted(ids: Vec<KeyId>) -> Option<Refusal> {
    (!ids.is_empty()).then_some(Refusal::ChangedAdopted { ids })
}

/// Returns the CAs and keys whose files are others, or which were made and are adopted now, or the other way round. One
/// that is adopted under the very key that it had is not among them.
fn changed_adopted(old: &Lock, before: &Shapes<'_>, after: &Shapes<'_>) -> Vec<KeyId> {
    let is_changed = |id: &&KeyId| {
        if !id.is_ca() && **id != KeyId::ServiceAccount {
            return false;
        }
        let (Some(old_shape), Some(new_shape)) = (before.get(id), after.get(id)) else { return false };
        if old_shape.key.generation != new_shape.key.generation {
            return false;
        }
        let locked = || old.keys.iter().find(|row| row.id == **id).map(|row| row.spki_sha256);
        let has_other_key = match (&old_shape.key.adopted, &new_shape.key.adopted) {
            (None, None) => false,
            (Some(old), Some(new)) => old != new,
            (None, Some(new)) => locked() != Some(**new),
            (Some(_), None) => true,
        };
        let file = |shape: Shape| shape.certificate.and_then(|certificate| certificate.adopted);
        let has_other_file = match (file(old_shape), file(new_shape)) {
            (Some(old), Some(new)) => old != new,
            _ => false,
        };
        has_other_key || has_other_file
    };
    after.ids().filter(is_changed).cloned().collect()
}

fn refusal_of_authorities<'a>(changed: impl Iterator<Item = &'a KeyId>) -> Option<Refusal> {
    let ids: Vec<_> = changed.cloned().collect();
    (!ids.is_empty()).then_some(Refusal::ChangedAuthorities { ids })
}

/// How many parts a refusal names.
const NAMED: usize = 5;

fn names(parts: &[PartName]) -> String {
    let mut names: Vec<_> = parts.iter().take(NAMED).map(ToString::to_string).collect();
    if parts.len() > NAMED {
        names.push(format!("{} more", parts.len() - NAMED));
    }
    names.join(", ")
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns whether the certificate is that of a root, which others trust as it is. An intermediate is sent along by the
/// servers that use it.
fn is_root(id: &KeyId, subject: &str, issuer: &str) -> bool {
    matches!(id, KeyId::Ca(_)) && subject == issuer
}

/// Returns the refusal of a part whose generation goes back, or whose record changes at its generation.
#[must_use]
pub fn compare_generations(part: &PartName, locked: u32, built: u32, changes: bool) -> Option<Refusal> {
    let part = part.clone();
    match built.cmp(&locked) {
        Ordering::Less => Some(Refusal::LowerGeneration { part, locked, built }),
        Ordering::Equal if changes => Some(Refusal::SameGeneration { part, generation: built }),
        _ => None,
    }
}

fn changed_authorities<'a>(old: &'a Lock, new: &'a Lock) -> impl Iterator<Item = &'a KeyId> {
    let moved = |id: &KeyId| {
        let generation = |lock: &Lock| lock.keys.iter().find(|key| key.id == *id).map(|key| key.generation);
        let issued_at = |lock: &Lock| {
            lock.certificates.iter().find(|certificate| certificate.id == *id).map(|found| found.issued_at.clone())
        };
        generation(old) != generation(new) || issued_at(old) != issued_at(new)
    };
    let roots = old.certificates.iter().filter(|found| is_root(&found.id, &found.subject, &found.issuer));
    roots.filter_map(move |before| {
        let after = new.certificates.iter().find(|after| after.id == before.id)?;
        (after.certificate_sha256 != before.certificate_sha256 && !moved(&before.id)).then_some(&before.id)
    })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::model::tests::example;
    use super::{KeyId, PartName, Refusal, Shapes, foreseen, refusals};
    use crate::bundle::Hex;

    fn cp_1() -> PartName {
        PartName::Node("cp-1".into())
    }

    #[test]
    fn the_same_again_is_never_refused() {
        assert_eq!(refusals(&example(), &example()), []);
    }

    #[test]
    fn another_seed_stands_alone() {
        let mut new = example();
        new.seed_id = "aa".repeat(8);
        new.certificates[0].certificate_sha256 = Hex([0xbb; 32]);
        assert_eq!(refusals(&example(), &new), [Refusal::OtherSeed { locked: "11".repeat(8), given: "aa".repeat(8) }]);
    }

    #[test]
    fn a_ca_changes_only_with_its_generation_or_day() {
        let mut new = example();
        new.generation = 2;
        new.certificates[0].certificate_sha256 = Hex([0xbb; 32]);
        assert_eq!(refusals(&example(), &new), [Refusal::ChangedAuthorities { ids: vec![KeyId::ca("kubernetes")] }]);
        new.keys[0].generation = 2;
        assert_eq!(refusals(&example(), &new), []);
        new.keys[0].generation = 1;
        new.certificates[0].issued_at = "2027-01-01".into();
        assert_eq!(refusals(&example(), &new), []);
    }

    #[test]
    fn records_change_only_with_the_generation() {
        let mut new = example();
        new.parts[0].record_sha256 = Hex([0xbb; 32]);
        assert_eq!(refusals(&example(), &new), [Refusal::SameGeneration { part: cp_1(), generation: 1 }]);
        new.parts[0].generation = 2;
        assert_eq!(refusals(&example(), &new), []);
        let mut old = example();
        old.parts[0].generation = 3;
        let lower = Refusal::LowerGeneration { part: cp_1(), locked: 3, built: 2 };
        assert_eq!(refusals(&old, &new), [lower]);
    }

    #[test]
    fn a_plan_shows_what_will_be_refused() {
        let (old, mut planned) = (example(), example());
        let part = cp_1();
        let foreseen = |planned: &_, generation, changes| {
            foreseen(&old, &Shapes::of_lock(planned), generation, [(&part, changes)])
        };
        assert_eq!(foreseen(&planned, 1, false), []);
        assert_eq!(foreseen(&planned, 2, true), []);
        assert_eq!(foreseen(&planned, 1, true), [Refusal::SameGeneration { part: part.clone(), generation: 1 }]);
        let lower = Refusal::LowerGeneration { part: part.clone(), locked: 1, built: 0 };
        assert_eq!(foreseen(&planned, 0, false), [lower]);
        planned.keys[0].algorithm = "rsa-4096".into();
        assert_eq!(foreseen(&planned, 2, true), [Refusal::ChangedAuthorities { ids: vec![KeyId::ca("kubernetes")] }]);
        planned.keys[0].generation = 2;
        assert_eq!(foreseen(&planned, 2, true), []);
    }

    #[test]
    fn a_new_part_needs_no_word() {
        let mut new = example();
        let mut part = new.parts[0].clone();
        part.part = PartName::Node("worker-1".into());
        new.parts.push(part);
        assert_eq!(refusals(&example(), &new), []);
    }
}
