//! Reads a node's files once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use zeroize::Zeroizing;

use crate::host::NodeRoot;
use crate::kubernetes::{CertificatesDir, FILE_LIMIT, KUBELET_PKI, KUBERNETES, MANIFESTS};

pub(crate) const KUBELET_CONFIG: &str = "var/lib/kubelet/config.yaml";
pub(crate) const KUBELET_FLAGS: &str = "var/lib/kubelet/kubeadm-flags.env";
/// The folders of systemd's units, the one that counts first.
pub(crate) const UNIT_FOLDERS: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
/// The folder of the configurations of network plugins, some of which are kubeconfigs: `calico-kubeconfig`.
pub(crate) const PLUGINS: &str = "etc/cni/net.d";
pub(crate) const HOST_NAME: &str = "etc/hostname";
/// The file into which `apply` writes what it is about to do.
const JOURNAL: &str = "etc/kubernetes/.certferry/journal";
/// The beginnings of the names of services whose programs are known.
const SERVICES: [&str; 8] = ["kube", "etcd", "k3s", "rke2", "k0s", "snap.microk8s", "apiserver", "hyperkube"];
/// The endings of files with certificates and keys below the folder of certificates and [`KUBELET_PKI`]. Kubeconfigs
/// lie in [`KUBERNETES`] itself.
///
/// The generations that `apply` keeps in `etc/kubernetes/.certferry`, and backups elsewhere, are not in use by the
/// node.
const ENDINGS: [&str; 4] = [".crt", ".key", ".pub", ".pem"];

/// The folders in which other makers keep certificates: kubeasz and kubespray, k3s, RKE2, MicroK8s, k0s,
/// Talos, whose kubelet gets the manifests over the network.
pub(crate) const OTHER_FOLDERS: [&str; 9] = [
    "etc/kubernetes/ssl",
    "etc/ssl/etcd/ssl",
    "etc/etcd/pki",
    "etc/etcd/ssl",
    "var/lib/rancher/k3s/server/tls",
    "var/lib/rancher/rke2/server/tls",
    "var/snap/microk8s/current/certs",
    "var/lib/k0s/pki",
    "system/secrets",
];

/// The files of a node.
pub struct Tree {
    pub(crate) root: NodeRoot,
    /// The folder of certificates and keys.
    pub(crate) certificates_dir: CertificatesDir,
    /// The certificates, keys and kubeconfigs at the places where Kubernetes looks for them.
    pub(crate) pki: BTreeMap<String, TreeFile>,
    /// The manifests, the kubelet's configuration and flags, and the file with the host's name.
    pub(crate) texts: BTreeMap<String, TreeFile>,
    /// The systemd units of services, and their drop-ins.
    pub(crate) units: BTreeMap<String, String>,
    /// The kubeconfigs in homes.
    pub(crate) homes: BTreeMap<String, TreeFile>,
    /// The kubeconfigs of network plugins.
    pub(crate) plugins: BTreeMap<String, TreeFile>,
    /// The folders of Kubernetes and of the kubelet that hold `pki` and the manifests, with mode and owner.
    pub(crate) folders: BTreeMap<String, (u32, u32)>,
    /// The files that hold the path of another file, because a copy made a file of a link, each with that path.
    pub(crate) copied_links: BTreeMap<String, String>,
    /// The links that lead nowhere.
    pub(crate) dangling: BTreeSet<String>,
    /// The files and folders that could not be read.
    pub unread: Vec<Unread>,
}

/// A file of the node.
pub(crate) struct TreeFile {
    /// The permission bits.
    pub(crate) mode: u32,
    /// The user that owns the file.
    pub(crate) user: u32,
    /// The content.
    pub(crate) content: Zeroizing<Vec<u8>>,
}

/// A file or folder that exists but could not be read.
#[derive(Debug)]
pub struct Unread {
    /// The path below the node's root.
    pub place: String,
    /// The error of the operating system.
    pub error: io::Error,
}

impl Tree {
    /// Reads the files below a node's root, whose certificates lie in this folder. Returns `None` when nothing of
    /// Kubernetes is there.
    #[must_use]
    pub fn read(root: NodeRoot, certificates_dir: CertificatesDir) -> Option<Self> {
        let is_nodes = root.is_folder(KUBERNETES) || root.is_folder("var/lib/kubelet");
        is_nodes.then(|| Self::read_with(root, certificates_dir))
    }

    /// Reads the files below a node's root, which may have none of them: other makers keep theirs elsewhere.
    #[must_use]
    pub fn read_any(root: NodeRoot) -> Self {
        Self::read_with(root, CertificatesDir::default())
    }

