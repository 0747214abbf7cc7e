//! Checks all files of one part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use time::OffsetDateTime;

use super::authority::{Authority, is_issued_by};
use super::judge::Judge;
use super::pairs::check_pairs;
use super::part::{ENDINGS, Part, Pem, Report};
use super::shared::{CheckedPart, Claims};
use super::{AlreadyVerified, Fault, Finding, kubeconfigs};
use crate::kubernetes::Purpose;
use crate::x509::{ReadCertificate, read_pem};

/// Returns everything that is wrong with a part by itself, at the time `at`.
///
/// Parts can be checked in parallel. [`SharedFiles::hold`](super::SharedFiles::hold) then reports where they disagree.
#[must_use]
pub fn check_part(part: &Part<'_>, at: OffsetDateTime, known: &AlreadyVerified) -> CheckedPart {
    let (mut findings, mut claims) = (Vec::new(), Claims::default());
    let mut report = |file: &str, fault| {
        findings.push(Finding { part: part.name.to_owned(), file: file.to_owned(), fault });
    };
    let judge = Judge::new(part, at, known);
    let pem = read_files(part, known, &mut report);
    check_certificates(&pem, &judge, &mut report);
    check_registry_roots(&pem, &mut report);
    check_pairs(part, &pem, &mut report);
    check_modes(part, &pem, &mut report);
    kubeconfigs::check(&judge, &pem, &mut claims, &mut report);
    for (file, content) in part.contents() {
        claims.file(file, content, pem.get(file).map(Arc::as_ref));
    }
    CheckedPart { name: part.name.to_owned(), findings, claims }
}

/// Returns only the claims of a part, without judging it, for a caller who wants another part judged.
#[must_use]
pub fn claims_of_part(part: &Part<'_>) -> CheckedPart {
    let mut claims = Claims::default();
    for (file, content) in part.contents() {
        let read = file.ends_with("/ca.crt").then(|| read_pem(content).ok()).flatten();
        claims.file(file, content, read.as_ref());
    }
    CheckedPart { name: part.name.to_owned(), findings: Vec::new(), claims }
}

