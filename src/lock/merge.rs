//! Locks of partial builds: what one is compared with, and how it joins the lock before.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Lock, LockedPart};
use crate::kubernetes::{KeyId, PartName};

/// Returns the part of `old` with which a partial build is compared: the head, and the rows that the build made again
/// or dropped.
#[must_use]
pub fn restrict(old: &Lock, partial: &Lock) -> Lock {
    let rebuilt = Rebuilt::of(partial);
    Lock {
        parts: old.parts.iter().filter(|row| rebuilt.parts.contains(&row.part)).cloned().collect(),
        keys: old.keys.iter().filter(|row| rebuilt.has(&row.id)).cloned().collect(),
        certificates: old.certificates.iter().filter(|row| rebuilt.has(&row.id)).cloned().collect(),
        ..old.clone()
    }
}

/// Returns `old` with its rows replaced by those of a partial build. What describes the last whole bundle stays.
#[must_use]
pub fn merge(old: &Lock, partial: Lock) -> Lock {
    let rebuilt = Rebuilt::of(&partial);
    let kept = |id: &KeyId| !rebuilt.has(id);
    let parts: Vec<_> = old.parts.iter().filter(|row| !rebuilt.parts.contains(&row.part)).cloned().collect();
    let keys: Vec<_> = old.keys.iter().filter(|row| kept(&row.id)).cloned().collect();
    let certificates: Vec<_> = old.certificates.iter().filter(|row| kept(&row.id)).cloned().collect();
    let profile_sha256 = Some(&partial.profile_sha256).filter(|profile| **profile != old.profile_sha256);
    let made_parts = partial.parts.iter().map(|row| LockedPart {
        profile_sha256: profile_sha256.filter(|_| row.part == PartName::Cluster).cloned(),
        ..row.clone()
    });
    Lock {
        generation: old.generation,
        kubernetes: old.kubernetes.clone(),
        profile_sha256: old.profile_sha256.clone(),
        content_sha256: old.content_sha256.clone(),
        bundle_sha256: old.bundle_sha256.clone(),
        rotation: partial.rotation.clone(),
        phases: partial.phases.clone(),
        parts: joined(parts.into_iter().chain(made_parts), |row| row.part.clone()),
        keys: joined(keys.into_iter().chain(partial.keys), |row| row.id.clone()),
        certificates: joined(certificates.into_iter().chain(partial.certificates), |row| row.id.clone()),
        ..partial
    }
}

/// The parts and keys that a partial build made.
struct Rebuilt<'a> {
    parts: BTreeSet<&'a PartName>,
    ids: BTreeSet<&'a KeyId>,
}

impl<'a> Rebuilt<'a> {
    fn of(partial: &'a Lock) -> Self {
        Self {
            parts: partial.parts.iter().map(|row| &row.part).collect(),
            ids: partial.keys.iter().map(|row| &row.id).collect(),
        }
    }

    /// Returns whether the partial build decides about the row of this id: it made the key, or the only part that holds
    /// it.
    fn has(&self, id: &KeyId) -> bool {
        self.ids.contains(id) || id.part().is_some_and(|part| self.parts.contains(&part))
    }
}

/// Returns the rows in the order of their names. Of several rows with one name, the last counts.
fn joined<T, K: Ord>(rows: impl Iterator<Item = T>, key: fn(&T) -> K) -> Vec<T> {
    let rows: BTreeMap<_, _> = rows.map(|row| (key(&row), row)).collect();
    rows.into_values().collect()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::model::LockedKey;
    use super::super::model::tests::example;
    use super::{PartName, merge, restrict};

    #[test]
    fn a_partial_build_changes_its_own_rows_and_no_hash_of_the_whole() {
        let mut old = example();
        let mut cluster = old.parts[0].clone();
        cluster.part = PartName::Cluster;
        old.parts.push(cluster);
        let mut partial = example();
        partial.content_sha256 = "ee".repeat(32);
        partial.generation = 2;
        partial.kubernetes = "1.25.0".into();
        partial.parts[0].part = PartName::Node("worker-9".into());
        partial.keys = vec![partial.keys[2].clone()];
        partial.keys[0].generation = 2;
        partial.certificates = vec![partial.certificates[2].clone()];

        let restricted = restrict(&old, &partial);
        assert_eq!((restricted.parts.len(), restricted.keys.len(), restricted.certificates.len()), (0, 1, 1));

        let merged = merge(&old, partial);
        let parts: Vec<_> = merged.parts.iter().map(|row| row.part.to_string()).collect();
        assert_eq!(parts, ["node/cp-1", "node/worker-9", "cluster"]);
        assert_eq!(merged.keys.iter().map(|key| key.generation).collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!(merged.certificates, old.certificates);
        assert_eq!((merged.generation, merged.content_sha256), (1, old.content_sha256));
        assert_eq!(merged.kubernetes, "1.24.15");
    }

    /// What only the cluster's part held goes with it. What nodes share stays.
    #[test]
    fn with_the_clusters_part_goes_all_that_it_no_longer_holds() {
        let (mut old, mut partial) = (example(), example());
        let row = old.keys[0].clone();
        let added = ["ca/tls", "etcd-client/a", "tls/web/b", "webhook/a/b", "webhook/a/b/ca", "ca/etcd", "sa"];
        old.keys.extend(added.map(|id| LockedKey { id: id.parse().unwrap(), ..row.clone() }));
        partial.parts[0].part = PartName::Cluster;
        partial.profile_sha256 = "ee".repeat(32);
        partial.keys.clear();
        partial.certificates.clear();

        let merged = merge(&old, partial.clone());
        let ids: Vec<_> = merged.keys.iter().map(|key| key.id.to_string()).collect();
        assert_eq!(ids, ["ca/etcd", "ca/kubernetes", "node/cp-1/apiserver", "sa"]);
        assert_eq!(merged.profile_sha256, old.profile_sha256, "it is of the last whole bundle");
        assert_eq!(merged.profile_of_cluster(), "ee".repeat(32));
        partial.profile_sha256.clone_from(&old.profile_sha256);
        assert_eq!(merge(&merged, partial).parts[1].profile_sha256, None);
    }
}
