//! Settings of etcd's members, and what a monitor has to know of them.

use super::kubeadm_file::with_folder;
use crate::kubernetes::CertificatesDir;

/// A file for a member of external etcd, or for whoever watches members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EtcdFile {
    /// The environment of a member.
    Environment {
        /// The name of the node, and of the member.
        name: String,
        /// The URL at which it serves clients.
        client_url: String,
        /// The URL at which it serves other members.
        peer_url: String,
        /// The name of the cluster.
        cluster: String,
        /// Each member with its URL for the others, as `NAME=URL`.
        members: Vec<String>,
        /// Where the certificates lie.
        certificates_dir: CertificatesDir,
    },
    /// The drop-in by which systemd reads the environment of a member.
    DropIn {
        /// The name of the node, and of the member.
        name: String,
        /// Where the certificates lie.
        certificates_dir: CertificatesDir,
    },
    /// What Prometheus reads of the members' metrics.
    Prometheus {
        /// The name of the cluster.
        cluster: String,
        /// The address and port of each member.
        targets: Vec<String>,
    },
}

impl EtcdFile {
    /// Describes the content; see [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        match self {
            Self::Environment { name, client_url, peer_url, cluster, members, certificates_dir } => {
                let (members, folder) = (members.join(","), with_folder(certificates_dir));
                format!("etcd {name} of {cluster} at {client_url} and {peer_url} among {members}{folder}")
            }
            Self::DropIn { name, certificates_dir } => {
                format!("settings of etcd {name} for systemd{}", with_folder(certificates_dir))
            }
            Self::Prometheus { cluster, targets } => {
                format!("Prometheus of etcd of {cluster} at {}", targets.join(","))
            }
        }
    }
}
