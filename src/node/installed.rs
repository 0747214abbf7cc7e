//! The generation that certferry installed on a node, and whether a bundle may follow it.

use std::collections::BTreeSet;

use super::NodeError;
use super::place::{INSTALLED, RECORD, SIGNER, Slot};
use super::unit::Unit;
use crate::bundle::{ClusterId, Head, PartOwner, Record, RecordError, Sha256, VerifiedPart};
use crate::host::{NodeRoot, NodeTree};
use crate::kubernetes::{CLUSTER_CA, CertificatesDir, ETCD_CA, FILE_LIMIT, KUBERNETES, Role};
use crate::sign::{Fingerprint, PublicKey};

/// A generation on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The name of the cluster.
    pub cluster: String,
    /// The id of the cluster.
    pub cluster_id: ClusterId,
    /// The number of the generation.
    pub generation: u32,
    /// The phase of a rotation, 1 to 3. 0 outside of one.
    pub phase: u32,
    /// The authorities that rotate, by the ids of their keys, such as `ca/etcd`. None outside of a rotation.
    pub rotating: Vec<String>,
    /// The Kubernetes version for which it was made.
    pub kubernetes: String,
    /// The name of the node.
    pub node: String,
    /// The role of the node. `None` when the files are of no node.
    pub role: Option<Role>,
    /// The folder of the node's certificates and keys.
    pub certificates_dir: CertificatesDir,
    /// The SHA-256 of the record.
    pub record: Sha256,
    /// The fingerprint of the key that signed the record.
    pub signer: Fingerprint,
}

/// The reason why a bundle may not follow what is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallRefusal {
    /// Another cluster's files are installed.
    OtherCluster,
    /// Another node's files are installed.
    OtherNode,
    /// A newer generation is installed.
    Older,
    /// A later phase of the same rotation is installed.
    EarlierPhase,
    /// The same generation with another record is installed.
    OtherRecord,
}

impl Installed {
    /// Returns the generation that a part would install.
    pub(super) fn of(part: &VerifiedPart, signer: Fingerprint) -> Self {
        Self::new(part.record(), part.record_sha256(), signer)
    }

    fn new(record: &Record, sha256: Sha256, signer: Fingerprint) -> Self {
        let (node, role) = match &record.owner {
            PartOwner::Node(node) => (node.name.clone(), Some(node.role)),
            PartOwner::Cluster => (String::new(), None),
        };
        Self {
            cluster: record.head.cluster.clone(),
            cluster_id: record.head.cluster_id,
            generation: record.head.generation,
            phase: record.head.phase_number(),
            rotating: rotating(&record.head),
            kubernetes: record.head.kubernetes.clone(),
            node,
            role,
            certificates_dir: record.owner.certificates_dir(),
            record: sha256,
            signer,
        }
    }

    /// Returns why `next` may not follow this generation. Returns `None` when it may.
    #[must_use]
    pub fn refuses(&self, next: &Self) -> Option<InstallRefusal> {
        if self.cluster_id != next.cluster_id {
            Some(InstallRefusal::OtherCluster)
        } else if self.node != next.node {
            Some(InstallRefusal::OtherNode)
        } else if next.generation < self.generation {
            Some(InstallRefusal::Older)
        } else if next.generation > self.generation || next.record == self.record {
            None
        } else if next.phase != self.phase && next.phase != 0 && self.phase != 0 {
            (next.phase < self.phase).then_some(InstallRefusal::EarlierPhase)
        } else {
            Some(InstallRefusal::OtherRecord)
        }
    }

    /// Returns the name with which its bundle begins: `prod-1-g2-p1`.
    #[must_use]
    pub fn bundle(&self) -> String {
        self.bundle_of(self.phase)
    }

    /// Returns the name of the bundle of another phase of the same generation.
    fn bundle_of(&self, phase: u32) -> String {
        let name = format!("{}-g{}", self.cluster, self.generation);
        if phase == 0 { name } else { format!("{name}-p{phase}") }
    }

    /// Returns the bundle that has to be on the node between what is `installed` and this, when the two do not trust each
    /// other.
    #[must_use]
    pub(super) fn bundle_between(&self, installed: Option<&Self>) -> Option<String> {
        let (phase, last) = (self.phase, 3);
        match installed {
            Some(from) if from.generation == self.generation && from.phase != 0 && phase != 0 => {
                match from.phase < phase {
                    true => Some(self.bundle_of(from.phase + 1)),
                    false => Some(self.bundle_of(from.phase - 1)).filter(|_| from.phase > 1),
                }
            }
            // A rotation that has begun comes to its end first, or goes back to its beginning.
            Some(from) if from.phase != 0 && self.generation > from.generation => {
                (from.phase < last).then(|| from.bundle_of(from.phase + 1))
            }
            Some(from) if from.phase > 1 => Some(from.bundle_of(from.phase - 1)),
            _ => (phase > 1).then(|| self.bundle_of(1)),
        }
    }
}