fn read_files<'a>(part: &Part<'a>, known: &AlreadyVerified, report: &mut Report<'_>) -> Pem<'a> {
    let mut pem = BTreeMap::new();
    for (file, content) in part.contents() {
        if ENDINGS.iter().any(|ending| file.ends_with(ending)) {
            match known.read_pem(content) {
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
    let authorities = authorities(pem);
    let distinct = Distinct::new(&authorities);
    let mut told = BTreeSet::new();
    for authority in &authorities {
        let file = authority.file;
        judge.authority(file, authority.certificate, report);
        judge.rules(file, authority.purpose, authority.certificate, None, report);
        distinct.check(authority, &mut told, report);
    }
    for (file, contents) in pem {
        let Some((first, others)) = contents.certificates.split_first() else { continue };
        let purpose = Purpose::of_path(file);
        if purpose == Purpose::RegistryRoot {
            continue;
        }
        if purpose.is_ca() && !first.is_ca() {
            judge.authority(file, first, report);
            judge.rules(file, purpose, first, None, report);
        } else if is_leaf(purpose, first) {
            // The kubelet signs its serving certificate itself when it is not given one (client-go util/cert/cert.go
            // GenerateSelfSignedCertKey). An API server that kubeadm set up does not check it.
            let own = purpose == Purpose::KubeletServing && others.iter().any(|other| is_issued_by(first, other));
            if !(own && judge.part.is_disk()) {
                judge.leaf(file, purpose, first, &authorities, report);
            }
        }
    }
}

/// Reports files of registries' roots that hold anything else than CAs. Who made them is not for this cluster to say, so that
/// no rule for certificates applies, and one that has ended stops nothing here: `doctor` tells of it.
fn check_registry_roots(pem: &Pem<'_>, report: &mut Report<'_>) {
    for (file, contents) in pem.iter().filter(|(file, _)| Purpose::of_path(file) == Purpose::RegistryRoot) {
        let has_only_cas = contents.certificates.iter().all(ReadCertificate::is_ca);
        if contents.certificates.is_empty() || !contents.public_keys.is_empty() || !has_only_cas {
            report(file, Fault::Contents);
        }
    }
}

/// Returns whether a certificate must be checked against a CA.
fn is_leaf(purpose: Purpose, certificate: &ReadCertificate) -> bool {
    !purpose.is_ca() && (!matches!(purpose, Purpose::Other | Purpose::RegistryRoot) || !certificate.is_ca())
}

/// Returns the certificates that are marked as CAs, from files that should hold a CA or have no known purpose.
fn authorities<'a>(pem: &'a Pem<'_>) -> Vec<Authority<'a>> {
    let all = pem.iter().flat_map(|(file, contents)| contents.certificates.iter().map(|read| (*file, read)));
    all.map(|(file, certificate)| Authority { file, purpose: Purpose::of_path(file), certificate })
        .filter(|authority| authority.purpose != Purpose::RegistryRoot)
        .filter(|authority| !is_leaf(authority.purpose, authority.certificate) && authority.certificate.is_ca())
        .collect()
}

/// The keys of CAs, in DER: by their file and its purpose.
type KeysOfFiles<'a> = BTreeMap<(&'a str, Purpose), BTreeSet<&'a [u8]>>;

/// The CAs of a part, by what two of them must not share.
///
/// CAs of the same purpose are not compared: etcd's CA may lie beside each of its clients.
struct Distinct<'a> {
    /// The files with a CA of a subject, each with its purpose and the keys of these CAs: by the subject in DER.
    by_subject: BTreeMap<&'a [u8], KeysOfFiles<'a>>,
    /// The keys of the cluster's CA.
    kubernetes: BTreeSet<&'a [u8]>,
}

impl<'a> Distinct<'a> {
    fn new(authorities: &[Authority<'a>]) -> Self {
        let mut distinct = Self { by_subject: BTreeMap::new(), kubernetes: BTreeSet::new() };
        for authority in authorities {
            let key = authority.certificate.spki_der();
            let files = distinct.by_subject.entry(authority.certificate.subject_der()).or_default();
            files.entry((authority.file, authority.purpose)).or_default().insert(key);
            if authority.purpose == Purpose::KubernetesCa {
                distinct.kubernetes.insert(key);
            }
        }
        distinct
    }

    /// Reports CAs of different purposes that share a subject, because clients find an issuer by its name, and a
    /// front-proxy CA with the key of the cluster's CA.
    ///
    /// Two files are told once for each subject, however many CAs they hold. `told` is what was.
    fn check(
        &self,
        authority: &Authority<'a>,
        told: &mut BTreeSet<(&'a str, &'a [u8], &'a str)>,
        report: &mut Report<'_>,
    ) {
        let (key, subject) = (authority.certificate.spki_der(), authority.certificate.subject_der());
        if authority.purpose == Purpose::FrontProxyCa && self.kubernetes.contains(key) {
            report(authority.file, Fault::FrontProxyShared);
        }
        for ((other, purpose), keys) in self.by_subject.get(subject).into_iter().flatten() {
            let has_another_key = keys.len() > 1 || !keys.contains(key);
            if *purpose != authority.purpose && has_another_key && told.insert((authority.file, subject, *other)) {
                let subject = authority.certificate.subject();
                report(authority.file, Fault::SameSubject { subject, other: (*other).to_owned() });
            }
        }
    }
}

/// Reports files with a private key to which users other than the owner have access. A `.conf` or `.key` file counts as
/// one, even when it cannot be read.
fn check_modes(part: &Part<'_>, pem: &Pem<'_>, report: &mut Report<'_>) {
    for (file, content) in &part.files {
        let is_secret = [".conf", ".key"].iter().any(|extension| file.ends_with(extension))
            || pem.get(file).is_some_and(|contents| contents.has_private_key);
        if is_secret && content.mode & 0o077 != 0 {
            report(file, Fault::Mode { mode: content.mode });
        }
    }
}
