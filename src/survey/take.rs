//! Takes the survey of a node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::configurations::{KUBEADM_FILES, configurations};
use super::contents::Contents;
use super::kubeconfigs::kubeconfig;
use super::paths::Paths;
use super::programs::programs;
use super::{File, Node, Program, Survey, reason};
use crate::kubernetes::{CertificatesDir, KUBELET_CONF, KUBELET_PKI, KUBERNETES, MANIFESTS, PKI, Role, usual_place};
use crate::tree::{
    self, API_SERVER, CONTROLLER_MANAGER, ETCD, GatheredFacts, KUBELET, KUBELET_CONFIG, OTHER_FOLDERS, PLUGINS,
    SCHEDULER, Tree, is_certificate_or_key, is_kubeconfig,
};

/// Where RKE2's kubelet finds static pods.
pub(super) const RKE2_MANIFESTS: &str = "var/lib/rancher/rke2/agent/pod-manifests";
/// The folders in which k3s and RKE2 keep the files of a node itself. What lies in folders below is another thing.
pub(super) const AGENTS: [&str; 2] = ["var/lib/rancher/k3s/agent", "var/lib/rancher/rke2/agent"];
/// The folders with kubeconfigs of k3s and RKE2, and of network plugins.
pub(super) const KUBECONFIG_FOLDERS: [&str; 3] =
    [PLUGINS, "var/lib/rancher/k3s/server/cred", "var/lib/rancher/rke2/server/cred"];
/// The kubeconfigs that k3s and RKE2 write for people.
pub(super) const ADMIN_KUBECONFIGS: [&str; 2] = ["etc/rancher/k3s/k3s.yaml", "etc/rancher/rke2/rke2.yaml"];
/// The names of the kubeconfigs that kubeadm writes, and with which a kubelet begins.
pub(super) const KNOWN_KUBECONFIGS: [&str; 6] = [
    "admin.conf",
    "bootstrap-kubelet.conf",
    "controller-manager.conf",
    "kubelet.conf",
    "scheduler.conf",
    "super-admin.conf",
];
/// The most bytes of certificates that a survey takes.
const ROOM: usize = Survey::LIMIT / 2;

impl Survey {
    /// Takes the survey of the node with these files. `addresses` are those of the host, when its system runs.
    #[must_use]
    pub fn take(tree: &Tree, addresses: &[IpAddr]) -> Self {
        let facts = GatheredFacts::read(tree);
        let mut paths = Paths::default();
        let programs = programs(tree, &manifest_folders(&facts), &mut paths);
        let configurations = configurations(tree, &programs, &mut paths);
        usual_files(tree, &mut paths);
        let (sure, guesses) = usual_kubeconfigs(tree, &mut paths);
        let sure: BTreeSet<_> = sure.iter().map(|place| paths.leads_to(tree, place)).collect();
        let guesses = guesses.iter().map(|place| paths.leads_to(tree, place));
        let targets: BTreeSet<_> = guesses.collect::<Vec<_>>().into_iter().chain(sure.iter().cloned()).collect();
        let read = |place: &String| kubeconfig(tree, place, !sure.contains(place), &mut paths);
        let kubeconfigs: Vec<_> = targets.iter().filter_map(read).collect();
        let files = files(tree, &targets, &mut paths);
        let (links, unread) = paths.finish();
        let node = node(tree, &facts, &programs, addresses);
        Self { survey: Self::FORMAT, node, programs, configurations, files, kubeconfigs, links, unread }
    }

    /// Returns whether nothing of Kubernetes or etcd was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
            && self.configurations.is_empty()
            && self.files.is_empty()
            && self.kubeconfigs.is_empty()
            && self.unread.is_empty()
    }

    /// Returns what is there and could not be read or understood, so that the survey lacks something that the node has.
    pub fn lacking(&self) -> impl Iterator<Item = &super::Unread> {
        self.unread.iter().filter(|unread| unread.is_lacking())
    }
}

/// Returns whether a survey looks for certificates, keys and kubeconfigs at a path that nothing names.
pub(crate) fn looks_at(path: &str) -> bool {
    let is_below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    [PKI, KUBELET_PKI].into_iter().chain(OTHER_FOLDERS).any(is_below)
        || usual_place(path) != path
        || folder == KUBERNETES
        || AGENTS.contains(&folder)
        || KUBECONFIG_FOLDERS.contains(&folder)
}

/// Returns the folders in which the kubelet finds static pods.
fn manifest_folders(facts: &GatheredFacts) -> Vec<String> {
    let configured = facts.kubelet.as_ref().and_then(|kubelet| kubelet.static_pods.clone());
    let kubelet = facts.pod(KUBELET);
    let flag = kubelet.and_then(|kubelet| kubelet.place(kubelet.flag("pod-manifest-path")?));
    let folders: BTreeSet<_> =
        [MANIFESTS, RKE2_MANIFESTS].map(str::to_owned).into_iter().chain(configured).chain(flag).collect();
    folders.into_iter().collect()
}

/// Returns the folders in `etc/kubernetes` that hold a file which a setting names, and are none of the folders that are
/// known: that of certificates may have any name.
fn named_folders(paths: &Paths) -> BTreeSet<String> {
    let folders = paths.pem.iter().filter_map(|place| Some(place.rsplit_once('/')?.0));
    let is_other = |folder: &&str| {
        let is_known = *folder == PKI || OTHER_FOLDERS.contains(folder);
        !is_known && CertificatesDir::parse(&format!("/{folder}")).is_ok()
    };
    folders.filter(is_other).map(str::to_owned).collect()
}

