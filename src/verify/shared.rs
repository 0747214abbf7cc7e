//! Files that must be the same wherever they are.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Fault, Finding};
use crate::x509::PemContents;

/// kubeadm's shared files (copycerts.go): one CA of each kind and one service-account key for the whole cluster.
const SHARED: [&str; 5] = [KUBERNETES_CA, "pki/front-proxy-ca.crt", "pki/etcd/ca.crt", "pki/sa.pub", "pki/sa.key"];
const KUBERNETES_CA: &str = "pki/ca.crt";

/// A part that was judged by itself: what is wrong with it, and what it says about files that others have, too.
pub struct CheckedPart {
    pub(super) name: String,
    pub(super) findings: Vec<Finding>,
    pub(super) claims: Claims,
}

/// What other parts must agree with.
#[derive(Default)]
pub(super) struct Claims {
    /// Shared name, the part's own file, hash of its content.
    files: Vec<(String, String, [u8; 32])>,
    /// The certificates of the cluster's CA, if the part has it.
    kubernetes_ca: Option<Vec<[u8; 32]>>,
    /// The CA certificates of each kubeconfig that has no `ca.crt` beside it.
    kubeconfigs: Vec<(String, Vec<[u8; 32]>)>,
}

impl Claims {
    /// A file of the part, whose certificates are known already if it has any.
    pub(super) fn file(&mut self, file: &str, content: &[u8], read: Option<&PemContents>) {
        // `etcd-clients/<name>/ca.crt` of the cluster's part is the etcd CA under another name.
        let name = match file.strip_prefix("etc/kubernetes/") {
            Some(name) if SHARED.contains(&name) => name,
            _ if file.starts_with("etcd-clients/") && file.ends_with("/ca.crt") => "pki/etcd/ca.crt",
            _ => return,
        };
        if name == KUBERNETES_CA {
            self.kubernetes_ca = Some(read.map(fingerprints).unwrap_or_default());
        }
        self.files.push((name.to_owned(), file.to_owned(), Sha256::digest(content).into()));
    }

    /// A kubeconfig whose CA must be the one of the nodes.
    pub(super) fn kubeconfig(&mut self, file: &str, authorities: Vec<[u8; 32]>) {
        self.kubeconfigs.push((file.to_owned(), authorities));
    }
}

/// Files that must be the same in every part that has them, as seen so far: name to hash and first part.
#[derive(Default)]
pub struct SharedFiles {
    seen: BTreeMap<String, ([u8; 32], String)>,
    kubernetes_ca: Option<Vec<[u8; 32]>>,
}

impl SharedFiles {
    /// Holds a part against those before it; returns everything wrong with it.
    #[must_use]
    pub fn hold(&mut self, part: CheckedPart) -> Vec<Finding> {
        let CheckedPart { name: part, mut findings, claims } = part;
        let mut report = |file: String, fault| findings.push(Finding { part: part.clone(), file, fault });
        for (file, authorities) in claims.kubeconfigs {
            if self.kubernetes_ca.as_ref().is_some_and(|expected| !have_common(&authorities, expected)) {
                report(file, Fault::OtherAuthority);
            }
        }
        if self.kubernetes_ca.is_none() {
            self.kubernetes_ca = claims.kubernetes_ca;
        }
        for (name, file, hash) in claims.files {
            let (first, from) = self.seen.entry(name).or_insert_with(|| (hash, part.clone()));
            if *first != hash {
                report(file, Fault::Differs { from: from.clone() });
            }
        }
        findings
    }
}

/// While a CA is replaced there are two.
pub(super) fn have_common(found: &[[u8; 32]], expected: &[[u8; 32]]) -> bool {
    found.iter().any(|authority| expected.contains(authority))
}

/// SHA-256 of each certificate.
pub(super) fn fingerprints(pem: &PemContents) -> Vec<[u8; 32]> {
    pem.certificates.iter().map(|certificate| Sha256::digest(certificate.der()).into()).collect()
}
