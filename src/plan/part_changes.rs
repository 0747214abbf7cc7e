//! What a change of keys and certificates means on the nodes: which files change, and which components read them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{FileOutlines, Plan, PlannedContent, PlannedFile, Recipient};
use crate::kubernetes::{Component, KeyId, PartName, to_restart, usual_place};

/// The state before a plan, as far as it is known.
pub struct PreviousBuild<'a> {
    /// The parts that were built, each with the outlines of its files by path.
    pub parts: BTreeMap<PartName, Cow<'a, FileOutlines>>,
    /// The ids of keys and certificates that are changed or new.
    pub changed: BTreeSet<&'a KeyId>,
    /// The ids among `changed` whose key is changed or new. The others have another certificate for the same key.
    pub new_keys: BTreeSet<&'a KeyId>,
    /// Whether the profile in the cluster's part had other bytes.
    pub other_profile: bool,
}

/// What changes for one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartChange {
    /// The part.
    pub part: PartName,
    /// Whether the part is new, changed or gone.
    pub kind: PartChangeKind,
    /// The files that are new or get other bytes.
    pub files: Vec<String>,
    /// The files that are gone.
    pub removed: Vec<String>,
    /// The components that must be restarted on the node to read the files.
    ///
    /// Empty for the cluster's part, and where nothing runs yet or any more.
    pub restarts: BTreeSet<Component>,
    /// Whether none must be, because kube-apiserver reads by itself what changes.
    pub is_reloaded: bool,
}

/// How a part changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartChangeKind {
    /// The part is new, with all its files.
    Added,
    /// Some files of the part change.
    Changed,
    /// The part is gone, with all its files.
    Removed,
}

/// Returns what changes for each part since `before`: first the parts of the plan, in its order, then the parts that
/// are gone.
#[must_use]
pub fn part_changes(plan: &Plan<'_>, before: &PreviousBuild<'_>) -> Vec<PartChange> {
    let mut gone: BTreeMap<_, _> = before.parts.iter().collect();
    let mut found = Vec::new();
    for recipient in &plan.recipients {
        let (name, planned) = (recipient.part(), plan.files(*recipient));
        found.extend(match gone.remove(&name) {
            Some(files) => change(name, (*recipient, planned), files, before),
            None => Some(PartChange {
                part: name,
                kind: PartChangeKind::Added,
                files: planned.into_iter().map(|file| file.path).collect(),
                removed: Vec::new(),
                restarts: BTreeSet::new(),
                is_reloaded: false,
            }),
        });
    }
    found.extend(gone.into_iter().map(|(part, files)| PartChange {
        part: part.clone(),
        kind: PartChangeKind::Removed,
        files: Vec::new(),
        removed: files.keys().map(ToString::to_string).collect(),
        restarts: BTreeSet::new(),
        is_reloaded: false,
    }));
    found
}