/// Notes the files of certificates and keys in the folders that are known.
fn usual_files(tree: &Tree, paths: &mut Paths) {
    let named = named_folders(paths);
    let known = [PKI, KUBELET_PKI].into_iter().chain(OTHER_FOLDERS);
    for folder in known.chain(named.iter().map(String::as_str)) {
        let places = paths.files(tree, folder);
        paths.pem.extend(places.into_iter().filter(|place| is_certificate_or_key(place)));
    }
    for folder in AGENTS {
        let places = paths.names(tree, folder);
        let places = places.into_iter().filter(|place| is_certificate_or_key(place) && !tree.has_folder(place));
        paths.pem.extend(places);
    }
}

/// Returns the places of kubeconfigs: those in the folders that are known, and those that settings name. The second
/// ones have the ending alone of one, as `cloud.conf` has.
fn usual_kubeconfigs(tree: &Tree, paths: &mut Paths) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut places = std::mem::take(&mut paths.kubeconfigs);
    let kubernetes = paths.names(tree, KUBERNETES).into_iter();
    let kubernetes = kubernetes.filter(|place| is_kubeconfig(place) && !KUBEADM_FILES.contains(&place.as_str()));
    let is_guess = |place: &String| place.ends_with(".conf") && !KNOWN_KUBECONFIGS.contains(&tree::name(place));
    let (guesses, sure): (BTreeSet<_>, BTreeSet<_>) = kubernetes.partition(is_guess);
    places.extend(sure);
    for folder in KUBECONFIG_FOLDERS.into_iter().chain(AGENTS) {
        let names = paths.names(tree, folder).into_iter();
        places.extend(names.filter(|place| place.ends_with("kubeconfig")));
    }
    let homes = paths.names(tree, "home").into_iter().chain(["root".to_owned()]);
    let admins = ADMIN_KUBECONFIGS.map(str::to_owned).into_iter();
    let people = homes.map(|home| format!("{home}/.kube/config")).chain(admins);
    places.extend(people.filter(|place| !matches!(tree.root.look(place), Ok(None))));
    (places, guesses)
}

/// Returns the files that are no kubeconfigs.
fn files(tree: &Tree, kubeconfigs: &BTreeSet<String>, paths: &mut Paths) -> Vec<File> {
    let mut targets: BTreeSet<(String, bool)> = BTreeSet::new();
    for (places, is_opened) in [(std::mem::take(&mut paths.pem), true), (std::mem::take(&mut paths.opaque), false)] {
        for place in places {
            let target = paths.leads_to(tree, &place);
            if !kubeconfigs.contains(&target) && !targets.contains(&(target.clone(), true)) {
                targets.insert((target, is_opened));
            }
        }
    }
    let (mut files, mut room) = (Vec::new(), ROOM);
    for (place, is_opened) in targets {
        let Some(rights) = paths.rights(tree, &place) else { continue };
        let content = if is_opened { paths.content(tree, &place) } else { None };
        if is_opened && content.is_none() {
            continue;
        }
        let mut contents = content.map(|content| Contents::read(&content)).unwrap_or_default();
        let size: usize = contents.certificates.iter().chain(&contents.public_keys).map(String::len).sum();
        if size > room {
            contents = Contents::default();
            contents.unread.push(reason::TOO_LARGE);
        }
        room -= size.min(room);
        for reason in &contents.unread {
            paths.unread(&place, reason);
        }
        let super::paths::Rights { mode, owner, group } = rights;
        let Contents { certificates, private_keys, public_keys, .. } = contents;
        files.push(File { path: place, mode, owner, group, certificates, private_keys, public_keys });
    }
    files
}

fn node(tree: &Tree, facts: &GatheredFacts, programs: &[Program], addresses: &[IpAddr]) -> Node {
    let has = |name: &str| programs.iter().any(|program| program.name == name);
    let has_kubelet = has(KUBELET) || [KUBELET_CONF, KUBELET_CONFIG].iter().any(|place| tree.is_there(place));
    let role = if has(API_SERVER) || tree.is_there(&format!("{PKI}/apiserver.crt")) {
        Some(Role::ControlPlane)
    } else if has_kubelet {
        Some(Role::Worker)
    } else {
        has(ETCD).then_some(Role::Etcd)
    };
    let version = |name: &&str| programs.iter().find(|program| program.name == **name)?.version.clone();
    let addresses: BTreeSet<_> = addresses.iter().filter(|address| is_of_node(address)).collect();
    Node {
        host_name: facts.host_name.clone(),
        node_name: facts.kubelet_name.clone(),
        role: role.map(|role| role.name().to_owned()),
        kubernetes: [API_SERVER, CONTROLLER_MANAGER, SCHEDULER].iter().find_map(version),
        addresses: addresses.into_iter().map(IpAddr::to_string).collect(),
    }
}

/// Returns whether an address could be one by which others call the node: neither of loopback nor of a link.
fn is_of_node(address: &IpAddr) -> bool {
    let is_links = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(is_links || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}
