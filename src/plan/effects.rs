//! What a change of keys and certificates means on the nodes: which files, and who reads them.

use std::collections::BTreeSet;

use super::{Plan, PlannedContent, PlannedPart, Recipient};
use crate::keys::KeyId;
use crate::kubeadm::{Component, readers};
use crate::profile::{Node, Role};

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
    let readers = files.iter().flat_map(|path| readers(path).iter().copied());
    let restarts = readers.filter(|component| runs(*component, node, part)).collect();
    (!files.is_empty()).then(|| Effect { node: node.name.clone(), files, restarts })
}

/// Whether a component runs on a node: a worker has `ca.crt` as a control plane does, but no API server to read it.
fn runs(component: Component, node: &Node, part: &PlannedPart) -> bool {
    match component {
        Component::Etcd => part.files.iter().any(|file| file.path.ends_with("pki/etcd/server.crt")),
        Component::ApiServer | Component::ControllerManager | Component::Scheduler => node.role == Role::ControlPlane,
        Component::Kubelet => node.role != Role::Etcd,
    }
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

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::effects;
    use crate::plan::plan;
    use crate::profile;

    /// Node to what must restart there when all CAs get other keys.
    fn restarts_for_new_authorities(profile: &[u8]) -> BTreeMap<String, String> {
        let Ok(parsed) = profile::parse(profile) else { panic!("an example is no profile") };
        let authorities = ["ca/kubernetes", "ca/etcd", "ca/front-proxy"].map(str::to_owned);
        let effects = effects(&plan(&parsed.profile), &authorities.into(), &BTreeSet::new());
        let names = effects.into_iter().map(|effect| {
            let restarts: Vec<_> = effect.restarts.iter().map(|component| component.name()).collect();
            (effect.node, restarts.join(" "))
        });
        names.collect()
    }

    #[test]
    fn only_what_runs_on_a_node_restarts_there() {
        let stacked = restarts_for_new_authorities(include_bytes!("../../profiles/ha-stacked-etcd.toml"));
        assert_eq!(stacked["worker-1"], "kubelet");
        assert_eq!(stacked["cp-1"], "etcd kube-apiserver kube-controller-manager kube-scheduler kubelet");
        let external = restarts_for_new_authorities(include_bytes!("../../profiles/ha-external-etcd.toml"));
        assert_eq!(external["etcd-1"], "etcd");
        assert_eq!(external["cp-1"], "kube-apiserver kube-controller-manager kube-scheduler kubelet");
    }
}
