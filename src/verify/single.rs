//! Checks one file by itself.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::authority::{MOST_OF_A_NAME, is_issued_by};
use super::chain::time_fault;
use super::judge::Judge;
use super::part::{File, Origin, Part};
use super::{AlreadyVerified, Fault, Finding, kubeconfigs};
use crate::kubeconfig::Kubeconfig;
use crate::kubernetes::Purpose;
use crate::x509::{ReadCertificate, read_pem};

/// Returns everything that is wrong with a certificate or kubeconfig by itself, at the time `at`.
///
/// A file that should be beside it is not missed. Findings have `title` as their part and `name` as their file. `name`
/// is the path in a node's tree, where that is known.
#[must_use]
pub fn check_file(title: &str, name: &str, content: &[u8], at: OffsetDateTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |file: &str, fault| {
        findings.push(Finding { part: title.to_owned(), file: file.to_owned(), fault });
    };
    let files = BTreeMap::from([(name, File { mode: 0o600, content })]);
    let part = Part { name: title, files, links: BTreeSet::new(), node: None, phase: None, origin: Origin::Disk };
    let known = AlreadyVerified::default();
    let judge = Judge::new(&part, at, &known);
    if let Ok(read) = Kubeconfig::read(content) {
        kubeconfigs::check_alone(&judge, name, &read, &mut report);
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
    for (number, certificate) in certificates.iter().enumerate() {
        // The purpose of the file is that of its first certificate; the others are its chain.
        let purpose = if number == 0 { Purpose::of_path(name) } else { Purpose::Other };
        let named = certificates.iter().filter(|other| certificate.issuer_der() == other.subject_der());
        let is_issuer = |other: &&ReadCertificate| !certificate.is_ca() && is_issued_by(certificate, other);
        let issuer = named.take(MOST_OF_A_NAME).find(is_issuer);
        time_fault(certificate, at).into_iter().for_each(|fault| report(name, fault));
        judge.rules(name, purpose, certificate, issuer, &mut report);
    }
    findings
}
