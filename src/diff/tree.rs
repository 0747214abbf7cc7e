//! The files of one part, with what their certificates say.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::ids;
use crate::bundle::Sha256;
use crate::kubeconfig::{Held, Kubeconfig};
use crate::kubernetes::{KeyId, PartName, Role};
use crate::x509::read_pem;

/// The files of a part, in a bundle or on a node.
pub struct Tree {
    pub(super) part: PartName,
    /// The role of the node. `None` for the part of the cluster.
    pub(super) role: Option<Role>,
    /// The SHA-256 of each file by its path.
    pub(super) files: BTreeMap<String, Sha256>,
    pub(super) facts: BTreeMap<KeyId, Facts>,
    /// The server that each kubeconfig names.
    pub(super) servers: BTreeMap<String, String>,
}

impl Tree {
    /// Returns a part without files.
    #[must_use]
    pub fn new(part: PartName, role: Option<Role>) -> Self {
        Self { part, role, files: BTreeMap::new(), facts: BTreeMap::new(), servers: BTreeMap::new() }
    }

    /// Adds a file.
    pub fn add(&mut self, path: &str, content: &[u8]) {
        self.files.insert(path.to_owned(), Sha256::of(content));
        let id = ids::of(&self.part, path);
        let facts = if path.ends_with(".conf") {
            let Ok(kubeconfig) = Kubeconfig::read(content) else { return };
            let server = kubeconfig.clusters.into_iter().find_map(|cluster| cluster.server);
            self.servers.extend(server.map(|server| (path.to_owned(), server)));
            match kubeconfig.users.into_iter().find_map(|user| user.certificate) {
                Some(Held::Inline(pem)) => first(&pem),
                _ => None,
            }
        } else if path.ends_with(".pub") {
            Some(Facts::of_public_key(content))
        } else {
            first(content)
        };
        if let (Some(id), Some(facts)) = (id, facts) {
            self.facts.insert(id, facts);
        }
    }

    /// Returns whether a file is in the part.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Returns whether this is one of the kubelet's client certificates, which have the day of their issue in their names.
    #[must_use]
    pub fn is_dated(path: &str) -> bool {
        ids::is_store(path)
    }
}

/// Returns what the first certificate of a file says.
fn first(pem: &[u8]) -> Option<Facts> {
    read_pem(pem).ok()?.certificates.first().map(Facts::of)
}
