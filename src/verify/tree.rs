//! All files of one part.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::chain::{authority_faults, issuer_of, leaf_faults, time_fault};
use super::shared::SharedFiles;
use super::{Fault, Finding, kubeconfig, kubeconfigs};
use crate::lint::{ClusterFacts, Facts, NodeFacts, Purpose, lint};
use crate::x509::{AltName, PemContents, ReadCertificate, public_key_bits, read_pem};

/// The files of one part, as its record and its archive have them.
pub struct Part<'a> {
    /// `node/<name>` or `cluster`.
    pub name: &'a str,
    /// Path in the part's tree to file.
    pub files: BTreeMap<&'a str, File<'a>>,
    /// The paths of symbolic links, each of which leads to a file beside it: the bundle's reader has seen to that.
    pub links: BTreeSet<&'a str>,
    /// Whose files they are, if a node's.
    pub node: Option<NodeFacts<'a>>,
    /// When the bundle says it was issued.
    pub issued_at: OffsetDateTime,
}

/// A regular file.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// Permission bits.
    pub mode: u32,
    /// Its bytes.
    pub content: &'a [u8],
}

/// Everything wrong with a part at a time; `shared` remembers what other parts must agree with.
pub fn check_part(part: &Part<'_>, at: OffsetDateTime, shared: &mut SharedFiles) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |file: &str, fault| {
        findings.push(Finding { part: part.name.to_owned(), file: file.to_owned(), fault });
    };
    let endpoint = endpoint_of(part);
    let judge = Judge { part, at, endpoint: endpoint.as_ref() };
    let pem = read_files(part, &mut report);
    check_certificates(&pem, &judge, &mut report);
    check_pairs(&pem, &mut report);
    check_modes(part, &pem, &mut report);
    kubeconfigs::check(part, &judge, shared, &mut report);
    for (file, content) in &part.files {
        shared.check(part.name, file, content.content, &mut report);
    }
    findings
}

/// Everything wrong with a certificate or kubeconfig by itself; what should stand beside it is not missed.
/// `name` is its path in a node's tree where that is known.
#[must_use]
pub fn check_file(title: &str, name: &str, content: &[u8], at: OffsetDateTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |file: &str, fault| {
        findings.push(Finding { part: title.to_owned(), file: file.to_owned(), fault });
    };
    let files = BTreeMap::from([(name, File { mode: 0o600, content })]);
    let part = Part { name: title, files, links: BTreeSet::new(), node: None, issued_at: at };
    let judge = Judge { part: &part, at, endpoint: None };
    if kubeconfig::read(content).is_some() {
        kubeconfigs::check_file(&part, &judge, name, content, &mut report);
        return findings;
    }
    let certificates = match ReadCertificate::from_der(content) {
        Ok(certificate) => vec![certificate],
        Err(_) => match read_pem(content) {
            Ok(contents) => contents.certificates,
            Err(error) => {
                report(name, Fault::Pem(error));
                Vec::new()
            }
        },
    };
    for certificate in &certificates {
        time_fault(certificate, at).into_iter().for_each(|fault| report(name, fault));
        judge.rules(name, certificate, None, &mut report);
    }
    findings
}

pub(super) type Report<'a> = dyn FnMut(&str, Fault) + 'a;

/// The PEM files of a part, read.
type Pem<'a> = BTreeMap<&'a str, PemContents>;

/// Judges single certificates: chain, time, rules.
pub(super) struct Judge<'a> {
    part: &'a Part<'a>,
    at: OffsetDateTime,
    endpoint: Option<&'a AltName>,
}

impl Judge<'_> {
    /// A CA certificate by itself.
    pub(super) fn authority(&self, file: &str, authority: &ReadCertificate, report: &mut Report<'_>) {
        authority_faults(authority, self.at).into_iter().for_each(|fault| report(file, fault));
    }

    /// A leaf under the CA certificates beside it.
    pub(super) fn leaf(
        &self,
        file: &str,
        leaf: &ReadCertificate,
        authorities: &[&ReadCertificate],
        report: &mut Report<'_>,
    ) {
        leaf_faults(leaf, authorities, self.at).into_iter().for_each(|fault| report(file, fault));
        self.rules(file, leaf, issuer_of(leaf, authorities), report);
    }

    fn rules(
        &self,
        file: &str,
        certificate: &ReadCertificate,
        issuer: Option<&ReadCertificate>,
        report: &mut Report<'_>,
    ) {
        let facts = Facts {
            certificate,
            purpose: Purpose::of_path(file),
            issuer,
            node: self.part.node,
            cluster: ClusterFacts { endpoint: self.endpoint, service_address: None },
            at: Some(self.part.issued_at),
        };
        lint(&facts).into_iter().for_each(|breach| report(file, Fault::Rule(breach)));
    }
}

/// The host by which admin.conf calls the API servers.
fn endpoint_of(part: &Part<'_>) -> Option<AltName> {
    let admin = part.files.get("etc/kubernetes/admin.conf")?;
    let host = kubeconfig::read(admin.content)?.server_host()?;
    Some(host.parse().map_or_else(|_| AltName::Dns(host.clone()), AltName::Ip))
}

fn read_files<'a>(part: &Part<'a>, report: &mut Report<'_>) -> Pem<'a> {
    let mut pem = BTreeMap::new();
    for (&file, content) in &part.files {
        if [".crt", ".key", ".pub", ".pem"].iter().any(|extension| file.ends_with(extension)) {
            match read_pem(content.content) {
                Ok(contents) => {
                    pem.insert(file, contents);
                }
                Err(error) => report(file, Fault::Pem(error)),
            }
        }
    }
    pem
}

fn check_certificates(pem: &Pem<'_>, judge: &Judge<'_>, report: &mut Report<'_>) {
    let all = || pem.iter().flat_map(|(file, contents)| contents.certificates.iter().map(move |read| (*file, read)));
    let authorities: Vec<_> = all().map(|(_, read)| read).filter(|read| read.is_ca()).collect();
    for (file, certificate) in all() {
        if certificate.is_ca() {
            judge.authority(file, certificate, report);
            judge.rules(file, certificate, None, report);
            let twin = authorities.iter().any(|other| {
                other.subject_der() == certificate.subject_der() && other.spki_der() != certificate.spki_der()
            });
            if twin {
                report(file, Fault::SameSubject { subject: certificate.subject() });
            }
        } else {
            judge.leaf(file, certificate, &authorities, report);
        }
    }
}

/// `X.crt` and `X.key`, `sa.pub` and `sa.key`, both in one `.pem`; a CA's key need not be there.
fn check_pairs(pem: &Pem<'_>, report: &mut Report<'_>) {
    for (file, contents) in pem {
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
        let other = |extension: &str| pem.get(format!("{stem}.{extension}").as_str());
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

/// Whether the key in one file belongs to what the other holds.
pub(super) fn check_pair(file: &str, private: &PemContents, public: &PemContents, report: &mut Report<'_>) {
    let certified = public.certificates.first().and_then(|certificate| public_key_bits(certificate.spki_der()));
    let expected = certified.or_else(|| public.public_keys.first().cloned());
    if private.public_keys.first() != expected.as_ref() {
        report(file, Fault::KeyMismatch);
    }
}

/// A file that holds a private key is for its owner alone.
fn check_modes(part: &Part<'_>, pem: &Pem<'_>, report: &mut Report<'_>) {
    for (file, content) in &part.files {
        let is_secret = file.ends_with(".conf") || pem.get(file).is_some_and(|contents| contents.has_private_key);
        if is_secret && content.mode & 0o077 != 0 {
            report(file, Fault::Mode { mode: content.mode });
        }
    }
}
