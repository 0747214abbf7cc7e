//! Settings of etcd's members, and what a monitor has to know of them.

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
    },
    /// The drop-in by which systemd reads the environment of the member of this name.
    DropIn(String),
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
            Self::Environment { name, client_url, peer_url, cluster, members } => {
                format!("etcd {name} of {cluster} at {client_url} and {peer_url} among {}", members.join(","))
            }
            Self::DropIn(name) => format!("settings of etcd {name} for systemd"),
            Self::Prometheus { cluster, targets } => {
                format!("Prometheus of etcd of {cluster} at {}", targets.join(","))
            }
        }
    }
}
