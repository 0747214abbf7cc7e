//! What MetalLB's controller demands of the certificates in its Secret. It replaces those that do not comply.
//!
//! The controller runs the rotator of open-policy-agent/cert-controller at start, every 12 hours and on each change of
//! the Secret: v0.3.0 to v0.10.1 in MetalLB v0.13.0 to v0.15.2. The rotator also demands that the CA's key be PKCS#1,
//! which only the key's file shows.

use ::time::Duration;

use super::identity::lacks_usage;
use super::names::names_nothing;
use super::{Check, Facts, Rule, Severity};
use crate::kubernetes::Purpose;
use crate::x509::AltName;

pub(super) const RULES: [Rule; 6] = [
    Rule {
        id: "metallb-ca-name",
        clause: "cert-controller v0.10.1, rotator.go validCACert: it verifies itself for MetalLB's CAName, the DNS name cert",
        severity: Severity::Error,
        check: Check::Certificate(ca_name),
    },
    Rule {
        id: "metallb-ca-rsa",
        clause: "cert-controller v0.10.1, rotator.go buildArtifactsFromSecret: x509.ParsePKCS1PrivateKey",
        severity: Severity::Error,
        check: Check::Certificate(ca_rsa),
    },
    Rule {
        id: "metallb-usage",
        clause: "cert-controller v0.10.1, rotator.go ValidCert: CA and server verify for serverAuth, Go's default",
        severity: Severity::Error,
        check: Check::Certificate(usage),
    },
    Rule {
        id: "metallb-life",
        clause: "cert-controller v0.10.1, rotator.go lookaheadTime: still valid in 90 days",
        severity: Severity::Error,
        check: Check::Certificate(life),
    },
    Rule {
        id: "metallb-server-name",
        clause: "MetalLB v0.15.2, internal/k8s/webhook.go enableCertRotation: DNSName is <service>.<namespace>.svc",
        severity: Severity::Error,
        check: Check::Certificate(server_name),
    },
    Rule {
        id: "metallb-chain",
        clause: "cert-controller v0.10.1, rotator.go ValidCert: the first of ca.crt is the only root, and nothing is between",
        severity: Severity::Error,
        check: Check::Certificate(chain),
    },
];

/// The DNS name for which MetalLB verifies its CA: `caName` of MetalLB, internal/k8s/k8s.go.
const CA_NAME: &str = "cert";
/// The time before its end at which the rotator replaces a certificate: `defaultLookaheadInterval`.
const LOOKAHEAD: Duration = Duration::days(90);

fn ca_name(facts: &Facts<'_>) -> Option<String> {
    let missing = facts.purpose == Purpose::MetallbCa && !facts.certificate.has_dns(CA_NAME);
    missing.then(|| format!("does not name DNS:{CA_NAME} (subjectAltName), for which MetalLB verifies it"))
}

fn ca_rsa(facts: &Facts<'_>) -> Option<String> {
    let wrong = facts.purpose == Purpose::MetallbCa && facts.certificate.rsa_bits().is_none();
    wrong.then(|| "has a key that is not RSA, the only kind that MetalLB reads".to_owned())
}

fn usage(facts: &Facts<'_>) -> Option<String> {
    if is_metallbs(facts) { lacks_usage(facts) } else { None }
}

fn life(facts: &Facts<'_>) -> Option<String> {
    let not_after = facts.certificate.not_after();
    let ends_too_soon = facts.needed_at.iter().any(|needed_at| not_after - *needed_at < LOOKAHEAD);
    (is_metallbs(facts) && ends_too_soon)
        .then(|| format!("ends on {}, less than 90 days from when it is needed", not_after.date()))
}

/// Checks for the name of the Service. When the Service is not known, the name of any will do.
fn server_name(facts: &Facts<'_>) -> Option<String> {
    if facts.purpose != Purpose::MetallbServer || names_nothing(facts) {
        return None;
    }
    let found = match facts.service {
        Some(service) => facts.certificate.is_for(service),
        None => facts.certificate.alt_names().iter().any(is_service),
    };
    let expected = facts.service.map_or_else(|| "<service>.<namespace>.svc".to_owned(), ToString::to_string);
    (!found).then(|| format!("lacks {expected}, by which the API server calls it"))
}

fn is_service(name: &AltName) -> bool {
    let AltName::Dns(name) = name else { return false };
    let labels: Vec<_> = name.split('.').collect();
    matches!(labels.as_slice(), [_, _, last] if last.eq_ignore_ascii_case("svc"))
}

fn chain(facts: &Facts<'_>) -> Option<String> {
    let other = facts.purpose == Purpose::MetallbServer
        && facts.issuer.is_some_and(|issuer| facts.certificate.issuer_der() != issuer.subject_der());
    other.then(|| format!("is signed by {} and not by the CA itself", facts.certificate.issuer()))
}

fn is_metallbs(facts: &Facts<'_>) -> bool {
    matches!(facts.purpose, Purpose::MetallbCa | Purpose::MetallbServer)
}
