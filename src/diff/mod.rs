//! What two bundles differ in, or a bundle and what is on a node: what came, what went, what changed and why.
//!
//! Why: `plan` compares a profile with the lock. Whoever has neither, but two bundles or a node, asks the same.
//!
//! Input: the trees of each side, part by part, in one order. Of a large bundle only one part is held at a time.
//!
//! Output: a [`Comparison`], as `plan` and `build` have it. Keys are not compared by their derivation, which a bundle does
//! not show, but by their public halves.
//!
//! Refuses nothing: what cannot be read is compared byte by byte.

mod facts;
mod ids;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

pub use tree::Tree;

use crate::bundle::Head;
use crate::kubernetes::{
    Component, KeyId, PartName, REQUIRED_BINDINGS, RequiredBinding, Version, to_restart, usual_place,
};
use crate::lock::{Change, ChangeId, ChangeKind, ChangeReason, KUBERNETES_VERSION};
use crate::make::Comparison;
use crate::plan::{PartChange, PartChangeKind};
use facts::Facts;
use tree::KUBEADM_INIT;

/// Compares two sides, part by part.
#[derive(Default)]
pub struct Differ {
    heads: Vec<(&'static str, String, String)>,
    other_profile: bool,
    /// What has changed of keys and certificates. What several parts have is there once.
    keys: BTreeMap<KeyId, Change>,
    /// The changes of files that follow from none of these.
    files: Vec<Change>,
    part_changes: Vec<PartChange>,
    new_bindings: Vec<RequiredBinding>,
    break_glass: BTreeSet<KeyId>,
    /// The subjects of CAs whose key is another.
    replaced: BTreeMap<String, KeyId>,
    cuts_off_cert_manager: bool,
}

impl Differ {
    /// Compares what the records of both sides begin with.
    pub fn heads(&mut self, before: &Head, after: &Head) {
        let both = [
            ("cluster", before.cluster.clone(), after.cluster.clone()),
            ("cluster id", before.cluster_id.to_string(), after.cluster_id.to_string()),
            ("generation", before.generation.to_string(), after.generation.to_string()),
            (KUBERNETES_VERSION, before.kubernetes.clone(), after.kubernetes.clone()),
            ("issued_at", before.issued_at.to_string(), after.issued_at.to_string()),
        ];
        self.heads = both.into_iter().filter(|(_, before, after)| before != after).collect();
        let needs = |head: &Head, binding: &RequiredBinding| {
            Version::parse(&head.kubernetes).is_some_and(|version| binding.since.includes(version))
        };
        let is_new = |binding: &RequiredBinding| needs(after, binding) && !needs(before, binding);
        self.new_bindings = REQUIRED_BINDINGS.into_iter().filter(is_new).collect();
    }

    /// Compares one part, which at least one side has. The nodes come before the cluster, because users have CAs that
    /// nodes have.
    pub fn part(&mut self, before: Option<&Tree>, after: Option<&Tree>) {
        match (before, after) {
            (Some(before), Some(after)) => self.both(before, after),
            (Some(tree), None) => self.one(tree, ChangeKind::Removed),
            (None, Some(tree)) => self.one(tree, ChangeKind::Added),
            (None, None) => {}
        }
    }

    /// Returns what was found.
    #[must_use]
    pub fn finish(self) -> Comparison {
        Comparison {
            heads: self.heads,
            other_profile: self.other_profile,
            changes: self.keys.into_values().chain(self.files).collect(),
            part_changes: self.part_changes,
            new_bindings: self.new_bindings,
            break_glass: self.break_glass,
            cuts_off_cert_manager: self.cuts_off_cert_manager,
        }
    }

    fn one(&mut self, tree: &Tree, kind: ChangeKind) {
        for (id, facts) in &tree.facts {
            if id.part().is_some() {
                self.note_break_glass(id, facts);
                self.add(id, kind, Vec::new());
            }
        }
        let files: Vec<_> = tree.files.keys().cloned().collect();
        let (kind, files, removed) = match kind {
            ChangeKind::Removed => (PartChangeKind::Removed, Vec::new(), files),
            _ => (PartChangeKind::Added, files, Vec::new()),
        };
        let (part, restarts) = (tree.part.clone(), BTreeSet::new());
        self.part_changes.push(PartChange { part, kind, files, removed, restarts, is_reloaded: false });
    }

