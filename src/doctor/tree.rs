//! Reads a node's files once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use zeroize::Zeroizing;

use crate::host::NodeRoot;
use crate::kubernetes::{FILE_LIMIT, KUBELET_PKI, KUBERNETES, MANIFESTS, PKI};

pub(super) const KUBELET_CONFIG: &str = "var/lib/kubelet/config.yaml";
pub(super) const KUBELET_FLAGS: &str = "var/lib/kubelet/kubeadm-flags.env";
pub(super) const HOST_NAME: &str = "etc/hostname";
/// The file into which `apply` writes what it is about to do.
const JOURNAL: &str = "etc/kubernetes/.certferry/journal";
/// The endings of files with certificates and keys below [`PKI`] and [`KUBELET_PKI`]. Kubeconfigs lie in [`KUBERNETES`]
/// itself.
///
/// The generations that `apply` keeps in `etc/kubernetes/.certferry`, and backups elsewhere, are not in use by the
/// node.
const ENDINGS: [&str; 4] = [".crt", ".key", ".pub", ".pem"];

/// The files of a node that the doctor looks at.
pub struct Tree {
    root: NodeRoot,
    /// The certificates, keys and kubeconfigs at the places where Kubernetes looks for them.
    pub(super) pki: BTreeMap<String, TreeFile>,
    /// The manifests, the kubelet's configuration and flags, and the file with the host's name.
    pub(super) texts: BTreeMap<String, TreeFile>,
    /// The kubeconfigs in homes.
    pub(super) homes: BTreeMap<String, TreeFile>,
    /// The folders of Kubernetes and of the kubelet that hold `pki` and the manifests, with mode and owner.
    pub(super) folders: BTreeMap<String, (u32, u32)>,
    /// The links that lead nowhere.
    pub(super) dangling: BTreeSet<String>,
    /// The files and folders that could not be read.
    pub unread: Vec<Unread>,
}

/// A file of the node.
pub(super) struct TreeFile {
    /// The permission bits.
    pub(super) mode: u32,
    /// The user that owns the file.
    pub(super) user: u32,
    /// The content.
    pub(super) content: Zeroizing<Vec<u8>>,
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
    /// Reads the files below a node's root. Returns `None` when nothing of Kubernetes is there.
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
        tree.read_folders();
        Some(tree)
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

    fn file(&mut self, place: &str) -> Option<TreeFile> {
        let read = || -> io::Result<TreeFile> {
            let content = self.root.read(place, FILE_LIMIT)?;
            Ok(TreeFile { mode: self.root.mode(place)?, user: self.root.owner(place)?.0, content })
        };
        match read() {
            Ok(file) => Some(file),
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

    /// Returns the content of a file that another file names, or `None` when it cannot be read. That is no problem,
    /// because the doctor need not see every file.
    pub(super) fn named(&self, place: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.root.read(place, FILE_LIMIT).ok()
    }

    /// Returns whether something is at that place.
    pub(super) fn is_there(&self, place: &str) -> bool {
        self.root.is_there(place)
    }

    /// Returns whether the folder of a place is at hand. A tree that was copied may have only parts of the node.
    pub(super) fn knows_folder_of(&self, place: &str) -> bool {
        place.rsplit_once('/').is_some_and(|(folder, _)| self.root.is_folder(folder))
    }

    /// Returns whether an `apply` was interrupted.
    pub(super) fn has_journal(&self) -> bool {
        self.is_there(JOURNAL)
    }

    /// Returns the text of a configuration or manifest, if it was read and is UTF-8.
    pub(super) fn text(&self, place: &str) -> Option<&str> {
        std::str::from_utf8(&self.texts.get(place)?.content).ok()
    }
}

fn is_kubernetes(folder: &str) -> bool {
    folder.starts_with(KUBERNETES) || folder.starts_with("var/lib/kubelet")
}

/// Returns the last part of a place.
pub(super) fn name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or_default()
}
