//! What certferry installed on a node, and whether a bundle may follow it.

use super::NodeError;
use super::place::{INSTALLED, RECORD, SIGNER, Slot};
use super::session::look;
use super::unit::Unit;
use crate::bundle::{ClusterId, PartOwner, Record, Sha256, VerifiedPart};
use crate::host::NodeTree;
use crate::kubernetes::FILE_LIMIT;
use crate::sign::{Fingerprint, PublicKey};

/// A generation on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's id.
    pub cluster_id: ClusterId,
    /// Its generation.
    pub generation: u32,
    /// The Kubernetes version it was made for.
    pub kubernetes: String,
    /// The node's name.
    pub node: String,
    /// SHA-256 of its record.
    pub record: Sha256,
    /// Who signed the record.
    pub signer: Fingerprint,
}

/// Why a bundle may not follow what is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallRefusal {
    /// Another cluster's files are installed.
    OtherCluster,
    /// Another node's files are installed.
    OtherNode,
    /// A newer generation is installed.
    Older,
    /// The same generation with another record is installed.
    OtherRecord,
}

impl Installed {
    /// What a part would install.
    pub(super) fn of(part: &VerifiedPart, signer: Fingerprint) -> Self {
        Self::new(part.record(), part.record_sha256(), signer)
    }

    fn new(record: &Record, sha256: Sha256, signer: Fingerprint) -> Self {
        let node = match &record.owner {
            PartOwner::Node(node) => node.name.clone(),
            PartOwner::Cluster => String::new(),
        };
        Self {
            cluster: record.head.cluster.clone(),
            cluster_id: record.head.cluster_id,
            generation: record.head.generation,
            kubernetes: record.head.kubernetes.clone(),
            node,
            record: sha256,
            signer,
        }
    }

    /// Why the other may not follow this one, if it may not.
    #[must_use]
    pub fn refuses(&self, next: &Self) -> Option<InstallRefusal> {
        if self.cluster_id != next.cluster_id {
            Some(InstallRefusal::OtherCluster)
        } else if self.node != next.node {
            Some(InstallRefusal::OtherNode)
        } else if next.generation < self.generation {
            Some(InstallRefusal::Older)
        } else if next.generation == self.generation && next.record != self.record {
            Some(InstallRefusal::OtherRecord)
        } else {
            None
        }
    }
}

/// What is installed; nothing where certferry installed nothing.
///
/// # Errors
/// When it cannot be read, or is not what certferry wrote.
pub(super) fn installed(tree: &NodeTree) -> Result<Option<Installed>, NodeError> {
    read(tree, INSTALLED)
}

/// What was installed before, as far as certferry installed it.
///
/// # Errors
/// As [`installed`].
pub(super) fn previously_installed(tree: &NodeTree) -> Result<Option<Installed>, NodeError> {
    read(tree, &Unit::installed().at(Slot::Previous))
}

fn read(tree: &NodeTree, folder: &str) -> Result<Option<Installed>, NodeError> {
    if look(tree, folder)?.is_none() {
        return Ok(None);
    }
    let broken = || NodeError::BrokenState { file: "installed" };
    let file = |name: &str| {
        let place = format!("{folder}/{name}");
        tree.read(&place, FILE_LIMIT).map_err(|error| NodeError::io("read", tree, &place, error))
    };
    let (bytes, key) = (file(RECORD)?, file(SIGNER)?);
    let record = Record::read(&bytes).map_err(|_| broken())?;
    let key = PublicKey::from_pem(&key).map_err(|_| broken())?;
    Ok(Some(Installed::new(&record, Sha256::of(&bytes), key.fingerprint())))
}
