//! The sources of an inventory.

use std::collections::BTreeMap;

use crate::kubernetes::CertificatesDir;

/// Files that were read together.
pub struct Source<'a> {
    /// The kind of the source.
    pub kind: SourceKind<'a>,
    /// The node whose part of a bundle the files are.
    pub node: Option<&'a str>,
    /// The folder of the node that has the files, ending in `/`, or an empty text for the node's root. Places begin
    /// with it.
    pub mount: &'a str,
    /// The text that replaces `mount` in the path that a person would open.
    pub prefix: &'a str,
    /// The folder of the node's certificates and keys.
    pub certificates_dir: &'a CertificatesDir,
    /// The files by place.
    ///
    /// They are those at the places that [`interest`](super::interest) names, and those that a kubeconfig among them
    /// names (see [`referenced`](crate::kubeconfig::referenced)). A file without content exists but was not read,
    /// either because it is a key or because reading it failed. The caller reports the failure.
    pub files: BTreeMap<&'a str, Option<&'a [u8]>>,
}

/// The kind of a source.
#[derive(Clone, Copy)]
pub enum SourceKind<'a> {
    /// All files of a node, or of a part of a bundle.
    Tree,
    /// Any folder of a node. Nothing can be missing in it.
    Folder,
    /// A single certificate file or kubeconfig.
    File {
        /// The place of the file in `files`.
        place: &'a str,
        /// The name of the file, as the user gave it.
        title: &'a str,
    },
}