    fn read_with(root: NodeRoot, certificates_dir: CertificatesDir) -> Self {
        let mut tree = Self {
            root,
            certificates_dir,
            pki: BTreeMap::new(),
            texts: BTreeMap::new(),
            units: BTreeMap::new(),
            homes: BTreeMap::new(),
            plugins: BTreeMap::new(),
            folders: BTreeMap::new(),
            copied_links: BTreeMap::new(),
            dangling: BTreeSet::new(),
            unread: Vec::new(),
        };
        for place in tree.names(KUBERNETES).into_iter().filter(|place| is_kubeconfig(place)) {
            let file = tree.file(&place);
            tree.pki.extend(file.map(|file| (place, file)));
        }
        let folders = [tree.certificates_dir.folder(), KUBELET_PKI].map(str::to_owned);
        for folder in folders {
            let (places, errors) = tree.root.files(&folder);
            tree.unread.extend(errors.into_iter().map(|(place, error)| Unread { place, error }));
            for place in places.into_iter().filter(|place| is_certificate_or_key(place)) {
                let file = tree.file(&place);
                tree.pki.extend(file.map(|file| (place, file)));
            }
        }
        // The kubelet reads every file whose name does not begin with a dot (pkg/kubelet/config/file.go, v1.20.2).
        let manifests = tree.names(MANIFESTS).into_iter();
        let manifests: Vec<_> = manifests.filter(|place| !name(place).starts_with('.')).collect();
        let configurations = [KUBELET_CONFIG, KUBELET_FLAGS, HOST_NAME].map(str::to_owned);
        for place in manifests.into_iter().chain(configurations) {
            if tree.root.is_there(&place) && !tree.root.is_folder(&place) {
                let file = tree.file(&place);
                tree.texts.extend(file.map(|file| (place, file)));
            }
        }
        let homes = tree.names("home").into_iter().chain(["root".to_owned()]);
        for place in homes.map(|home| format!("{home}/.kube/config")).collect::<Vec<_>>() {
            if tree.root.is_there(&place) {
                let file = tree.file(&place);
                tree.homes.extend(file.map(|file| (place, file)));
            }
        }
        for place in tree.names(PLUGINS).into_iter().filter(|place| place.ends_with("kubeconfig")) {
            let file = tree.file(&place);
            tree.plugins.extend(file.map(|file| (place, file)));
        }
        tree.read_units();
        tree.read_folders();
        tree
    }

    /// Reads the units of the services whose programs are known. A unit that cannot be read says nothing.
    fn read_units(&mut self) {
        for folder in UNIT_FOLDERS {
            let names = self.root.names(folder).unwrap_or_default();
            for name in names.iter().filter(|name| SERVICES.iter().any(|service| name.starts_with(service))) {
                let place = format!("{folder}/{name}");
                let parts =
                    if name.ends_with(".service.d") { self.root.names(&place).unwrap_or_default() } else { Vec::new() };
                let drop_ins =
                    parts.iter().filter(|part| part.ends_with(".conf")).map(|part| format!("{place}/{part}"));
                let unit = name.ends_with(".service").then(|| place.clone());
                for place in drop_ins.chain(unit) {
                    let text = self.text_of(&place);
                    self.units.extend(text.map(|text| (place, text)));
                }
            }
        }
    }

    /// Returns the places of everything in a folder.
    fn names(&mut self, folder: &str) -> Vec<String> {
        match self.root.names(folder) {
            Ok(names) => names.into_iter().map(|name| format!("{folder}/{name}")).collect(),
            Err(error) => {
                self.unread.push(Unread { place: folder.to_owned(), error });
                Vec::new()
            }
        }
    }

    /// Returns a file that another file names.
    pub(crate) fn file_at(&self, place: &str) -> Option<TreeFile> {
        let content = self.root.read(place, FILE_LIMIT).ok()?;
        Some(TreeFile { mode: self.root.mode(place).ok()?, user: self.root.owner(place).ok()?.0, content })
    }

