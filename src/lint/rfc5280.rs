//! Rules of RFC 5280, and rules of cryptography.

use super::{Check, Facts, Rule, Severity};
use crate::kubernetes::Purpose;
use crate::x509::RSA_BITS;

pub(super) const RULES: [Rule; 14] = [
    Rule {
        id: "negative-serial",
        clause: "RFC 5280, section 4.1.2.2; Go 1.23: x509.ParseCertificate refuses it",
        severity: Severity::Error,
        check: Check::Certificate(negative_serial),
    },
    Rule {
        // A warning, because kubeadm's own CAs had 0 for years (client-go util/cert/cert.go before v0.27).
        id: "serial",
        clause: "RFC 5280, section 4.1.2.2: positive, at most 20 octets",
        severity: Severity::Warning,
        check: Check::Certificate(serial),
    },
    Rule {
        id: "signature-algorithm",
        clause: "RFC 9155, section 2; Go 1.18: SHA-1 and MD5 are not accepted",
        severity: Severity::Error,
        check: Check::Certificate(signature_algorithm),
    },
    Rule {
        id: "rsa-size",
        clause: "NIST SP 800-131A, revision 2, section 3: at least 2048 bits",
        severity: Severity::Error,
        check: Check::Certificate(rsa_size),
    },
    Rule {
        id: "ca-basic-constraints",
        clause: "RFC 5280, section 4.2.1.9: CA:TRUE; Go: unknown authority without it",
        severity: Severity::Error,
        check: Check::Certificate(ca_basic_constraints),
    },
    Rule {
        id: "ca-basic-constraints-critical",
        clause: "RFC 5280, section 4.2.1.9: critical",
        severity: Severity::Warning,
        check: Check::Certificate(ca_basic_constraints_critical),
    },
    Rule {
        id: "ca-key-usage",
        clause: "RFC 5280, section 4.2.1.3: keyCertSign; Go: unknown authority without it",
        severity: Severity::Error,
        check: Check::Certificate(ca_key_usage),
    },
    Rule {
        id: "ca-key-usage-present",
        clause: "RFC 5280, section 4.2.1.3: CAs must include it",
        severity: Severity::Warning,
        check: Check::Certificate(ca_key_usage_present),
    },
    Rule {
        id: "ca-subject-key-identifier",
        clause: "RFC 5280, section 4.2.1.2: CAs must include it",
        severity: Severity::Warning,
        check: Check::Certificate(ca_subject_key_identifier),
    },
    Rule {
        id: "leaf-is-no-ca",
        clause: "RFC 5280, section 4.2.1.9: only CAs say CA:TRUE",
        severity: Severity::Error,
        check: Check::Certificate(leaf_is_no_ca),
    },
    Rule {
        id: "authority-key-identifier",
        clause: "RFC 5280, section 4.2.1.1: the issuer's subject key identifier",
        severity: Severity::Error,
        check: Check::Certificate(authority_key_identifier),
    },
    Rule {
        id: "authority-key-identifier-present",
        clause: "RFC 5280, section 4.2.1.1: included in all that a CA signs",
        severity: Severity::Warning,
        check: Check::Certificate(authority_key_identifier_present),
    },
    Rule {
        id: "key-usage-key-type",
        clause: "RFC 8813, section 3: no keyEncipherment or dataEncipherment with EC keys",
        severity: Severity::Warning,
        check: Check::Certificate(key_usage_key_type),
    },
    Rule {
        id: "key-usage-leaf",
        clause: "RFC 8446, section 4.4.2.2: digitalSignature; RFC 5280, section 4.2.1.3: keyCertSign for CAs alone",
        severity: Severity::Warning,
        check: Check::Certificate(key_usage_leaf),
    },
];

fn negative_serial(facts: &Facts<'_>) -> Option<String> {
    facts.certificate.serial_is_negative().then(|| "has a negative serial number".to_owned())
}

fn serial(facts: &Facts<'_>) -> Option<String> {
    let serial = facts.certificate.serial();
    if serial.iter().all(|octet| *octet == 0) {
        return Some("has the serial number 0".to_owned());
    }
    (serial.len() > 20).then(|| format!("has a serial number of {} octets", serial.len()))
}

fn signature_algorithm(facts: &Facts<'_>) -> Option<String> {
    facts.certificate.broken_hash().map(|hash| format!("is signed with {hash}"))
}

fn rsa_size(facts: &Facts<'_>) -> Option<String> {
    let bits = facts.certificate.rsa_bits()?;
    (bits < RSA_BITS).then(|| format!("has an RSA key of {bits} bits"))
}

fn ca_basic_constraints(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.purpose.is_ca() && !facts.certificate.is_ca();
    missing.then(|| "stands where a CA belongs and is none (basicConstraints)".to_owned())
}

fn ca_basic_constraints_critical(facts: &Facts<'_>) -> Option<String> {
    let wrong = facts.certificate.is_ca() && !facts.certificate.basic_constraints_critical();
    wrong.then(|| "is a CA by basicConstraints that are not critical; strict clients refuse it".to_owned())
}

fn ca_key_usage(facts: &Facts<'_>) -> Option<String> {
    let usage = facts.certificate.key_usage()?;
    (facts.certificate.is_ca() && !usage.key_cert_sign())
        .then(|| "is a CA and may not sign certificates (keyCertSign)".to_owned())
}

fn ca_key_usage_present(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.certificate.is_ca() && facts.certificate.key_usage().is_none();
    missing.then(|| "is a CA without keyUsage; strict clients refuse it".to_owned())
}

fn ca_subject_key_identifier(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.certificate.is_ca() && facts.certificate.subject_key_identifier().is_none();
    missing.then(|| "is a CA without subjectKeyIdentifier; strict clients refuse it".to_owned())
}

fn leaf_is_no_ca(facts: &Facts<'_>) -> Option<String> {
    let is_leaf = !facts.purpose.is_ca() && facts.purpose != Purpose::Other;
    (is_leaf && facts.certificate.is_ca()).then(|| "is a CA and stands where a leaf belongs".to_owned())
}

fn authority_key_identifier(facts: &Facts<'_>) -> Option<String> {
    let expected = facts.issuer?.subject_key_identifier()?;
    let found = facts.certificate.authority_key_identifier()?;
    (found != expected).then(|| "names another key as its issuer's; OpenSSL finds no chain".to_owned())
}

fn authority_key_identifier_present(facts: &Facts<'_>) -> Option<String> {
    facts.issuer?.subject_key_identifier()?;
    let missing = facts.certificate.authority_key_identifier().is_none();
    missing
        .then(|| "does not name its issuer's key; with two CAs of one name clients may take the wrong one".to_owned())
}

fn key_usage_key_type(facts: &Facts<'_>) -> Option<String> {
    let usage = facts.certificate.key_usage()?;
    let wrong = facts.certificate.has_ec_key() && (usage.key_encipherment() || usage.data_encipherment());
    wrong.then(|| "has an EC key, which cannot encipher, and says that it does".to_owned())
}

fn key_usage_leaf(facts: &Facts<'_>) -> Option<String> {
    let usage = facts.certificate.key_usage()?;
    if facts.certificate.is_ca() {
        return None;
    }
    if usage.key_cert_sign() {
        return Some("is no CA and may sign certificates (keyCertSign)".to_owned());
    }
    (!usage.digital_signature()).then(|| "may not sign (digitalSignature), which TLS 1.3 needs".to_owned())
}
