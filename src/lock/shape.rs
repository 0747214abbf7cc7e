//! What is known about keys and certificates without the seed: names, dates, usages, generations.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Lock, LockedAdoption, LockedCertificate, LockedKey};
use crate::bundle::{Hex, Sha256};
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedCertificate, PlannedKey};
use crate::x509::instant;

/// The shape of a key and, where it has one, of its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The shape of the key.
    pub key: KeyShape,
    /// The shape of the certificate.
    pub certificate: Option<CertificateShape>,
}

/// The values that decide a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyShape {
    /// The algorithm.
    pub algorithm: Arc<str>,
    /// The generation.
    pub generation: u32,
    /// The hash of the public key, if the key is one of a file.
    pub adopted: Option<Box<Sha256>>,
}

impl KeyShape {
    /// Returns whether two keys differ. A key of a file is the same as long as the file is, whatever generation its table
    /// has.
    pub(super) fn is_other_than(&self, other: &Self) -> bool {
        match (&self.adopted, &other.adopted) {
            (Some(own), Some(others)) => own != others,
            _ => self != other,
        }
    }
}

/// The values that decide a certificate, besides the keys of subject and issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateShape {
    /// The subject.
    pub subject: Arc<str>,
    /// The subject of the issuer.
    pub issuer: Arc<str>,
    /// The extended key usages.
    pub usages: Arc<[Arc<str>]>,
    /// The subject alternative names.
    pub alt_names: Arc<[String]>,
    /// The limits of a CA.
    pub constraints: Vec<String>,
    /// The day from which the validity is counted.
    pub issued_at: Arc<str>,
    /// The first second of validity, as RFC 3339 has it.
    pub not_before: Arc<str>,
    /// The last second of validity, as RFC 3339 has it.
    pub not_after: Arc<str>,
    /// The hash of the certificate in the file from which it is adopted or renewed.
    pub adopted: Option<Box<Sha256>>,
}

/// The shapes of every key in a lock or a plan, by id. Each is made when it is asked for: all of them would take more room
/// than the lock or the plan.
pub struct Shapes<'a> {
    rows: BTreeMap<&'a KeyId, Row<'a>>,
    /// The subjects of the CAs in a plan. A lock names the issuers itself.
    issuers: BTreeMap<&'a KeyId, String>,
    /// The adopted files of a lock. A plan has them in its rows.
    adopted: BTreeMap<&'a KeyId, &'a LockedAdoption>,
}

/// The row of a key and that of its certificate. One may be missing in a lock that somebody has edited.
#[derive(Clone, Copy)]
enum Row<'a> {
    Planned(Option<&'a PlannedKey>, Option<&'a PlannedCertificate>),
    Locked(Option<&'a LockedKey>, Option<&'a LockedCertificate>),
}

impl<'a> Shapes<'a> {
    /// Returns the shapes of a plan.
    #[must_use]
    pub fn of_plan(plan: &'a Plan<'_>) -> Self {
        let mut rows: BTreeMap<_, _> = plan.keys.iter().map(|key| (&key.id, Row::Planned(Some(key), None))).collect();
        for planned in &plan.certificates {
            // The key of a CA that is only trusted is not here.
            if let Row::Planned(_, certificate) = rows.entry(&planned.key).or_insert(Row::Planned(None, None)) {
                *certificate = Some(planned);
            }
        }
        let authorities = plan.certificates.iter().filter(|certificate| certificate.is_ca);
        let issuers = authorities.map(|planned| (&planned.key, planned.subject.to_string())).collect();
        Self { rows, issuers, adopted: BTreeMap::new() }
    }

    /// Returns the shapes of a lock.
    #[must_use]
    pub fn of_lock(lock: &'a Lock) -> Self {
        let mut rows: BTreeMap<_, _> = lock.keys.iter().map(|key| (&key.id, Row::Locked(Some(key), None))).collect();
        for locked in &lock.certificates {
            if let Row::Locked(_, certificate) = rows.entry(&locked.id).or_insert(Row::Locked(None, None)) {
                *certificate = Some(locked);
            }
        }
        let adopted = lock.adopted.iter().map(|row| (&row.id, row)).collect();
        Self { rows, issuers: BTreeMap::new(), adopted }
    }

    /// Returns every id, in order.
    pub fn ids(&self) -> impl Iterator<Item = &'a KeyId> {
        self.rows.keys().copied()
    }

    /// Returns the shape of the key with this id.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<Shape> {
        Some(match *self.rows.get(id)? {
            Row::Planned(key, certificate) => Shape {
                key: key.map(planned_key).unwrap_or_default(),
                certificate: certificate.map(|planned| self.planned(planned)),
            },
            Row::Locked(key, certificate) => {
                let adopted = self.adopted.get(id);
                let mut key = key.map(locked_key).unwrap_or_default();
                key.adopted = adopted.and_then(|row| row.spki_sha256).map(Box::new);
                let adopted = adopted.and_then(|row| row.certificate_sha256);
                let certificate = certificate.map(|row| locked_certificate(row, adopted.map(Box::new)));
                Shape { key, certificate }
            }
        })
    }

    fn planned(&self, planned: &PlannedCertificate) -> CertificateShape {
        let existing = planned.existing.as_deref();
        let issuer = existing.and_then(|existing| existing.issuer.as_deref());
        let issuer = issuer.or_else(|| self.issuers.get(&planned.issuer).map(String::as_str)).unwrap_or_default();
        CertificateShape {
            subject: planned.subject.to_string().into(),
            issuer: issuer.into(),
            usages: match existing {
                None => planned.usages.iter().map(|usage| usage.to_string().into()).collect(),
                Some(existing) => existing.usages.iter().map(|usage| usage.as_str().into()).collect(),
            },
            alt_names: planned.alt_names.iter().map(|name| name.labelled()).collect(),
            constraints: match existing {
                None => planned.constraints.outline(),
                Some(existing) => existing.constraints.clone(),
            },
            issued_at: planned.validity.issued_at.to_string().into(),
            not_before: instant(planned.validity.not_before).into(),
            not_after: instant(planned.validity.not_after).into(),
            adopted: existing.map(|existing| Box::new(Hex(existing.sha256))),
        }
    }
}

fn planned_key(key: &PlannedKey) -> KeyShape {
    KeyShape {
        algorithm: key.algorithm.name().into(),
        generation: key.generation,
        adopted: key.adopted.as_deref().copied().map(Hex).map(Box::new),
    }
}

fn locked_key(key: &LockedKey) -> KeyShape {
    KeyShape { algorithm: Arc::clone(&key.algorithm), generation: key.generation, adopted: None }
}

fn locked_certificate(certificate: &LockedCertificate, adopted: Option<Box<Sha256>>) -> CertificateShape {
    CertificateShape {
        subject: Arc::clone(&certificate.subject),
        issuer: Arc::clone(&certificate.issuer),
        usages: Arc::clone(&certificate.usages),
        alt_names: Arc::clone(&certificate.alt_names),
        constraints: certificate.constraints.clone(),
        issued_at: Arc::clone(&certificate.issued_at),
        not_before: Arc::clone(&certificate.not_before),
        not_after: Arc::clone(&certificate.not_after),
        adopted,
    }
}
