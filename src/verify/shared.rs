//! Compares the files that must be the same in all parts.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Fault, Finding};
use crate::kubernetes::usual_place;
use crate::x509::{PemContents, ReadCertificate};

/// kubeadm's shared files (copycerts.go), below `etc/kubernetes`, with kubeadm's own folder of certificates: one CA of
/// each kind and one service-account key for the whole cluster.
const SHARED: [&str; 5] = [KUBERNETES_CA, "pki/front-proxy-ca.crt", ETCD_CA, "pki/sa.pub", "pki/sa.key"];
const KUBERNETES_CA: &str = "pki/ca.crt";
const ETCD_CA: &str = "pki/etcd/ca.crt";

/// A part that was judged by itself: its findings, and its claims about files that other parts have as well.
pub struct CheckedPart {
    pub(super) name: String,
    pub(super) findings: Vec<Finding>,
    pub(super) claims: Claims,
}

/// Facts of a part with which other parts must agree.
#[derive(Default)]
pub(super) struct Claims {
    /// The shared files: common name, path in the part, and SHA-256 of the content.
    files: Vec<(String, String, [u8; 32])>,
    /// The SHA-256 of each certificate in the cluster's `ca.crt`, if the part has that file.
    kubernetes_ca: Option<Vec<[u8; 32]>>,
    /// The kubeconfigs of a part without `ca.crt`: path, and SHA-256 of each CA certificate.
    kubeconfigs: Vec<(String, Vec<[u8; 32]>)>,
}

impl Claims {
    /// Adds a file of the part, if it is a shared one. `read` holds its certificates, if it has any.
    pub(super) fn file(&mut self, file: &str, content: &[u8], read: Option<&PemContents>) {
        // `etcd-clients/<name>/ca.crt` of the cluster's part is the etcd CA under another name.
        let usual = usual_place(file);
        let name = match usual.strip_prefix("etc/kubernetes/") {
            Some(name) if SHARED.contains(&name) => name,
            _ if file.starts_with("etcd-clients/") && file.ends_with("/ca.crt") => ETCD_CA,
            _ => return,
        };
        if name == KUBERNETES_CA {
            self.kubernetes_ca = Some(read.map(fingerprints).unwrap_or_default());
        }
        // Beside a client the issuers may follow etcd's CA: a client verifies servers by them.
        let first = read.filter(|_| name == ETCD_CA).and_then(|read| read.certificates.first());
        let hash = Sha256::digest(first.map_or(content, ReadCertificate::der));
        self.files.push((name.to_owned(), file.to_owned(), hash.into()));
    }

    /// Adds a kubeconfig whose CA must be that of the nodes, with the SHA-256 of each of its CA certificates.
    pub(super) fn kubeconfig(&mut self, file: &str, authorities: Vec<[u8; 32]>) {
        self.kubeconfigs.push((file.to_owned(), authorities));
    }
}

/// The shared files of all parts so far: name, SHA-256 of the content, and the part that had it first.
#[derive(Default)]
pub struct SharedFiles {
    seen: BTreeMap<String, ([u8; 32], String)>,
    kubernetes_ca: Option<Vec<[u8; 32]>>,
}

impl SharedFiles {
    /// Compares a part with those before it, and returns everything that is wrong with it.
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

/// Returns whether the two lists share a certificate. One is enough, because there are two while a CA is replaced.
pub(super) fn have_common(found: &[[u8; 32]], expected: &[[u8; 32]]) -> bool {
    found.iter().any(|authority| expected.contains(authority))
}

/// Returns the SHA-256 of each certificate.
pub(super) fn fingerprints(pem: &PemContents) -> Vec<[u8; 32]> {
    pem.certificates.iter().map(|certificate| Sha256::digest(certificate.der()).into()).collect()
}
