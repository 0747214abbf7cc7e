//! What a change of keys and certificates means on the nodes: which files, and who reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, PlannedContent, PlannedPart, Recipient};
use crate::keys::KeyId;
use crate::kubeadm::{Component, readers};
use crate::profile::{Node, Role};

/// What there was before a plan, as far as it is known.
pub struct Before {
    /// The parts that were built, `node/<name>` or `cluster`. On any other there is nothing to start anew.
    pub parts: BTreeSet<String>,
    /// The ids of keys and certificates that are others now, or new.
    pub touched: BTreeSet<String>,
    /// Those of them whose key is another too; the others have another certificate for the same key.
    pub new_keys: BTreeSet<String>,
    /// Whether the profile had other bytes.
    pub other_profile: bool,
    /// What the same profile gave under the Kubernetes version before, when that was another: kubeconfigs may move to
    /// another server without a new certificate.
    pub plan: Option<Plan>,
}

/// What changes for one part that has been built before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// `node/<name>` or `cluster`.
    pub part: String,
    /// The files that get other bytes, or are new. The kubelet's link is none of them: it follows its file.
    pub files: Vec<String>,
    /// Who must be started anew on the node to read them; for the cluster's part nobody.
    pub restarts: BTreeSet<Component>,
}

/// What changes for each part of the plan since then. Where servers in kubeconfigs change for another reason than the
/// Kubernetes version, the caller has to say so: nothing tells the servers of before.
#[must_use]
pub fn effects(plan: &Plan, before: &Before) -> Vec<Effect> {
    let planned: BTreeMap<_, _> =
        before.plan.iter().flat_map(|plan| &plan.parts).map(|part| (part.recipient.part(), part)).collect();
    plan.parts
        .iter()
        .filter_map(|part| {
            let name = part.recipient.part();
            if !before.parts.contains(&name) {
                return None;
            }
            let files = changed_files(part, before, planned.get(&name).copied());
            let restarts = match &part.recipient {
                Recipient::Node(node) => restarts(node, part, &files),
                Recipient::Cluster => BTreeSet::new(),
            };
            (!files.is_empty()).then_some(Effect { part: name, files, restarts })
        })
        .collect()
}

fn changed_files(part: &PlannedPart, before: &Before, planned: Option<&PlannedPart>) -> Vec<String> {
    let kubeconfigs: BTreeMap<_, _> =
        planned.into_iter().flat_map(|part| &part.files).map(|file| (&file.path, &file.content)).collect();
    let changed = part.files.iter().filter(|file| match &file.content {
        PlannedContent::Profile => before.other_profile,
        PlannedContent::PrivateKey(id) | PlannedContent::PublicKey(id) => before.new_keys.contains(&id.to_string()),
        content => {
            sources(content).iter().any(|id| before.touched.contains(&id.to_string()))
                || kubeconfigs.get(&file.path).is_some_and(|before| *before != content)
        }
    });
    changed.map(|file| file.path.clone()).collect()
}

/// Who reads these files on that node.
fn restarts(node: &Node, part: &PlannedPart, files: &[String]) -> BTreeSet<Component> {
    let readers = files.iter().flat_map(|path| readers(path).iter().copied());
    readers.filter(|component| runs(*component, node, part)).collect()
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
    use std::collections::BTreeMap;

    use super::{Before, Effect, effects};
    use crate::plan::{Plan, plan};
    use crate::profile::{self, Profile, Version};

    fn parse(profile: &[u8]) -> Profile {
        match profile::parse(profile) {
            Ok(parsed) => parsed.profile,
            Err(problems) => panic!("an example is no profile: {problems:?}"),
        }
    }

    /// All parts of the plan were built before, and these ids are others now.
    fn touched(plan: &Plan, ids: &[&str]) -> Before {
        Before {
            parts: plan.parts.iter().map(|part| part.recipient.part()).collect(),
            touched: ids.iter().map(|&id| id.to_owned()).collect(),
            new_keys: ids.iter().map(|&id| id.to_owned()).collect(),
            other_profile: false,
            plan: None,
        }
    }

    /// Part to what must restart there.
    fn restarts(effects: Vec<Effect>) -> BTreeMap<String, String> {
        let names = effects.into_iter().map(|effect| {
            let restarts: Vec<_> = effect.restarts.iter().map(|component| component.name()).collect();
            (effect.part, restarts.join(" "))
        });
        names.collect()
    }

    #[test]
    fn only_what_runs_on_a_node_restarts_there() {
        let authorities = ["ca/kubernetes", "ca/etcd", "ca/front-proxy"];
        let of = |profile: &[u8]| {
            let plan = plan(&parse(profile));
            restarts(effects(&plan, &touched(&plan, &authorities)))
        };
        let stacked = of(include_bytes!("../../profiles/ha-stacked-etcd.toml"));
        assert_eq!(stacked["node/worker-1"], "kubelet");
        assert_eq!(stacked["node/cp-1"], "etcd kube-apiserver kube-controller-manager kube-scheduler kubelet");
        assert_eq!(stacked["cluster"], "");
        let external = of(include_bytes!("../../profiles/ha-external-etcd.toml"));
        assert_eq!(external["node/etcd-1"], "etcd");
        assert_eq!(external["node/cp-1"], "kube-apiserver kube-controller-manager kube-scheduler kubelet");
    }

    #[test]
    fn a_new_certificate_leaves_the_file_of_its_key_alone() {
        let plan = plan(&parse(include_bytes!("../../profiles/ha-stacked-etcd.toml")));
        let mut before = touched(&plan, &["node/cp-1/apiserver"]);
        let files = |before: &Before| effects(&plan, before).into_iter().map(|effect| effect.files).collect::<Vec<_>>();
        let pair = ["etc/kubernetes/pki/apiserver.crt", "etc/kubernetes/pki/apiserver.key"];
        assert_eq!(files(&before), [pair]);
        before.new_keys.clear();
        assert_eq!(files(&before), [&pair[..1]]);
    }

    #[test]
    fn on_a_new_node_nothing_changes() {
        let plan = plan(&parse(include_bytes!("../../profiles/ha-stacked-etcd.toml")));
        let mut before = touched(&plan, &["ca/kubernetes"]);
        assert!(before.parts.remove("node/worker-1"));
        let effects = restarts(effects(&plan, &before));
        assert!(!effects.contains_key("node/worker-1"));
        assert_eq!(effects["node/worker-2"], "kubelet");
    }

    /// Kubernetes 1.33 points the kubelets of control planes at their own API server: no certificate tells that.
    #[test]
    fn a_version_moves_kubeconfigs_that_keep_their_certificates() {
        let mut profile = parse(include_bytes!("../../profiles/ha-stacked-etcd.toml"));
        profile.cluster.kubernetes = Version::new(33, 0);
        let after = plan(&profile);
        let mut before = touched(&after, &[]);
        assert_eq!(effects(&after, &before), []);
        before.plan = Some(plan(&profile.with_kubernetes(Version::new(32, 9))));
        let effects = effects(&after, &before);
        assert_eq!(effects.len(), 3);
        assert!(effects.iter().all(|effect| effect.files == ["etc/kubernetes/kubelet.conf"]));
        let kubelets = restarts(effects);
        assert_eq!(kubelets.get("node/cp-3").map(String::as_str), Some("kubelet"));
    }
}
