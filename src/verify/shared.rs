//! Files that must be the same wherever they are.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Fault;
use super::tree::Report;

/// kubeadm's shared files (copycerts.go): one CA of each kind and one service-account key for the whole cluster.
const SHARED: [&str; 5] = ["pki/ca.crt", "pki/front-proxy-ca.crt", "pki/etcd/ca.crt", "pki/sa.pub", "pki/sa.key"];

/// Files that must be the same in every part that has them, as seen so far: name to hash and first part.
#[derive(Default)]
pub struct SharedFiles(BTreeMap<String, ([u8; 32], String)>);

impl SharedFiles {
    /// SHA-256 of the cluster's CA certificate, if a part had it.
    pub(super) fn kubernetes_ca(&self) -> Option<[u8; 32]> {
        self.0.get("pki/ca.crt").map(|(hash, _)| *hash)
    }

    /// Holds a file against the one of the same name in earlier parts.
    pub(super) fn check(&mut self, part: &str, file: &str, content: &[u8], report: &mut Report<'_>) {
        // `etcd-clients/<name>/ca.crt` of the cluster's part is the etcd CA under another name.
        let name = match file.strip_prefix("etc/kubernetes/") {
            Some(name) if SHARED.contains(&name) => name,
            _ if file.starts_with("etcd-clients/") && file.ends_with("/ca.crt") => "pki/etcd/ca.crt",
            _ => return,
        };
        let hash = sha256(content);
        let (first, from) = self.0.entry(name.to_owned()).or_insert_with(|| (hash, part.to_owned()));
        if *first != hash {
            report(file, Fault::Differs { from: from.clone() });
        }
    }
}

/// SHA-256.
pub(super) fn sha256(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}
