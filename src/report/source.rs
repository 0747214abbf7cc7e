//! What is read for an inventory.

use std::collections::BTreeMap;

/// Files that were read together.
pub struct Source<'a> {
    /// What they are.
    pub kind: SourceKind<'a>,
    /// The node whose part of a bundle they are.
    pub node: Option<&'a str>,
    /// The folder of the node that the files are from, ending in `/`; empty for its root. Places begin with it.
    pub mount: &'a str,
    /// What stands in its stead in the path that a person would open.
    pub prefix: &'a str,
    /// Place to content: the places that [`interest`](super::interest) names, and those that a kubeconfig among them names (see
    /// [`referenced`](crate::kubeconfig::referenced)). A file without content is there and was not read: a key, or a file that
    /// could not be read, which is the caller's to tell.
    pub files: BTreeMap<&'a str, Option<&'a [u8]>>,
}

/// What was inspected.
#[derive(Clone, Copy)]
pub enum SourceKind<'a> {
    /// Everything that a node has, or a part of a bundle.
    Tree,
    /// Some folder of a node: nothing in it can be missing.
    Folder,
    /// One file, certificate or kubeconfig.
    File {
        /// Where it is in `files`.
        place: &'a str,
        /// How it was named.
        title: &'a str,
    },
}
