//! All files of one part.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;

use super::chain::is_issued_by;
use super::judge::{Authority, Judge};
use super::part::Part;
use super::shared::{CheckedPart, Claims};
use super::{Fault, Finding, Known, kubeconfigs};
use crate::kubernetes::Purpose;
use crate::x509::{PemContents, ReadCertificate, public_key_bits, read_pem};

/// How the names of files with certificates and keys end; those of kubeconfigs end in `.conf`.
pub(super) const ENDINGS: [&str; 4] = [".crt", ".key", ".pub", ".pem"];
/// The service-account key pair, without extension.
const SERVICE_ACCOUNT: &str = "etc/kubernetes/pki/sa";

/// Everything wrong with a part by itself at a time; parts can be checked side by side, and
/// [`SharedFiles::hold`](super::SharedFiles::hold) then says where they disagree.
#[must_use]
pub fn check_part(part: &Part<'_>, at: OffsetDateTime, known: &Known) -> CheckedPart {
    let (mut findings, mut claims) = (Vec::new(), Claims::default());
    let mut report = |file: &str, fault| {
        findings.push(Finding { part: part.name.to_owned(), file: file.to_owned(), fault });
    };
    let judge = Judge::new(part, at, known);
    let pem = read_files(part, known, &mut report);
    check_certificates(&pem, &judge, &mut report);
    check_pairs(part, &pem, &mut report);
    check_modes(part, &pem, &mut report);
    kubeconfigs::check(&judge, &pem, &mut claims, &mut report);
    for (file, content) in part.contents() {
        claims.file(file, content, pem.get(file).map(Arc::as_ref));
    }
    CheckedPart { name: part.name.to_owned(), findings, claims }
}

/// What a part says about files that others must agree with, and nothing about the part: for whoever asks about another.
#[must_use]
pub fn claims_of_part(part: &Part<'_>) -> CheckedPart {
    let mut claims = Claims::default();
    for (file, content) in part.contents() {
        let read = (file == kubeconfigs::CA).then(|| read_pem(content).ok()).flatten();
        claims.file(file, content, read.as_ref());
    }
    CheckedPart { name: part.name.to_owned(), findings: Vec::new(), claims }
}

pub(super) type Report<'a> = dyn FnMut(&str, Fault) + 'a;

/// The PEM files of a part, read.
pub(super) type Pem<'a> = BTreeMap<&'a str, Arc<PemContents>>;

fn read_files<'a>(part: &Part<'a>, known: &Known, report: &mut Report<'_>) -> Pem<'a> {
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
    for authority in &authorities {
        let file = authority.file;
        judge.authority(file, authority.certificate, report);
        judge.rules(file, authority.purpose, authority.certificate, None, report);
        check_distinct(authority, &authorities, report);
    }
    for (file, contents) in pem {
        let Some((first, others)) = contents.certificates.split_first() else { continue };
        let purpose = Purpose::of_path(file);
        if purpose.is_ca() && !first.is_ca() {
            judge.authority(file, first, report);
            judge.rules(file, purpose, first, None, report);
        } else if is_leaf(purpose, first) {
            // The kubelet signs its serving certificate itself when nobody gives it one (client-go util/cert/cert.go
            // GenerateSelfSignedCertKey); no API server of kubeadm's looks at it.
            let own = purpose == Purpose::KubeletServing && others.iter().any(|other| is_issued_by(first, other));
            if !(own && judge.part.is_disk()) {
                judge.leaf(file, purpose, first, &authorities, report);
            }
        }
    }
}

/// Whether a certificate is to be held against a CA.
fn is_leaf(purpose: Purpose, certificate: &ReadCertificate) -> bool {
    !purpose.is_ca() && (purpose != Purpose::Other || !certificate.is_ca())
}

/// The CA certificates: what says so where a CA belongs, or where nobody knows what belongs.
fn authorities<'a>(pem: &'a Pem<'_>) -> Vec<Authority<'a>> {
    let all = pem.iter().flat_map(|(file, contents)| contents.certificates.iter().map(|read| (*file, read)));
    all.map(|(file, certificate)| Authority { file, purpose: Purpose::of_path(file), certificate })
        .filter(|authority| !is_leaf(authority.purpose, authority.certificate) && authority.certificate.is_ca())
        .collect()
}

/// Clients find an issuer by its name. etcd's CA may lie beside each of its clients.
fn check_distinct(authority: &Authority<'_>, authorities: &[Authority<'_>], report: &mut Report<'_>) {
    let (certificate, subject) = (authority.certificate, authority.certificate.subject());
    for other in authorities.iter().filter(|other| other.purpose != authority.purpose) {
        let same_key = other.certificate.spki_der() == certificate.spki_der();
        let front_proxy = Purpose::FrontProxyCa;
        if same_key && authority.purpose == front_proxy && other.purpose == Purpose::KubernetesCa {
            report(authority.file, Fault::FrontProxyShared);
        }
        if !same_key && other.certificate.subject_der() == certificate.subject_der() {
            report(authority.file, Fault::SameSubject { subject: subject.clone(), other: other.file.to_owned() });
        }
    }
}

/// `X.crt` and `X.key`, `sa.pub` and `sa.key`, both in one `.pem`; a CA's key need not be there.
fn check_pairs(part: &Part<'_>, pem: &Pem<'_>, report: &mut Report<'_>) {
    for (&file, contents) in pem {
        let Some((stem, extension)) = file.rsplit_once('.') else { continue };
        let (certificates, keys) = (contents.certificates.len(), contents.public_keys.len());
        // On a disk, the chain may follow.
        let has_certificate = certificates == 1 || (part.is_disk() && certificates > 1);
        let right = match extension {
            "crt" => keys == 0 && has_certificate,
            "pem" => keys == 1 && has_certificate,
            _ => (certificates, keys) == (0, 1),
        };
        // Others may keep what they like beside kubeadm's files.
        let is_known = Purpose::of_path(&format!("{stem}.{}", if extension == "pem" { "pem" } else { "crt" }))
            != Purpose::Other
            || stem == SERVICE_ACCOUNT;
        let is_foreign = part.is_disk() && !is_known;
        if !right {
            if !is_foreign {
                report(file, Fault::Contents);
            }
            continue;
        }
        let read = |extension: &str| pem.get(format!("{stem}.{extension}").as_str());
        let is_there = |extension: &str| part.files.contains_key(format!("{stem}.{extension}").as_str());
        match extension {
            "pem" => check_pair(file, contents, contents, report),
            "key" => match read("crt").or_else(|| read("pub")) {
                Some(public) => check_pair(file, contents, public, report),
                None if is_foreign || is_there("crt") || is_there("pub") => {}
                None => report(file, Fault::Alone),
            },
            "crt" if !is_there("key") && !is_foreign && !contents.certificates.iter().all(ReadCertificate::is_ca) => {
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

/// What holds a private key is for its owner alone, also when nobody can tell which.
fn check_modes(part: &Part<'_>, pem: &Pem<'_>, report: &mut Report<'_>) {
    for (file, content) in &part.files {
        let is_secret = [".conf", ".key"].iter().any(|extension| file.ends_with(extension))
            || pem.get(file).is_some_and(|contents| contents.has_private_key);
        if is_secret && content.mode & 0o077 != 0 {
            report(file, Fault::Mode { mode: content.mode });
        }
    }
}