fn change(
    name: PartName,
    (recipient, planned): (Recipient<'_>, Vec<PlannedFile>),
    files: &FileOutlines,
    before: &PreviousBuild<'_>,
) -> Option<PartChange> {
    let mut gone: BTreeMap<&str, &str> = files.iter().map(|(path, outline)| (&**path, &**outline)).collect();
    let has_etcd = planned.iter().any(|file| usual_place(&file.path) == Component::Etcd.mark());
    let mut changed = Vec::new();
    for file in planned {
        let outline = gone.remove(file.path.as_str());
        if outline != Some(&file.content.outline()) || has_other_bytes(&file.content, before) {
            changed.push(file.path);
        }
    }
    let removed: Vec<_> = gone.into_keys().map(str::to_owned).collect();
    let (restarts, is_reloaded) = match recipient {
        Recipient::Node(node) => to_restart(node.role, has_etcd, changed.iter().map(String::as_str)),
        Recipient::Cluster => (BTreeSet::new(), false),
    };
    let is_any = !changed.is_empty() || !removed.is_empty();
    let kind = PartChangeKind::Changed;
    is_any.then_some(PartChange { part: name, kind, files: changed, removed, restarts, is_reloaded })
}

fn has_other_bytes(content: &PlannedContent, before: &PreviousBuild<'_>) -> bool {
    match content {
        PlannedContent::Profile => before.other_profile,
        PlannedContent::PrivateKey(id) => before.new_keys.contains(id),
        PlannedContent::PublicKeys(ids) => ids.iter().any(|id| before.new_keys.contains(id)),
        PlannedContent::Manifest(manifest) => manifest.materials().into_iter().any(|(id, is_key)| {
            let changed = if is_key { &before.new_keys } else { &before.changed };
            changed.contains(id)
        }),
        content => sources(content).iter().any(|id| before.changed.contains(id)),
    }
}

/// Returns the keys and certificates from which a file's bytes are made.
pub(super) fn sources(content: &PlannedContent) -> Vec<&KeyId> {
    match content {
        PlannedContent::Certificate(id) | PlannedContent::PrivateKey(id) | PlannedContent::CertificateAndKey(id) => {
            vec![id]
        }
        PlannedContent::PublicKeys(ids) => ids.iter().collect(),
        PlannedContent::Chain(chain) => chain.certificates.iter().collect(),
        PlannedContent::Kubeconfig(kubeconfig) => {
            kubeconfig.embedded().into_iter().chain(&kubeconfig.authorities).collect()
        }
        PlannedContent::Manifest(manifest) => manifest.materials().into_iter().map(|(id, _)| id).collect(),
        PlannedContent::Link(_) | PlannedContent::Profile => Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::{Cow, PartChange, PartChangeKind, PreviousBuild, part_changes};
    use crate::kubernetes::{KeyId, PartName, Version};
    use crate::plan::{Plan, plan};
    use crate::profile::{self, Profile, ShipCaKeys};

    fn parse(profile: &[u8]) -> Profile {
        match profile::parse(profile) {
            Ok(parsed) => parsed.profile,
            Err(problems) => panic!("an example is no profile: {problems:?}"),
        }
    }

    fn ids(texts: &[&str]) -> Vec<KeyId> {
        texts.iter().filter_map(|id| id.parse().ok()).collect()
    }

    /// Returns the state before, when all parts of the plan were built and the keys and certificates with these ids are
    /// changed now.
    fn changed<'a>(plan: &Plan<'_>, ids: &'a [KeyId]) -> PreviousBuild<'a> {
        PreviousBuild {
            parts: plan.recipients.iter().map(|who| (who.part(), Cow::Owned(plan.outlines(*who)))).collect(),
            changed: ids.iter().collect(),
            new_keys: ids.iter().collect(),
            other_profile: false,
        }
    }

    /// Returns the components to restart, by part.
    fn restarts(part_changes: Vec<PartChange>) -> BTreeMap<String, String> {
        let names = part_changes.into_iter().map(|change| {
            let restarts: Vec<_> = change.restarts.iter().map(|component| component.name()).collect();
            (change.part.to_string(), restarts.join(" "))
        });
        names.collect()
    }

    #[test]
    fn only_what_runs_on_a_node_restarts_there() {
        let authorities = ids(&["ca/kubernetes", "ca/etcd", "ca/front-proxy"]);
        let of = |profile: &[u8]| {
            let profile = parse(profile);
            let plan = plan(&profile);
            restarts(part_changes(&plan, &changed(&plan, &authorities)))
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
        let profile = parse(include_bytes!("../../profiles/ha-stacked-etcd.toml"));
        let plan = plan(&profile);
        let apiserver = ids(&["node/cp-1/apiserver"]);
        let mut before = changed(&plan, &apiserver);
        let files = |before: &PreviousBuild<'_>| {
            part_changes(&plan, before).into_iter().map(|change| change.files).collect::<Vec<_>>()
        };
        let pair = ["etc/kubernetes/pki/apiserver.crt", "etc/kubernetes/pki/apiserver.key"];
        assert_eq!(files(&before), [pair]);
        before.new_keys.clear();
        assert_eq!(files(&before), [&pair[..1]]);
    }

    #[test]
    fn on_a_new_node_nothing_restarts() {
        let profile = parse(include_bytes!("../../profiles/ha-stacked-etcd.toml"));
        let plan = plan(&profile);
        let authority = ids(&["ca/kubernetes"]);
        let mut before = changed(&plan, &authority);
        let files = before.parts.remove(&PartName::Node("worker-1".to_owned())).unwrap_or_default();
        before.parts.insert(PartName::Node("worker-0".to_owned()), files.clone());
        let found = part_changes(&plan, &before);
        let of = |part: &str| found.iter().find(|change| change.part.to_string() == part);
        let (Some(added), Some(removed)) = (of("node/worker-1"), of("node/worker-0")) else { panic!("{found:?}") };
        assert_eq!((added.kind, added.files.len(), &added.removed), (PartChangeKind::Added, files.len(), &vec![]));
        assert_eq!((removed.kind, removed.removed.len()), (PartChangeKind::Removed, files.len()));
        assert!(added.restarts.is_empty() && removed.restarts.is_empty());
        assert_eq!(restarts(found)["node/worker-2"], "kubelet");
    }

    /// Kubernetes 1.33 points the kubelets of control planes at their own API server, which no certificate shows.
    #[test]
    fn kubeconfigs_that_keep_their_certificates_change_with_their_server() {
        let mut profile = parse(include_bytes!("../../profiles/ha-stacked-etcd.toml"));
        profile.cluster.kubernetes = Version::new(33, 0);
        let after = plan(&profile);
        assert_eq!(part_changes(&after, &changed(&after, &[])), []);
        let earlier = profile.with_kubernetes(Version::new(32, 9));
        let part_changes = part_changes(&after, &changed(&plan(&earlier), &[]));
        let [nodes @ .., cluster] = &*part_changes else { panic!("{part_changes:?}") };
        assert_eq!((nodes.len(), &*cluster.files), (3, &["kubeadm/init.yaml".to_owned()][..]));
        assert!(nodes.iter().all(|change| change.files == ["etc/kubernetes/kubelet.conf"]));
        let kubelets = restarts(part_changes);
        assert_eq!(kubelets.get("node/cp-3").map(String::as_str), Some("kubelet"));
    }

    #[test]
    fn what_is_no_longer_shipped_is_gone() {
        let mut profile = parse(include_bytes!("../../profiles/single-node.toml"));
        let before = changed(&plan(&profile), &[]);
        profile.ship_ca_keys = ShipCaKeys::None;
        let found = part_changes(&plan(&profile), &before);
        let keys = ["ca.key", "etcd/ca.key", "front-proxy-ca.key"].map(|key| format!("etc/kubernetes/pki/{key}"));
        assert!(matches!(&*found, [change] if change.removed == keys && change.files.is_empty()), "{found:?}");
    }
}
