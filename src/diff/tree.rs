//! The files of one part, with what their certificates say.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::ids;
use crate::bundle::Sha256;
use crate::kubeconfig::{Held, Kubeconfig};
use crate::kubernetes::{KeyId, PartName, Role};
use crate::report::certificates_of_secrets;
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
    /// The SHA-256 of the public key of the root that cert-manager's CA stands below.
    pub(super) cert_manager_root: Option<Sha256>,
    /// The SHA-256 of kubeadm's configuration without the version of Kubernetes in it.
    pub(super) kubeadm_init: Option<Sha256>,
}

/// What cert-manager signs with, in the cluster's part.
const CERT_MANAGER: &str = "manifests/cert-manager/secret.yaml";
/// What a cluster begins with, in the cluster's part.
pub(super) const KUBEADM_INIT: &str = "kubeadm/init.yaml";

impl Tree {
    /// Returns a part without files.
    #[must_use]
    pub fn new(part: PartName, role: Option<Role>) -> Self {
        let (files, facts, servers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { part, role, files, facts, servers, cert_manager_root: None, kubeadm_init: None }
    }

    /// Adds a file.
    pub fn add(&mut self, path: &str, content: &[u8]) {
        self.files.insert(path.to_owned(), Sha256::of(content));
        match (&self.part, path) {
            (PartName::Cluster, CERT_MANAGER) => self.cert_manager_root = root(content),
            (PartName::Cluster, KUBEADM_INIT) => self.kubeadm_init = Some(without_version(content)),
            _ => {}
        }
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

/// Returns the SHA-256 of the public key of the root in a Secret.
fn root(secret: &[u8]) -> Option<Sha256> {
    let roots = certificates_of_secrets(secret).into_iter().filter(|(_, key, _)| *key == "ca.crt");
    let certificates = roots.filter_map(|(_, _, pem)| Some(read_pem(&pem).ok()?.certificates));
    certificates.flatten().next().map(|root| Sha256::of(root.spki_der()))
}

/// Returns the SHA-256 of kubeadm's configuration without the line of the version.
fn without_version(file: &[u8]) -> Sha256 {
    let lines = file.split_inclusive(|byte| *byte == b'\n');
    Sha256::of(&lines.filter(|line| !line.starts_with(b"kubernetesVersion: ")).collect::<Vec<_>>().concat())
}
