//! Checks Secrets with certificates by themselves.

use super::finding::Findings;
use super::objects::Object;
use super::time::Clock;
use crate::x509::{ReadCertificate, public_key_bits, read_pem};

/// The most certificates of a chain, from the leaf to the one below a trusted CA.
const CHAIN: usize = 8;

/// A Secret whose `tls.crt` can be read.
pub(super) struct TlsSecret<'a> {
    pub(super) object: Object<'a>,
    /// The first certificate in `tls.crt`.
    pub(super) leaf: ReadCertificate,
    /// The other certificates in `tls.crt`.
    pub(super) rest: Vec<ReadCertificate>,
    /// The certificates in `ca.crt`.
    pub(super) authorities: Vec<ReadCertificate>,
}

/// Reads every Secret with a `tls.crt`, and reports what is wrong with it.
pub(super) fn read<'a>(objects: &[Object<'a>], clock: Clock, findings: &mut Findings) -> Vec<TlsSecret<'a>> {
    let secrets = objects.iter().filter(|object| object.kind == "Secret");
    secrets.filter_map(|object| read_one(object, clock, findings)).collect()
}

fn read_one<'a>(object: &Object<'a>, clock: Clock, findings: &mut Findings) -> Option<TlsSecret<'a>> {
    // MetalLB's Secret is empty until its controller fills it.
    if !has(object, "tls.crt") {
        return None;
    }
    let it = title(object);
    if object.text(&["type"]) == Some("kubernetes.io/tls") && !has(object, "tls.key") {
        findings.add_in("secret-key-absent", object.file, &it, &[]);
    }
    let mut chain = certificates(object, "tls.crt").into_iter();
    let Some(leaf) = chain.next() else {
        findings.add_in("secret-broken", object.file, &it, &[]);
        return None;
    };
    clock.check(object.file, &it, &leaf, findings);
    if object.data("tls.key").is_some_and(|key| is_other_key(&key, &leaf)) {
        findings.add_in("secret-key-pair", object.file, &it, &[]);
    }
    let authorities = certificates(object, "ca.crt");
    Some(TlsSecret { object: *object, leaf, rest: chain.collect(), authorities })
}

/// Returns an object's title and file: `Secret metallb-system/webhook-server-cert in objects.yaml`.
pub(super) fn title(object: &Object<'_>) -> String {
    format!("{} in {}", object.title(), object.file)
}

/// Returns whether a Secret has a value that is not empty.
pub(super) fn has(secret: &Object<'_>, key: &str) -> bool {
    let text = secret.text(&["data", key]).or_else(|| secret.text(&["stringData", key]));
    text.is_some_and(|text| !text.is_empty())
}

fn certificates(secret: &Object<'_>, key: &str) -> Vec<ReadCertificate> {
    let read = secret.data(key).and_then(|content| read_pem(&content).ok());
    read.map(|contents| contents.certificates).unwrap_or_default()
}

/// Returns whether a key can be read and does not belong to the certificate.
pub(super) fn is_other_key(key: &[u8], certificate: &ReadCertificate) -> bool {
    let of_certificate = public_key_bits(certificate.spki_der());
    read_pem(key).is_ok_and(|contents| contents.public_keys.first() != of_certificate.as_ref())
}

impl TlsSecret<'_> {
    /// Returns whether the chain leads to one of the authorities, or to a certificate that is itself among them.
    pub(super) fn is_trusted_by(&self, authorities: &[ReadCertificate]) -> bool {
        let mut current = &self.leaf;
        for _ in 0..CHAIN {
            if authorities.iter().any(|authority| authority.der() == current.der() || signs(authority, current)) {
                return true;
            }
            match self.rest.iter().find(|next| next.der() != current.der() && signs(next, current)) {
                Some(next) => current = next,
                None => return false,
            }
        }
        false
    }
}

/// Returns whether one certificate signed another. A signature that cannot be checked counts as one.
pub(super) fn signs(by: &ReadCertificate, signed: &ReadCertificate) -> bool {
    signed.is_signed_by(by).unwrap_or(true)
}
