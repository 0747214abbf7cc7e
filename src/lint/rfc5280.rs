//! Rules of RFC 5280 and of cryptography.

use super::{Facts, Rule, Severity};
use crate::x509::oid;

pub(super) const RULES: [Rule; 9] = [
    Rule {
        id: "serial",
        clause: "RFC 5280, section 4.1.2.2: positive, at most 20 octets",
        severity: Severity::Error,
        check: serial,
    },
    Rule {
        id: "signature-algorithm",
        clause: "RFC 9155, section 2; Go 1.18: SHA-1 and MD5 are not accepted",
        severity: Severity::Error,
        check: signature_algorithm,
    },
    Rule {
        id: "rsa-size",
        clause: "NIST SP 800-131A, revision 2, section 3: at least 2048 bits",
        severity: Severity::Error,
        check: rsa_size,
    },
    Rule {
        id: "ca-basic-constraints",
        clause: "RFC 5280, section 4.2.1.9: critical, CA:TRUE",
        severity: Severity::Error,
        check: ca_basic_constraints,
    },
    Rule {
        id: "ca-key-usage",
        clause: "RFC 5280, section 4.2.1.3: keyCertSign; Go: unknown authority without it",
        severity: Severity::Error,
        check: ca_key_usage,
    },
    Rule {
        id: "ca-subject-key-identifier",
        clause: "RFC 5280, section 4.2.1.2",
        severity: Severity::Warning,
        check: ca_subject_key_identifier,
    },
    Rule { id: "leaf-is-no-ca", clause: "RFC 5280, section 4.2.1.9", severity: Severity::Error, check: leaf_is_no_ca },
    Rule {
        id: "authority-key-identifier",
        clause: "RFC 5280, section 4.2.1.1: the issuer's subject key identifier",
        severity: Severity::Warning,
        check: authority_key_identifier,
    },
    Rule {
        id: "key-usage-key-type",
        clause: "RFC 8813, section 3: no keyEncipherment with EC keys; RFC 5280, section 4.2.1.3: keyCertSign for CAs alone",
        severity: Severity::Warning,
        check: key_usage_key_type,
    },
];

fn serial(facts: &Facts<'_>) -> Option<String> {
    let serial = facts.certificate.serial();
    let bad = serial.len() > 20 || serial.iter().all(|octet| *octet == 0) || facts.certificate.serial_is_negative();
    bad.then(|| "has a serial number that is not positive or longer than 20 octets".to_owned())
}

fn signature_algorithm(facts: &Facts<'_>) -> Option<String> {
    let algorithm = facts.certificate.signature_algorithm();
    let known = [oid::SHA256_WITH_RSA, oid::ECDSA_WITH_SHA256, oid::ECDSA_WITH_SHA384];
    (!known.contains(&algorithm)).then(|| format!("is signed with {algorithm}, which is old or unknown"))
}

fn rsa_size(facts: &Facts<'_>) -> Option<String> {
    let bits = facts.certificate.rsa_bits()?;
    (bits < 2048).then(|| format!("has an RSA key of {bits} bits"))
}

fn ca_basic_constraints(facts: &Facts<'_>) -> Option<String> {
    let ok = facts.certificate.is_ca() && facts.certificate.basic_constraints_critical();
    (facts.purpose.is_ca() && !ok).then(|| "is a CA and has no critical basicConstraints that say so".to_owned())
}

fn ca_key_usage(facts: &Facts<'_>) -> Option<String> {
    let signs = facts.certificate.key_usage().is_some_and(|usage| usage.key_cert_sign());
    (facts.certificate.is_ca() && !signs).then(|| "is a CA and may not sign certificates (keyCertSign)".to_owned())
}

fn ca_subject_key_identifier(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.certificate.is_ca() && facts.certificate.subject_key_identifier().is_none();
    missing.then(|| "is a CA without subject key identifier; openssl -x509_strict refuses it".to_owned())
}

fn leaf_is_no_ca(facts: &Facts<'_>) -> Option<String> {
    let wrong = !facts.purpose.is_ca() && facts.certificate.is_ca();
    wrong.then(|| "is a CA and stands where a leaf belongs".to_owned())
}

fn authority_key_identifier(facts: &Facts<'_>) -> Option<String> {
    if facts.certificate.is_ca() {
        return None;
    }
    let expected = facts.issuer?.subject_key_identifier()?;
    match facts.certificate.authority_key_identifier() {
        Some(found) if found == expected => None,
        Some(_) => Some("names another key as its issuer's".to_owned()),
        None => Some("does not name its issuer's key; with two CAs of one name openssl finds no chain".to_owned()),
    }
}

fn key_usage_key_type(facts: &Facts<'_>) -> Option<String> {
    let usage = facts.certificate.key_usage()?;
    if !facts.certificate.is_ca() && usage.key_cert_sign() {
        return Some("is no CA and may sign certificates (keyCertSign)".to_owned());
    }
    let encipherment = usage.key_encipherment() && facts.certificate.rsa_bits().is_none();
    encipherment.then(|| "has keyEncipherment with a key that cannot encipher".to_owned())
}
