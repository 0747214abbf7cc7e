//! What is known about keys and certificates without the seed: names, dates, usages, generations.

use std::collections::BTreeMap;

use super::model::Lock;
use crate::kubernetes::KeyId;
use crate::plan::Plan;
use crate::x509::instant;

/// The shapes of every key in a lock or a plan, by id.
pub type Shapes = BTreeMap<KeyId, Shape>;

/// The shape of a key and, where it has one, of its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    pub algorithm: String,
    /// The generation.
    pub generation: u32,
}

/// The values that decide a certificate, besides the keys of subject and issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateShape {
    /// The subject.
    pub subject: String,
    /// The subject of the issuer.
    pub issuer: String,
    /// The extended key usages.
    pub usages: Vec<String>,
    /// The subject alternative names.
    pub alt_names: Vec<String>,
    /// The limits of a CA.
    pub constraints: Vec<String>,
    /// The day from which the validity is counted.
    pub issued_at: String,
    /// The first second of validity, as RFC 3339 has it.
    pub not_before: String,
    /// The last second of validity, as RFC 3339 has it.
    pub not_after: String,
}

/// Returns the shapes of a plan.
#[must_use]
pub fn shapes_of_plan(plan: &Plan) -> Shapes {
    let mut shapes: Shapes = plan
        .keys
        .iter()
        .map(|key| {
            let shape = KeyShape { algorithm: key.algorithm.name().to_owned(), generation: key.generation };
            (key.id.clone(), Shape { key: shape, certificate: None })
        })
        .collect();
    let issuers: BTreeMap<_, _> = plan
        .certificates
        .iter()
        .filter(|certificate| certificate.is_ca)
        .map(|certificate| (&certificate.key, certificate.subject.to_string()))
        .collect();
    for certificate in &plan.certificates {
        let shape = CertificateShape {
            subject: certificate.subject.to_string(),
            issuer: issuers.get(&certificate.issuer).cloned().unwrap_or_default(),
            usages: certificate.usages.iter().map(ToString::to_string).collect(),
            alt_names: certificate.alt_names.iter().map(|name| name.labelled()).collect(),
            constraints: certificate.constraints.outline(),
            issued_at: certificate.validity.issued_at.to_string(),
            not_before: instant(certificate.validity.not_before),
            not_after: instant(certificate.validity.not_after),
        };
        shapes.entry(certificate.key.clone()).or_default().certificate = Some(shape);
    }
    shapes
}

/// Returns the shapes of a lock.
#[must_use]
pub fn shapes_of_lock(lock: &Lock) -> Shapes {
    let mut shapes = Shapes::new();
    for key in &lock.keys {
        let shape = KeyShape { algorithm: key.algorithm.clone(), generation: key.generation };
        shapes.entry(key.id.clone()).or_default().key = shape;
    }
    for certificate in &lock.certificates {
        let shape = CertificateShape {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            usages: certificate.usages.clone(),
            alt_names: certificate.alt_names.clone(),
            constraints: certificate.constraints.clone(),
            issued_at: certificate.issued_at.clone(),
            not_before: certificate.not_before.clone(),
            not_after: certificate.not_after.clone(),
        };
        shapes.entry(certificate.id.clone()).or_default().certificate = Some(shape);
    }
    shapes
}
