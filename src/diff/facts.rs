//! What a certificate says, as far as two of them are compared.

use crate::bundle::Sha256;
use crate::lock::ChangeReason;
use crate::report::{alt_names, key, usages};
use crate::x509::{MASTERS, ReadCertificate, instant};

/// What is known of a key and its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The SHA-256 of the DER.
    pub(super) certificate: Sha256,
    /// The SHA-256 of the SubjectPublicKeyInfo, or of the file of a public key alone.
    spki: Sha256,
    algorithm: String,
    pub(super) subject: String,
    pub(super) issuer: String,
    alt_names: Vec<String>,
    usages: Vec<String>,
    not_before: String,
    not_after: String,
    pub(super) is_of_masters: bool,
}

impl Facts {
    pub(super) fn of(certificate: &ReadCertificate) -> Self {
        Self {
            certificate: Sha256::of(certificate.der()),
            spki: Sha256::of(certificate.spki_der()),
            algorithm: key(certificate),
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            alt_names: alt_names(certificate),
            usages: usages(certificate),
            not_before: instant(certificate.not_before()),
            not_after: instant(certificate.not_after()),
            is_of_masters: certificate.organizations().iter().any(|organization| organization == MASTERS),
        }
    }

    /// Returns what is known of a public key without a certificate.
    pub(super) fn of_public_key(file: &[u8]) -> Self {
        Self {
            certificate: Sha256::of(file),
            spki: Sha256::of(file),
            algorithm: String::new(),
            subject: String::new(),
            issuer: String::new(),
            alt_names: Vec::new(),
            usages: Vec::new(),
            not_before: String::new(),
            not_after: String::new(),
            is_of_masters: false,
        }
    }

    /// Returns the reasons for which the certificate after is another than this one.
    pub(super) fn differences(&self, after: &Self) -> Vec<ChangeReason> {
        let value = |field, old: &str, new: &str| {
            (old != new).then(|| ChangeReason::Value { field, old: old.to_owned(), new: new.to_owned() })
        };
        let list = |field, old: &[String], new: &[String]| {
            let beyond = |these: &[String], those: &[String]| {
                these.iter().filter(|item| !those.contains(item)).cloned().collect()
            };
            (old != new).then(|| ChangeReason::List { field, added: beyond(new, old), removed: beyond(old, new) })
        };
        let found = [
            value("algorithm", &self.algorithm, &after.algorithm),
            (self.spki != after.spki && self.algorithm == after.algorithm).then_some(ChangeReason::Key),
            value("subject", &self.subject, &after.subject),
            value("issuer", &self.issuer, &after.issuer),
            list("alternative names", &self.alt_names, &after.alt_names),
            list("usages", &self.usages, &after.usages),
            value("start of validity", &self.not_before, &after.not_before),
            value("end of validity", &self.not_after, &after.not_after),
        ];
        let found: Vec<_> = found.into_iter().flatten().collect();
        match found.is_empty() && self.certificate != after.certificate {
            true => vec![ChangeReason::Content],
            false => found,
        }
    }
}