    fn file(&mut self, place: &str) -> Option<TreeFile> {
        let read = || -> io::Result<TreeFile> {
            let content = self.root.read(place, FILE_LIMIT)?;
            Ok(TreeFile { mode: self.root.mode(place)?, user: self.root.owner(place)?.0, content })
        };
        match read() {
            Ok(file) => {
                // What it would be as a link: the contents and the mode of the file to which it leads.
                let target = copied_link(place, &file.content).filter(|target| self.root.is_there(target));
                let Some((target, linked)) = target.and_then(|target| self.file_at(&target).map(|file| (target, file)))
                else {
                    return Some(file);
                };
                self.copied_links.insert(place.to_owned(), target);
                Some(linked)
            }
            // The name exists, but nothing is behind it: it is a link that leads nowhere.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.dangling.insert(place.to_owned());
                None
            }
            Err(error) => {
                self.unread.push(Unread { place: place.to_owned(), error });
                None
            }
        }
    }

    fn read_folders(&mut self) {
        let mut folders: BTreeSet<String> = [KUBERNETES.to_owned()].into();
        for place in self.pki.keys().chain(self.texts.keys().filter(|place| place.starts_with(MANIFESTS))) {
            let ancestors = place.match_indices('/').filter_map(|(end, _)| place.get(..end));
            folders.extend(ancestors.filter(|folder| is_kubernetes(folder)).map(str::to_owned));
        }
        for folder in folders {
            if let (Ok(mode), Ok((user, _))) = (self.root.mode(&folder), self.root.owner(&folder)) {
                self.folders.insert(folder, (mode, user));
            }
        }
    }

    /// Returns the content of a file that another file names, or `None` when it cannot be read.
    pub(crate) fn named(&self, place: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.root.read(place, FILE_LIMIT).ok()
    }

    /// Returns the content of a file, whoever names it, or `None` when it cannot be read.
    pub(crate) fn content(&self, place: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.pki.get(place).map(|file| file.content.clone()).or_else(|| self.named(place))
    }

    /// Returns the places of all files below a folder.
    pub(crate) fn files_below(&self, folder: &str) -> Vec<String> {
        self.root.files(folder).0
    }

    /// Returns the text of a file that another file names.
    pub(crate) fn text_of(&self, place: &str) -> Option<String> {
        String::from_utf8(self.named(place)?.to_vec()).ok()
    }

    /// Returns the uppermost folder of a place that is not there, or `None` when the place's own folder is there.
    pub(crate) fn missing_folder(&self, place: &str) -> Option<String> {
        let ends = place.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
        ends.filter_map(|end| place.get(..end)).find(|folder| !self.root.is_folder(folder)).map(str::to_owned)
    }

    /// Returns whether a folder that is not there is missing, and not merely left out of a copy: a folder in that of
    /// Kubernetes or of the kubelet, or in a whole system.
    pub(crate) fn is_nodes(&self, folder: &str) -> bool {
        is_kubernetes(folder) || self.root.is_folder("usr")
    }

    /// Returns whether something is at that place.
    pub(crate) fn is_there(&self, place: &str) -> bool {
        self.root.is_there(place)
    }

    /// Returns whether there is a folder at a place.
    pub(crate) fn has_folder(&self, place: &str) -> bool {
        self.root.is_folder(place)
    }

    /// Returns whether these are the files of a system that runs, and not a copy.
    pub(crate) fn is_running(&self) -> bool {
        self.root.is_folder("proc/self")
    }

    /// Returns whether an `apply` was interrupted.
    pub(crate) fn has_journal(&self) -> bool {
        self.is_there(JOURNAL)
    }

    /// Returns the text of a configuration or manifest, if it was read and is UTF-8.
    pub(crate) fn text(&self, place: &str) -> Option<&str> {
        std::str::from_utf8(&self.texts.get(place)?.content).ok()
    }
}

fn is_kubernetes(folder: &str) -> bool {
    folder.starts_with(KUBERNETES) || folder.starts_with("var/lib/kubelet")
}

/// Returns the place that a file of the kubelet's store names and nothing else: what some copies make of a link.
fn copied_link(place: &str, content: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(content).ok()?.trim_end();
    let is_path = place.starts_with(KUBELET_PKI) && path.len() < 256 && path.ends_with(".pem") && !path.contains('\n');
    is_path.then(|| crate::kubeconfig::resolve(place, path)).filter(|target| target != place)
}

/// Returns whether a file in a folder of certificates is named like one, or like a key.
pub(crate) fn is_certificate_or_key(place: &str) -> bool {
    ENDINGS.iter().any(|ending| place.ends_with(ending))
}

/// Returns whether a file in the folder of Kubernetes is named like a kubeconfig.
pub(crate) fn is_kubeconfig(place: &str) -> bool {
    place.ends_with(".conf") || place.ends_with(".kubeconfig")
}

/// Returns the last part of a place.
pub(crate) fn name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or_default()
}
