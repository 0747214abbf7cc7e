//! The folders of a node in which the files of a part lie, and what one rename swaps in each.

use super::place::{KUBELET_PKI, KUBERNETES, PKI};
use super::registry::{CERTS_D, TRUST_FOLDERS};

/// A folder of a node in which files of a part lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitFolder {
    /// The folder, relative to the root.
    pub folder: &'static str,
    /// What one rename swaps.
    pub swaps: Swaps,
    /// The folder that holds what is not live, in a folder of its own. Both must lie on one file system.
    pub slots: &'static str,
}

/// What one rename swaps in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swaps {
    /// The folder as a whole.
    Whole,
    /// Each folder in it. Others than a part's lie beside them.
    Folders,
    /// Each file in it. Others than a part's lie beside them.
    Files,
}

/// The folders, in the order in which they are swapped.
pub const UNIT_FOLDERS: [UnitFolder; 6] = [
    UnitFolder { folder: PKI, swaps: Swaps::Whole, slots: KUBERNETES },
    UnitFolder { folder: KUBELET_PKI, swaps: Swaps::Whole, slots: "var/lib/kubelet" },
    UnitFolder { folder: KUBERNETES, swaps: Swaps::Files, slots: KUBERNETES },
    UnitFolder { folder: CERTS_D, swaps: Swaps::Folders, slots: CERTS_D },
    // `update-ca-certificates` takes what lies deeper in its folder, too: what is kept for a rollback lies beside it.
    UnitFolder { folder: TRUST_FOLDERS[0], swaps: Swaps::Files, slots: "usr/local/share" },
    UnitFolder { folder: TRUST_FOLDERS[1], swaps: Swaps::Files, slots: "etc/pki/ca-trust/source" },
];
