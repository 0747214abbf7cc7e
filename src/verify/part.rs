//! The files of one node, or of the whole cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use time::OffsetDateTime;

use super::Fault;
use crate::kubeconfig::Kubeconfig;
use crate::lint::NodeFacts;
use crate::x509::{AltName, PemContents, ReadCertificate, read_pem};

/// Where kubeadm keeps the kubeconfig of whoever runs the cluster.
const ADMIN: &str = "etc/kubernetes/admin.conf";
/// How the files of the kubelet's stores begin: a file for each rotation, and the link `current.pem` to the last.
const STORES: [&str; 2] = [KUBELET_CLIENT, "var/lib/kubelet/pki/kubelet-server-"];
const KUBELET_CLIENT: &str = "var/lib/kubelet/pki/kubelet-client-";

/// How the names of files with certificates and keys end; those of kubeconfigs end in `.conf`.
pub(super) const ENDINGS: [&str; 4] = [".crt", ".key", ".pub", ".pem"];

/// The files of one part of a bundle, or of a folder.
pub struct Part<'a> {
    /// `node/<name>` or `cluster`; of a folder, whatever a person called it.
    pub name: &'a str,
    /// Path in the part's tree, as in `etc/kubernetes/pki/ca.crt`, to file.
    pub files: BTreeMap<&'a str, File<'a>>,
    /// The paths of symbolic links, each of which leads to a file beside it: the bundle's reader has seen to that. From
    /// a disk, a link is the file it leads to.
    pub links: BTreeSet<&'a str>,
    /// Whose files they are, if a node's and if that is known.
    pub node: Option<NodeFacts<'a>>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where files come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A bundle: certferry wrote every one of them, and all are there.
    Bundle {
        /// When the bundle says it was issued.
        issued_at: OffsetDateTime,
    },
    /// A disk: anybody wrote them, and some may not be at hand. What cannot be judged for that is passed over.
    Disk,
}

/// A regular file.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// Permission bits.
    pub mode: u32,
    /// Its bytes.
    pub content: &'a [u8],
}

/// Who is told of a fault of a file.
pub(super) type Report<'a> = dyn FnMut(&str, Fault) + 'a;

/// The PEM files of a part, read.
pub(super) type Pem<'a> = BTreeMap<&'a str, Arc<PemContents>>;

impl<'a> Part<'a> {
    /// Whether the files come from a disk.
    pub(super) fn is_disk(&self) -> bool {
        self.origin == Origin::Disk
    }

    /// The content of a file that is there.
    pub(super) fn content(&self, file: &str) -> Option<&'a [u8]> {
        self.files.get(file).map(|file| file.content)
    }

    /// The files that count, with their content.
    pub(super) fn contents(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let contents = self.files.iter().map(|(file, content)| (*file, content.content));
        contents.filter(|(file, _)| !self.is_outdated(file))
    }

    /// Whether a file is one that the kubelet has replaced: it keeps those, and moves its link.
    fn is_outdated(&self, file: &str) -> bool {
        let store = STORES.into_iter().find(|store| file.starts_with(store));
        store.is_some_and(|store| {
            let current = format!("{store}current.pem");
            self.is_disk() && file != current && self.files.contains_key(current.as_str())
        })
    }

    /// The host by which admin.conf calls the API servers; `None` when it knows none, or several clusters.
    pub(super) fn endpoint(&self) -> Option<AltName> {
        let read = Kubeconfig::read(self.content(ADMIN)?).ok()?;
        let [cluster] = &*read.clusters else { return None };
        let server = cluster.server.as_deref().filter(|server| server.starts_with("https://"))?;
        cluster.server_name.clone().map(AltName::Dns).or_else(|| AltName::of_url(server))
    }

    /// The name for which the kubelet's certificate was made, where nobody says which node this is.
    pub(super) fn kubelet_name(&self) -> Option<String> {
        let (_, pem) = self.contents().find(|(file, _)| file.starts_with(KUBELET_CLIENT))?;
        let name = read_pem(pem).ok()?.certificates.first().and_then(ReadCertificate::common_name)?;
        name.strip_prefix("system:node:").map(str::to_ascii_lowercase)
    }
}
