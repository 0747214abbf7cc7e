//! The files of one node, or of the whole cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use time::OffsetDateTime;

use super::Fault;
use crate::bundle::Phase;
use crate::kubeconfig::Kubeconfig;
use crate::lint::NodeFacts;
use crate::x509::{AltName, PemContents, ReadCertificate, read_pem};

/// Where kubeadm keeps the administrator's kubeconfig.
const ADMIN: &str = "etc/kubernetes/admin.conf";
/// The beginnings of the paths in the kubelet's stores. A store has a file for each rotation, and a link that ends in
/// `current.pem` and leads to the newest.
const STORES: [&str; 2] = [KUBELET_CLIENT, "var/lib/kubelet/pki/kubelet-server-"];
const KUBELET_CLIENT: &str = "var/lib/kubelet/pki/kubelet-client-";

/// The endings of files with certificates and keys. Those of kubeconfigs end in `.conf`.
pub(super) const ENDINGS: [&str; 4] = [".crt", ".key", ".pub", ".pem"];

/// The files of one part of a bundle, or of a folder.
pub struct Part<'a> {
    /// `node/<name>` or `cluster`; for a folder, a name of the caller's choice.
    pub name: &'a str,
    /// The files, by their path in the part's tree, as in `etc/kubernetes/pki/ca.crt`.
    pub files: BTreeMap<&'a str, File<'a>>,
    /// The paths of symbolic links.
    ///
    /// In a bundle, each leads to a file beside it, which the bundle's reader has checked. A disk's links are followed
    /// when its files are read, so that only links that lead nowhere are here.
    pub links: BTreeSet<&'a str>,
    /// The node whose files these are, if they are a node's and the node is known.
    pub node: Option<NodeFacts<'a>>,
    /// The phase of a rotation for which the files are made, if they are of a bundle of one.
    pub phase: Option<&'a Phase>,
    /// Where the files come from.
    pub origin: Origin,
}

/// Where files come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A bundle. certferry wrote every file, and all of them are there.
    Bundle {
        /// When the bundle was issued, as its record states it.
        issued_at: OffsetDateTime,
    },
    /// A disk. Any program may have written the files, and some may not be at hand. What cannot be judged without those
    /// is passed over.
    Disk,
}

/// A regular file.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// The permission bits.
    pub mode: u32,
    /// The content.
    pub content: &'a [u8],
}

/// The function that receives the path of a file and a fault of that file.
pub(super) type Report<'a> = dyn FnMut(&str, Fault) + 'a;

/// The contents of a part's PEM files, by path.
pub(super) type Pem<'a> = BTreeMap<&'a str, Arc<PemContents>>;

impl<'a> Part<'a> {
    /// Returns whether the files come from a disk.
    pub(super) fn is_disk(&self) -> bool {
        self.origin == Origin::Disk
    }

    /// Returns the content of a file, or `None` when the part does not have it.
    pub(super) fn content(&self, file: &str) -> Option<&'a [u8]> {
        self.files.get(file).map(|file| file.content)
    }

    /// Returns the paths and contents of all files, save those that the kubelet has replaced.
    pub(super) fn contents(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let contents = self.files.iter().map(|(file, content)| (*file, content.content));
        contents.filter(|(file, _)| !self.is_outdated(file))
    }

    /// Returns whether the kubelet has replaced a file of a disk. The kubelet keeps old files and moves its link to the
    /// new one.
    fn is_outdated(&self, file: &str) -> bool {
        let store = STORES.into_iter().find(|store| file.starts_with(store));
        store.is_some_and(|store| {
            let current = format!("{store}current.pem");
            self.is_disk() && file != current && self.files.contains_key(current.as_str())
        })
    }

    /// Returns the host by which admin.conf calls the API servers, or the name that it expects in their certificate.
    ///
    /// Returns `None` when admin.conf cannot be read, or does not have exactly one cluster with an `https://` server.
    pub(super) fn endpoint(&self) -> Option<AltName> {
        let read = Kubeconfig::read(self.content(ADMIN)?).ok()?;
        let [cluster] = &*read.clusters else { return None };
        let server = cluster.server.as_deref().filter(|server| server.starts_with("https://"))?;
        cluster.server_name.clone().map(AltName::Dns).or_else(|| AltName::of_url(server))
    }

    /// Returns the node name in the kubelet's client certificate, in lower case. It counts when nothing else says which
    /// node this is.
    pub(super) fn kubelet_name(&self) -> Option<String> {
        let (_, pem) = self.contents().find(|(file, _)| file.starts_with(KUBELET_CLIENT))?;
        let name = read_pem(pem).ok()?.certificates.first().and_then(ReadCertificate::common_name)?;
        name.strip_prefix("system:node:").map(str::to_ascii_lowercase)
    }
}
