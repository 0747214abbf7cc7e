//! What can be told of keys and certificates without the seed: names, dates, usages, generations.

use std::collections::BTreeMap;

use super::model::Lock;
use crate::kubernetes::KeyId;
use crate::plan::Plan;
use crate::x509::instant;

/// The shapes of everything in a lock or a plan, by id.
pub type Shapes = BTreeMap<KeyId, Shape>;

/// A key and, where it has one, its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The key.
    pub key: KeyShape,
    /// The certificate.
    pub certificate: Option<CertificateShape>,
}

/// What decides a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyShape {
    /// Its algorithm.
    pub algorithm: String,
    /// Its generation.
    pub generation: u32,
}

/// What decides a certificate, besides the keys of subject and issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateShape {
    /// Subject.
    pub subject: String,
    /// The issuer's subject.
    pub issuer: String,
    /// Extended key usages.
    pub usages: Vec<String>,
    /// Subject alternative names.
    pub alt_names: Vec<String>,
    /// What bounds a CA.
    pub constraints: Vec<String>,
    /// The day its validity counts from.
    pub issued_at: String,
    /// First second, RFC 3339.
    pub not_before: String,
    /// Last second, RFC 3339.
    pub not_after: String,
}

/// The shapes of a plan.
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

/// The shapes of a lock.
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