    fn both(&mut self, before: &Tree, after: &Tree) {
        if let (Some(old), Some(new)) = (&before.cert_manager_root, &after.cert_manager_root) {
            self.cuts_off_cert_manager = old != new;
        }
        let ids: BTreeSet<_> = before.facts.keys().chain(after.facts.keys()).collect();
        let (authorities, leaves): (Vec<&KeyId>, Vec<&KeyId>) = ids.into_iter().partition(|id| id.is_ca());
        for id in authorities.into_iter().chain(leaves) {
            self.key(id, before.facts.get(id), after.facts.get(id));
        }
        let paths: BTreeSet<_> = before.files.keys().chain(after.files.keys()).collect();
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        for path in paths {
            match (before.files.get(path), after.files.get(path)) {
                (old, Some(new)) if old != Some(new) => changed.push(path.clone()),
                (Some(_), None) => removed.push(path.clone()),
                _ => continue,
            }
            self.file(path, before, after);
        }
        if changed.is_empty() && removed.is_empty() {
            return;
        }
        let (restarts, is_reloaded) = match after.role.or(before.role) {
            Some(role) => {
                let has_etcd = after.files.keys().any(|path| usual_place(path) == Component::Etcd.mark());
                to_restart(role, has_etcd, changed.iter().map(String::as_str))
            }
            None => (BTreeSet::new(), false),
        };
        let kind = PartChangeKind::Changed;
        self.part_changes.push(PartChange {
            part: after.part.clone(),
            kind,
            files: changed,
            removed,
            restarts,
            is_reloaded,
        });
    }

    fn key(&mut self, id: &KeyId, before: Option<&Facts>, after: Option<&Facts>) {
        match (before, after) {
            // Other nodes have it all the time: the files are new on this one, or gone.
            (None, Some(_)) | (Some(_), None) if id.part().is_none() => {}
            (None, Some(after)) => {
                self.note_break_glass(id, after);
                self.add(id, ChangeKind::Added, Vec::new());
            }
            (Some(_), None) => self.add(id, ChangeKind::Removed, Vec::new()),
            (Some(before), Some(after)) => {
                self.note_break_glass(id, after);
                let mut reasons = before.differences(after);
                if id.is_ca() && reasons.contains(&ChangeReason::Key) {
                    self.replaced.insert(after.subject.clone(), id.clone());
                }
                if let Some(issuer) = self.replaced.get(&after.issuer).filter(|issuer| *issuer != id) {
                    // The signature is another, and no field tells why.
                    reasons.retain(|reason| *reason != ChangeReason::Content);
                    if before.certificate != after.certificate {
                        reasons.push(ChangeReason::IssuerKey { issuer: issuer.clone() });
                    }
                }
                if !reasons.is_empty() {
                    self.add(id, ChangeKind::Changed, reasons);
                }
            }
            (None, None) => {}
        }
    }

    /// Adds the change of a file that follows from no change of a key or certificate.
    fn file(&mut self, path: &str, before: &Tree, after: &Tree) {
        if after.part == PartName::Cluster && path == PROFILE {
            self.other_profile = true;
            return;
        }
        let id = ChangeId::File(after.part.clone(), path.to_owned());
        let kind = match (before.files.contains_key(path), after.files.contains_key(path)) {
            (true, true) => ChangeKind::Changed,
            (true, false) => ChangeKind::Removed,
            (false, _) => ChangeKind::Added,
        };
        if let (Some(old), Some(new)) = (before.servers.get(path), after.servers.get(path))
            && old != new
        {
            let reason = ChangeReason::Value { field: "server", old: old.clone(), new: new.clone() };
            return self.files.push(Change { id, kind, reasons: [reason].into() });
        }
        if after.part == PartName::Cluster && path == KUBEADM_INIT && before.kubeadm_init == after.kubeadm_init {
            let version = self.heads.iter().find(|(what, ..)| *what == KUBERNETES_VERSION).cloned();
            let reason = version.map(|(field, old, new)| ChangeReason::Value { field, old, new });
            return self.files.push(Change { id, kind, reasons: reason.into_iter().collect() });
        }
        let is_told = |id: &KeyId| self.keys.contains_key(id);
        // A kubeconfig changes with the CA in it, and a file of the cluster with what it is made of.
        let follows = match ids::of(&after.part, path) {
            Some(id) => is_told(&id) || (path.ends_with(".conf") && is_told(&KeyId::ca("kubernetes"))),
            None => path.ends_with("kubelet.conf") && is_told(&KeyId::ca("kubernetes")),
        };
        // The kubelet's file has its date in its name.
        if !follows && !ids::is_store(path) {
            self.files.push(Change { id, kind, reasons: [].into() });
        }
    }

    fn note_break_glass(&mut self, id: &KeyId, facts: &Facts) {
        if facts.is_of_masters && matches!(id, KeyId::User(_)) {
            self.break_glass.insert(id.clone());
        }
    }

    fn add(&mut self, id: &KeyId, kind: ChangeKind, reasons: Vec<ChangeReason>) {
        let change = || Change { id: ChangeId::Key(id.clone()), kind, reasons: reasons.into() };
        self.keys.entry(id.clone()).or_insert_with(change);
    }
}

/// The profile in the cluster's part.
const PROFILE: &str = "profile.toml";
