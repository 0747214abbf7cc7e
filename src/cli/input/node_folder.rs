//! The folder below which a node's files are.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::host::NodeTree;

/// The files below `--root`, which must be a folder.
pub(crate) fn open(root: &Path) -> Result<NodeTree, Failure> {
    if root.is_dir() {
        return Ok(NodeTree::new(root.to_owned()));
    }
    Err(Failure::cannot_run(format!("{} is no folder", root.display()))
        .hint("--root is the folder that holds etc/kubernetes and var/lib/kubelet, or shall hold them"))
}
