//! Files of a node about the root of a registry.

use crate::profile::RootCertificate;

/// A file about the root of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryFile {
    /// What containerd reads of the registry of this name, its `hosts.toml`.
    Hosts(String),
    /// The certificates of a root that the profile brings.
    Root(Vec<RootCertificate>),
}

impl RegistryFile {
    /// Describes the content; see [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        match self {
            Self::Hosts(host) => format!("hosts of containerd for {host}"),
            Self::Root(certificates) => {
                let hashes: Vec<_> = certificates.iter().map(|known| known.sha256.as_str()).collect();
                format!("root with SHA-256 {}", hashes.join(" and "))
            }
        }
    }
}
