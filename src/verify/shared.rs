//! Files that must be the same wherever they are.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Fault;
use super::tree::Report;
use crate::x509::read_pem;

/// kubeadm's shared files (copycerts.go): one CA of each kind and one service-account key for the whole cluster.
const SHARED: [&str; 5] = ["pki/ca.crt", "pki/front-proxy-ca.crt", "pki/etcd/ca.crt", "pki/sa.pub", "pki/sa.key"];

/// Files that must be the same in every part that has them, as seen so far: name to hash and first part.
#[derive(Default)]
pub struct SharedFiles {
    seen: BTreeMap<String, ([u8; 32], String)>,
    kubernetes_ca: Option<Vec<[u8; 32]>>,
}

impl SharedFiles {
    /// The certificates of the cluster's CA, if a part had it.
    pub(super) fn kubernetes_ca(&self) -> Option<&[[u8; 32]]> {
        self.kubernetes_ca.as_deref()
    }

    /// Holds a file against the one of the same name in earlier parts.
    pub(super) fn check(&mut self, part: &str, file: &str, content: &[u8], report: &mut Report<'_>) {
        // `etcd-clients/<name>/ca.crt` of the cluster's part is the etcd CA under another name.
        let name = match file.strip_prefix("etc/kubernetes/") {
            Some(name) if SHARED.contains(&name) => name,
            _ if file.starts_with("etcd-clients/") && file.ends_with("/ca.crt") => "pki/etcd/ca.crt",
            _ => return,
        };
        if name == "pki/ca.crt" && self.kubernetes_ca.is_none() {
            self.kubernetes_ca = Some(fingerprints(content));
        }
        let hash = Sha256::digest(content).into();
        let (first, from) = self.seen.entry(name.to_owned()).or_insert_with(|| (hash, part.to_owned()));
        if *first != hash {
            report(file, Fault::Differs { from: from.clone() });
        }
    }
}

/// SHA-256 of each certificate of a PEM file; none when it cannot be read.
pub(super) fn fingerprints(pem: &[u8]) -> Vec<[u8; 32]> {
    let certificates = read_pem(pem).map(|contents| contents.certificates).unwrap_or_default();
    certificates.iter().map(|certificate| Sha256::digest(certificate.der()).into()).collect()
}