/// Returns the authorities that rotate.
fn rotating(head: &Head) -> Vec<String> {
    let rows = head.phase.iter().flat_map(|phase| &phase.rotation);
    rows.map(|row| row.authority.to_string()).collect()
}

/// Returns what is installed. Returns `None` when certferry installed nothing.
///
/// # Errors
/// Fails when the record of it cannot be read, or is not what certferry wrote.
pub(super) fn installed(tree: &NodeTree) -> Result<Option<Installed>, NodeError> {
    Ok(read(tree.reading(), INSTALLED)?.map(|(_, installed)| installed))
}

/// Returns the places of the files that certferry's record says it brought, and that are there. Returns `None` when
/// certferry installed nothing.
///
/// # Errors
/// Fails when the record cannot be read, or is not what certferry wrote.
pub fn installed_files(root: &NodeRoot) -> Result<Option<BTreeSet<String>>, NodeError> {
    let Some((record, _)) = installed_record(root)? else { return Ok(None) };
    let places = record.rows.iter().map(|row| row.path().to_owned());
    Ok(Some(places.filter(|place| root.is_there(place)).collect()))
}

/// Returns what was installed before, if certferry installed it.
///
/// # Errors
/// Fails like [`installed`].
pub(super) fn previously_installed(tree: &NodeTree) -> Result<Option<Installed>, NodeError> {
    Ok(read(tree.reading(), &Unit::installed().at(Slot::Previous))?.map(|(_, installed)| installed))
}

/// Returns the record of what is installed, and what it says of the generation. Returns `None` when certferry installed
/// nothing.
///
/// # Errors
/// Fails like [`installed`].
pub(super) fn installed_record(root: &NodeRoot) -> Result<Option<(Record, Installed)>, NodeError> {
    read(root, INSTALLED)
}

/// Returns the folder of a node's certificates and keys: that of the installed generation. Where certferry installed
/// nothing, or it cannot be read, it is kubeadm's own, or where that is missing the first with the certificate of a CA.
#[must_use]
pub fn certificates_dir(root: &NodeRoot) -> CertificatesDir {
    if let Ok(Some((_, installed))) = installed_record(root) {
        return installed.certificates_dir;
    }
    other_certificates_dir(root, &CertificatesDir::default()).unwrap_or_default()
}

/// Returns the folder in which a node has the certificate of a CA, when it does not have the folder that is asked about:
/// kubeadm's own, or else the first by name.
pub(super) fn other_certificates_dir(root: &NodeRoot, folder: &CertificatesDir) -> Option<CertificatesDir> {
    if root.is_folder(folder.folder()) {
        return None;
    }
    let mut names = root.names(KUBERNETES).unwrap_or_default();
    names.sort_unstable();
    let others = names.iter().filter_map(|name| CertificatesDir::parse(&format!("/{KUBERNETES}/{name}")).ok());
    let is_used = |folder: &CertificatesDir| [CLUSTER_CA, ETCD_CA].iter().any(|ca| root.is_there(&folder.place(ca)));
    [CertificatesDir::default()].into_iter().chain(others).find(is_used)
}

/// Returns the record that is in a folder, and what it says of the generation. Returns `None` when none is there.
///
/// # Errors
/// Fails like [`installed`].
pub(super) fn read(root: &NodeRoot, folder: &str) -> Result<Option<(Record, Installed)>, NodeError> {
    // A folder alone is what a rollback leaves where each file of it goes by itself.
    let record = format!("{folder}/{RECORD}");
    if root.look(&record).map_err(|error| NodeError::io_in("look at", root, &record, error))?.is_none() {
        return Ok(None);
    }
    let broken = || NodeError::BrokenState { file: "installed" };
    let file = |name: &str| {
        let place = format!("{folder}/{name}");
        root.read(&place, FILE_LIMIT).map_err(|error| NodeError::io_in("read", root, &place, error))
    };
    let (bytes, key) = (file(RECORD)?, file(SIGNER)?);
    let record = Record::read(&bytes).map_err(|error| match error {
        RecordError::Field { field: "format", found } => NodeError::OtherFormat { found },
        _ => broken(),
    })?;
    let key = PublicKey::from_pem(&key).map_err(|_| broken())?;
    let installed = Installed::new(&record, Sha256::of(&bytes), key.fingerprint());
    Ok(Some((record, installed)))
}
