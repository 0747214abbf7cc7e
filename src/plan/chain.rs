//! Certificates that are sent or trusted together, where a CA is an intermediate.
//!
//! What authenticates clients, or signs, has the CA alone: with its root beside it, whoever has another CA below that root
//! could make a `system:masters`. Issuers are where servers are verified, and behind the certificates of servers.

use std::sync::Arc;

use super::file::PlannedContent;
use super::manifest::{Manifest, Material};
use super::planned_chain::{PlannedChain, ids, issuers, issuers_of_all};
use super::registry_file::RegistryFile;
use crate::kubernetes::KeyId;
use crate::profile::{Authority, RootCertificate};

/// Returns what a server sends: its certificate alone, or with all that is between it and a root.
pub(super) fn sent(id: KeyId, (ca, authority): (KeyId, &Authority)) -> Material {
    match &*issuers(authority) {
        [] => Material::Certificate(id),
        [between @ .., _] => Material::Chain(PlannedChain { certificates: vec![id, ca], issuers: between.into() }),
    }
}

/// Returns what verifies servers and not clients: a CA, what is above it, and in a phase of a rotation the same of the CA
/// that is trusted beside it.
pub(super) fn trusted(ca: KeyId, authority: &Authority) -> Material {
    material(ids(&ca, authority), issuers_of_all(authority))
}

/// Returns what knows clients: a CA alone, or in a phase of a rotation with the CA that is trusted beside it.
pub(super) fn known(ca: KeyId, authority: &Authority) -> Material {
    material(ids(&ca, authority), Arc::default())
}

fn material(certificates: Vec<KeyId>, issuers: Arc<[RootCertificate]>) -> Material {
    match <[KeyId; 1]>::try_from(certificates) {
        Ok([ca]) if issuers.is_empty() => Material::Certificate(ca),
        Ok([ca]) => Material::Chain(PlannedChain { certificates: vec![ca], issuers }),
        Err(certificates) => Material::Chain(PlannedChain { certificates, issuers }),
    }
}

/// Returns the one certificate that a system trusts for all of its programs: the CA, or the root above it.
pub(super) fn anchor(ca: KeyId, authority: &Authority) -> Material {
    match authority.found_certificate().and_then(|found| found.root()) {
        None => Material::Certificate(ca),
        Some(root) => Material::Root(root.clone()),
    }
}

impl From<Material> for PlannedContent {
    fn from(material: Material) -> Self {
        match material {
            Material::Certificate(id) => Self::Certificate(id),
            Material::PrivateKey(id) => Self::PrivateKey(id),
            Material::Chain(chain) => Self::Chain(chain),
            Material::Root(root) => Self::Manifest(Box::new(Manifest::Registry(RegistryFile::Root(vec![root])))),
        }
    }
}
