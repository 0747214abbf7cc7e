//! All files of one part.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::chain::{authority_faults, leaf_faults};
use super::kubeconfig::{self, ReadCredentials};
use super::{Fault, Finding};
use crate::x509::{PemContents, ReadCertificate, public_key_bits, read_pem};

/// The files of one part: path in its tree to content.
pub type Files<'a> = BTreeMap<&'a str, &'a [u8]>;

/// The paths of a part's symbolic links, each of which leads to a file beside it: the bundle's reader has seen to that.
pub type Links<'a> = BTreeSet<&'a str>;

/// Files that must be the same in every part that has them, as seen so far: name to hash and first part.
#[derive(Default)]
pub struct SharedFiles(BTreeMap<String, ([u8; 32], String)>);

/// kubeadm's shared files (copycerts.go): one CA of each kind and one service-account key for the whole cluster.
const SHARED: [&str; 5] = ["pki/ca.crt", "pki/front-proxy-ca.crt", "pki/etcd/ca.crt", "pki/sa.pub", "pki/sa.key"];

/// Everything wrong with a part at a time; `shared` remembers what other parts must agree with.
pub fn check_part(
    part: &str,
    files: &Files<'_>,
    links: &Links<'_>,
    at: OffsetDateTime,
    shared: &mut SharedFiles,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tree = Tree::read(files, &mut |file, fault| {
        findings.push(Finding { part: part.to_owned(), file: file.to_owned(), fault });
    });
    let mut report = |file: &str, fault| {
        findings.push(Finding { part: part.to_owned(), file: file.to_owned(), fault });
    };
    tree.check_certificates(at, &mut report);
    tree.check_pairs(&mut report);
    tree.check_kubeconfigs(files, links, at, shared, &mut report);
    for (file, content) in files {
        shared.check(part, file, content, &mut report);
    }
    findings
}

type Report<'a> = dyn FnMut(&str, Fault) + 'a;

struct Tree<'a> {
    pem: BTreeMap<&'a str, PemContents>,
}

impl<'a> Tree<'a> {
    fn read(files: &Files<'a>, report: &mut Report<'_>) -> Self {
        let mut pem = BTreeMap::new();
        for (&file, content) in files {
            if [".crt", ".key", ".pub", ".pem"].iter().any(|extension| file.ends_with(extension)) {
                match read_pem(content) {
                    Ok(contents) => {
                        pem.insert(file, contents);
                    }
                    Err(error) => report(file, Fault::Pem(error)),
                }
            }
        }
        Self { pem }
    }

    fn authorities(&self) -> Vec<&ReadCertificate> {
        self.pem.values().flat_map(|contents| &contents.certificates).filter(|read| read.is_ca()).collect()
    }

    fn check_certificates(&self, at: OffsetDateTime, report: &mut Report<'_>) {
        let authorities = self.authorities();
        for (file, contents) in &self.pem {
            for certificate in &contents.certificates {
                let faults = if certificate.is_ca() {
                    authority_faults(certificate, at)
                } else {
                    leaf_faults(certificate, &authorities, at)
                };
                faults.into_iter().for_each(|fault| report(file, fault));
            }
        }
    }

    /// `X.crt` and `X.key`, `sa.pub` and `sa.key`, both in one `.pem`; a CA's key need not be there.
    fn check_pairs(&self, report: &mut Report<'_>) {
        for (file, contents) in &self.pem {
            let expected = match file.rsplit_once('.') {
                Some((_, "crt")) => (1, 0),
                Some((_, "pem")) => (1, 1),
                _ => (0, 1),
            };
            if (contents.certificates.len(), contents.public_keys.len()) != expected {
                report(file, Fault::Contents);
                continue;
            }
            let Some((stem, extension)) = file.rsplit_once('.') else { continue };
            let other = |extension: &str| self.pem.get(format!("{stem}.{extension}").as_str());
            match extension {
                "pem" => check_pair(file, contents, contents, report),
                "key" => match other("crt").or_else(|| other("pub")) {
                    Some(public) => check_pair(file, contents, public, report),
                    None => report(file, Fault::Alone),
                },
                "crt" if other("key").is_none() && !contents.certificates.iter().all(ReadCertificate::is_ca) => {
                    report(file, Fault::Alone);
                }
                _ => {}
            }
        }
    }

    fn check_kubeconfigs(
        &self,
        files: &Files<'_>,
        links: &Links<'_>,
        at: OffsetDateTime,
        shared: &SharedFiles,
        report: &mut Report<'_>,
    ) {
        // Users' kubeconfigs lie in a part without `ca.crt`; then the nodes' counts.
        let own_ca = files.get("etc/kubernetes/pki/ca.crt").map(|ca| sha256(ca));
        let expected_ca = own_ca.or_else(|| shared.0.get("pki/ca.crt").map(|(hash, _)| *hash));
        for (file, content) in files.iter().filter(|(file, _)| file.ends_with(".conf")) {
            let Some(read) = kubeconfig::read(content) else {
                report(file, Fault::Kubeconfig);
                continue;
            };
            if expected_ca.is_some_and(|expected| expected != sha256(&read.ca)) {
                report(file, Fault::OtherAuthority);
            }
            let ca = match read_pem(&read.ca) {
                Ok(ca) => ca,
                Err(error) => {
                    report(file, Fault::Pem(error));
                    continue;
                }
            };
            let authorities: Vec<_> = ca.certificates.iter().collect();
            for authority in &authorities {
                authority_faults(authority, at).into_iter().for_each(|fault| report(file, fault));
            }
            match read.credentials {
                ReadCredentials::Path(path) => {
                    let place = path.strip_prefix('/');
                    if !place.is_some_and(|place| links.contains(place) || files.contains_key(place)) {
                        report(file, Fault::MissingFile { path });
                    }
                }
                ReadCredentials::Embedded(pem) => match read_pem(&pem) {
                    Err(error) => report(file, Fault::Pem(error)),
                    Ok(pair) if (pair.certificates.len(), pair.public_keys.len()) != (1, 1) => {
                        report(file, Fault::Contents);
                    }
                    Ok(pair) => {
                        check_pair(file, &pair, &pair, report);
                        for certificate in &pair.certificates {
                            let faults = leaf_faults(certificate, &authorities, at);
                            faults.into_iter().for_each(|fault| report(file, fault));
                        }
                    }
                },
            }
        }
    }
}

fn check_pair(file: &str, private: &PemContents, public: &PemContents, report: &mut Report<'_>) {
    let certified = public.certificates.first().and_then(|certificate| public_key_bits(certificate.spki_der()));
    let expected = certified.or_else(|| public.public_keys.first().cloned());
    if private.public_keys.first() != expected.as_ref() {
        report(file, Fault::KeyMismatch);
    }
}

fn sha256(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

impl SharedFiles {
    fn check(&mut self, part: &str, file: &str, content: &[u8], report: &mut Report<'_>) {
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
