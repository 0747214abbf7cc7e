//! A node's files, read once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use zeroize::Zeroizing;

use crate::host::NodeRoot;
use crate::kubernetes::{FILE_LIMIT, KUBELET_PKI, KUBERNETES, MANIFESTS, PKI};

pub(super) const KUBELET_CONFIG: &str = "var/lib/kubelet/config.yaml";
pub(super) const KUBELET_FLAGS: &str = "var/lib/kubelet/kubeadm-flags.env";
pub(super) const HOST_NAME: &str = "etc/hostname";
/// Where `apply` writes what it is about to do.
const JOURNAL: &str = "etc/kubernetes/.certferry/journal";
/// What certificates and keys end in; kubeconfigs lie in [`KUBERNETES`] itself. Generations that `apply` keeps in
/// `etc/kubernetes/.certferry`, and other people's backups, are not the node's.
const ENDINGS: [&str; 4] = [".crt", ".key", ".pub", ".pem"];

/// A node's files, as far as a doctor looks at them.
pub struct Tree {
    root: NodeRoot,
    /// Certificates, keys and kubeconfigs where Kubernetes looks for them.
    pub(super) pki: BTreeMap<String, TreeFile>,
    /// Manifests, the kubelet's configuration, the host's name.
    pub(super) texts: BTreeMap<String, TreeFile>,
    /// Kubeconfigs in homes.
    pub(super) homes: BTreeMap<String, TreeFile>,
    /// Folders of all these, with mode and owner.
    pub(super) folders: BTreeMap<String, (u32, u32)>,
    /// Links that lead nowhere.
    pub(super) dangling: BTreeSet<String>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// A file of the node.
pub(super) struct TreeFile {
    /// Permission bits.
    pub(super) mode: u32,
    /// The user that owns it.
    pub(super) user: u32,
    /// Its bytes.
    pub(super) content: Zeroizing<Vec<u8>>,
}

/// A file or folder that is there and could not be read.
#[derive(Debug)]
pub struct Unread {
    /// Below the node's root.
    pub place: String,
    /// What the operating system said.
    pub error: io::Error,
}

impl Tree {
    /// Reads what there is below a node's root; `None` when nothing of Kubernetes is there.
    #[must_use]
    pub fn read(root: NodeRoot) -> Option<Self> {
        if !root.is_folder(KUBERNETES) && !root.is_folder("var/lib/kubelet") {
            return None;
        }
        let mut tree = Self {
            root,
            pki: BTreeMap::new(),
            texts: BTreeMap::new(),
            homes: BTreeMap::new(),
            folders: BTreeMap::new(),
            dangling: BTreeSet::new(),
            unread: Vec::new(),
        };
        for place in tree.names(KUBERNETES).into_iter().filter(|place| place.ends_with(".conf")) {
            let file = tree.file(&place);
            tree.pki.extend(file.map(|file| (place, file)));
        }
        for folder in [PKI, KUBELET_PKI] {
            let (places, errors) = tree.root.files(folder);
            tree.unread.extend(errors.into_iter().map(|(place, error)| Unread { place, error }));
            for place in places.into_iter().filter(|place| ENDINGS.iter().any(|ending| place.ends_with(ending))) {
                let file = tree.file(&place);
                tree.pki.extend(file.map(|file| (place, file)));
            }
        }
        // The kubelet reads whatever does not begin with a dot (pkg/kubelet/config/file.go, v1.20.2).
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
        tree.read_folders();
        Some(tree)
    }

    /// The places of what is in a folder.
    fn names(&mut self, folder: &str) -> Vec<String> {
        match self.root.names(folder) {
            Ok(names) => names.into_iter().map(|name| format!("{folder}/{name}")).collect(),
            Err(error) => {
                self.unread.push(Unread { place: folder.to_owned(), error });
                Vec::new()
            }
        }
    }

    fn file(&mut self, place: &str) -> Option<TreeFile> {
        let read = || -> io::Result<TreeFile> {
            let content = self.root.read(place, FILE_LIMIT)?;
            Ok(TreeFile { mode: self.root.mode(place)?, user: self.root.owner(place)?.0, content })
        };
        match read() {
            Ok(file) => Some(file),
            // Its name is there, and nothing behind it.
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

    /// A file that somebody names, if it can be read: a doctor need not see everything.
    pub(super) fn named(&self, place: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.root.read(place, FILE_LIMIT).ok()
    }

    /// Whether something is at that place.
    pub(super) fn is_there(&self, place: &str) -> bool {
        self.root.is_there(place)
    }

    /// Whether the folder of a place is at hand: of a tree that was copied, only parts may be.
    pub(super) fn knows_folder_of(&self, place: &str) -> bool {
        place.rsplit_once('/').is_some_and(|(folder, _)| self.root.is_folder(folder))
    }

    /// Whether an `apply` was interrupted.
    pub(super) fn has_journal(&self) -> bool {
        self.is_there(JOURNAL)
    }

    /// The text of a configuration or manifest.
    pub(super) fn text(&self, place: &str) -> Option<&str> {
        std::str::from_utf8(&self.texts.get(place)?.content).ok()
    }
}

fn is_kubernetes(folder: &str) -> bool {
    folder.starts_with(KUBERNETES) || folder.starts_with("var/lib/kubelet")
}

/// The last part of a place.
pub(super) fn name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or_default()
}
