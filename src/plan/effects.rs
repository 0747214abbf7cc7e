//! What a change of keys and certificates means on the nodes: which files, and who reads them.

use std::collections::BTreeSet;

use super::{Plan, PlannedContent, PlannedPart, Recipient};
use crate::keys::KeyId;
use crate::kubeadm::{Component, readers};

/// What changes for one node that has been installed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The node's name.
    pub node: String,
    /// The files that get other bytes.
    pub files: Vec<String>,
    /// Who must be started anew to read them.
    pub restarts: BTreeSet<Component>,
}

/// What each node of the plan feels when the keys and certificates of these ids change. A node whose every own key is
/// `added` is a new one: there is nothing to start anew.
#[must_use]
pub fn effects(plan: &Plan, changed: &BTreeSet<String>, added: &BTreeSet<String>) -> Vec<Effect> {
    plan.parts.iter().filter_map(|part| effect(part, changed, added)).collect()
}

fn effect(part: &PlannedPart, changed: &BTreeSet<String>, added: &BTreeSet<String>) -> Option<Effect> {
    let Recipient::Node(node) = &part.recipient else { return None };
    let own = |id: &KeyId| matches!(id, KeyId::Node { .. });
    let ids = || part.files.iter().flat_map(|file| sources(&file.content));
    if ids().filter(|id| own(id)).all(|id| added.contains(&id.to_string())) {
        return None;
    }
    let is_touched = |id: &KeyId| {
        let id = id.to_string();
        changed.contains(&id) || added.contains(&id)
    };
    let touched = part.files.iter().filter(|file| sources(&file.content).into_iter().any(is_touched));
    let files: Vec<_> = touched.map(|file| file.path.clone()).collect();
    let restarts = files.iter().flat_map(|path| readers(path).iter().copied()).collect();
    (!files.is_empty()).then(|| Effect { node: node.name.clone(), files, restarts })
}

/// The keys and certificates that a file's bytes are made from.
pub(super) fn sources(content: &PlannedContent) -> Vec<&KeyId> {
    match content {
        PlannedContent::Certificate(id)
        | PlannedContent::PrivateKey(id)
        | PlannedContent::PublicKey(id)
        | PlannedContent::CertificateAndKey(id) => vec![id],
        PlannedContent::Kubeconfig(kubeconfig) => kubeconfig.embedded().into_iter().chain([&kubeconfig.ca]).collect(),
        PlannedContent::Link(_) | PlannedContent::Profile => Vec::new(),
    }
}
