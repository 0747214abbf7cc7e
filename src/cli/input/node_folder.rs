//! Finds folders of a node's files.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::host::{self, NodeRoot, NodeTree};
use crate::kubernetes::{CERTS_D, CertificatesDir};
use crate::node;
use crate::report::SourceKind;

/// Returns the files below `--root`, which must be a folder.
pub(crate) fn open(root: &Path) -> Result<NodeTree, Failure> {
    if root.is_dir() {
        return Ok(NodeTree::new(root.to_owned()));
    }
    Err(Failure::cannot_run(format!("{} is no folder", root.display()))
        .hint("--root is the folder that holds etc/kubernetes and var/lib/kubelet, or shall hold them"))
}

/// Returns the files like [`open`], to change them. Of a running node only root may.
pub(crate) fn open_to_change(root: &Path) -> Result<NodeTree, Failure> {
    if !host::is_root() && root.canonicalize().is_ok_and(|root| root == Path::new("/")) {
        return Err(Failure::cannot_run("only root can change the files of a node")
            .hint("run this as root, or try it with --root DIR; nothing was changed"));
    }
    open(root)
}

/// A folder of a node's files, and its place on the node.
pub(crate) struct Folder {
    pub(crate) root: NodeRoot,
    /// The text that a person would type before a place.
    pub(crate) prefix: String,
    pub(crate) kind: SourceKind<'static>,
    /// The folder of the node that `root` is. Empty when `root` is the node's root.
    pub(crate) mount: &'static str,
    /// The folders below `root` to look in.
    pub(crate) below: Vec<&'static str>,
}

impl Folder {
    pub(crate) fn find(path: &Path) -> Result<Self, Failure> {
        Self::of(path).ok_or_else(|| {
            Failure::cannot_run(format!("{} holds neither etc/kubernetes nor var/lib/kubelet", path.display()))
                .hint("name the root of a node's files, /etc/kubernetes, a pki folder, or single files")
        })
    }

    fn of(path: &Path) -> Option<Self> {
        let (kubernetes, kubelet) = ("etc/kubernetes", "var/lib/kubelet");
        let root = NodeRoot::new(path.to_owned());
        if root.is_folder(kubernetes) || root.is_folder(kubelet) {
            return Some(Self::new(path, SourceKind::Tree, "", vec![kubernetes, "var/lib/kubelet/pki", CERTS_D]));
        }
        // The path `.` in /etc/kubernetes is /etc/kubernetes.
        if let Some(root) = std::path::absolute(path).ok().and_then(|path| root_above(&path, kubernetes)) {
            return Self::of(&root);
        }
        let names = |folder| root.files(folder).0;
        let is_kubelets = |file: &String| file.rsplit('/').next().is_some_and(|name| name.starts_with("kubelet"));
        let (kind, mount) = if root.is_folder("pki") {
            if names("pki").iter().any(is_kubelets) {
                (SourceKind::Folder, "var/lib/kubelet/")
            } else {
                (SourceKind::Tree, "etc/kubernetes/")
            }
        } else if names("").iter().any(is_kubelets) {
            (SourceKind::Folder, "var/lib/kubelet/pki/")
        } else if names("").iter().any(|file| file.ends_with(".crt")) {
            (SourceKind::Folder, "etc/kubernetes/pki/")
        } else {
            return None;
        };
        Some(Self::new(path, kind, mount, vec![""]))
    }

    fn new(path: &Path, kind: SourceKind<'static>, mount: &'static str, below: Vec<&'static str>) -> Self {
        let prefix = format!("{}/", path.display().to_string().trim_end_matches('/'));
        Self { root: NodeRoot::new(path.to_owned()), prefix, kind, mount, below }
    }

    /// Returns the folder of certificates of the node, as far as the node tells.
    pub(crate) fn certificates_dir(&self) -> CertificatesDir {
        if self.mount.is_empty() { node::certificates_dir(&self.root) } else { CertificatesDir::default() }
    }

    pub(crate) fn path(&self, file: &str) -> String {
        format!("{}{file}", self.prefix)
    }
}

/// Returns the folder relative to which the path is `below`, if there is one.
pub(crate) fn root_above(path: &Path, below: &str) -> Option<PathBuf> {
    let count = Path::new(below).components().count();
    path.ends_with(below).then(|| path.ancestors().nth(count).map(Path::to_owned)).flatten()
}
