//! Locks of partial builds: what they are held against, and what stays of the lock before.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Lock;

/// The rows of `old` that a partial build made again or dropped, under the head of `old`.
#[must_use]
pub fn restrict(old: &Lock, partial: &Lock) -> Lock {
    let made = Made::of(partial);
    Lock {
        parts: old.parts.iter().filter(|row| made.parts.contains(row.part.as_str())).cloned().collect(),
        keys: old.keys.iter().filter(|row| made.has(&row.id)).cloned().collect(),
        certificates: old.certificates.iter().filter(|row| made.has(&row.id)).cloned().collect(),
        ..old.clone()
    }
}

/// `old` with the rows of a partial build in place of its own; what describes the last whole bundle stays.
#[must_use]
pub fn merge(old: &Lock, partial: Lock) -> Lock {
    let made = Made::of(&partial);
    let kept = |id: &str| !made.has(id);
    let parts: Vec<_> = old.parts.iter().filter(|row| !made.parts.contains(row.part.as_str())).cloned().collect();
    let keys: Vec<_> = old.keys.iter().filter(|row| kept(&row.id)).cloned().collect();
    let certificates: Vec<_> = old.certificates.iter().filter(|row| kept(&row.id)).cloned().collect();
    Lock {
        generation: old.generation,
        profile_sha256: old.profile_sha256.clone(),
        content_sha256: old.content_sha256.clone(),
        bundle_sha256: old.bundle_sha256.clone(),
        // The bundle's order: nodes by name, the cluster's part last.
        parts: joined(parts, &partial.parts, |row| (row.part == "cluster", row.part.clone())),
        keys: joined(keys, &partial.keys, |row| row.id.clone()),
        certificates: joined(certificates, &partial.certificates, |row| row.id.clone()),
        ..partial
    }
}

/// What a partial build made.
struct Made<'a> {
    parts: BTreeSet<&'a str>,
    ids: BTreeSet<&'a str>,
}

impl<'a> Made<'a> {
    fn of(partial: &'a Lock) -> Self {
        Self {
            parts: partial.parts.iter().map(|row| row.part.as_str()).collect(),
            ids: partial.keys.iter().map(|row| row.id.as_str()).collect(),
        }
    }

    /// Whether the row of this id is the partial build's to say: it made it, or made the part that it belonged to.
    fn has(&self, id: &str) -> bool {
        let part = match id.split_once('/') {
            Some(("node", rest)) => rest.split_once('/').map(|(node, _)| format!("node/{node}")),
            Some(("user" | "etcd-client", _)) => Some("cluster".to_owned()),
            _ => None,
        };
        self.ids.contains(id) || part.is_some_and(|part| self.parts.contains(part.as_str()))
    }
}

fn joined<T: Clone, K: Ord>(kept: Vec<T>, new: &[T], key: fn(&T) -> K) -> Vec<T> {
    let rows: BTreeMap<_, _> = kept.into_iter().chain(new.iter().cloned()).map(|row| (key(&row), row)).collect();
    rows.into_values().collect()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::model::tests::example;
    use super::{merge, restrict};

    #[test]
    fn a_partial_build_changes_its_own_rows_and_no_hash_of_the_whole() {
        let mut old = example();
        let mut cluster = old.parts[0].clone();
        cluster.part = "cluster".into();
        old.parts.push(cluster);
        let mut partial = example();
        partial.content_sha256 = "ee".repeat(32);
        partial.generation = 2;
        partial.parts[0].part = "node/worker-9".into();
        partial.keys = vec![partial.keys[2].clone()];
        partial.keys[0].generation = 2;
        partial.certificates = vec![partial.certificates[2].clone()];

        let restricted = restrict(&old, &partial);
        assert_eq!((restricted.parts.len(), restricted.keys.len(), restricted.certificates.len()), (0, 1, 1));

        let merged = merge(&old, partial);
        let parts: Vec<_> = merged.parts.iter().map(|row| row.part.as_str()).collect();
        assert_eq!(parts, ["node/cp-1", "node/worker-9", "cluster"]);
        assert_eq!(merged.keys.iter().map(|key| key.generation).collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!(merged.certificates, old.certificates);
        assert_eq!((merged.generation, merged.content_sha256), (1, old.content_sha256));
    }
}
