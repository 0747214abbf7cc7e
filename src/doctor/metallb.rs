//! Judges MetalLB's Secret as the rotator in its controller does.
//!
//! Source: open-policy-agent/cert-controller v0.10.1, pkg/rotator/rotator.go; MetalLB v0.15.2, internal/k8s/webhook.go.

use std::collections::BTreeSet;

use super::finding::Findings;
use super::objects::Object;
use super::secrets::{self, TlsSecret, signs};
use super::time::Clock;
use super::webhooks::{Bundle, Service};
use crate::kubernetes::Purpose;
use crate::lint::{ClusterFacts, Facts, lint};
use crate::x509::{AltName, ReadCertificate};
use crate::yaml::Yaml;

/// The names of the Secret and the service, up to v0.14.3 and since then: release manifests and flags.
const NAMES: [(&str, &str); 2] =
    [("webhook-server-cert", "webhook-service"), ("metallb-webhook-cert", "metallb-webhook-service")];
/// MetalLB's namespace. Elsewhere the name of a Secret proves nothing by itself, because many operators use the name
/// that MetalLB's Secret once had.
const NAMESPACE: &str = "metallb-system";

/// What the rotator logs, and what it does to the Secret, when it does not accept the CA and when it does not accept
/// the server's certificate.
const NEW_CA: [(&str, &str); 2] = [
    ("log", "refreshing CA and server certs"),
    (
        "replaces",
        "overwrites the whole Secret with a CA of its own: whoever trusts yours says `x509: certificate signed by unknown \
         authority`",
    ),
];
const NEW_SERVER: [(&str, &str); 2] = [
    ("log", "refreshing server certs"),
    ("replaces", "replaces tls.crt and tls.key by its own, signed with ca.key for a year"),
];

/// Looks at every Secret of MetalLB whose certificates are rotated.
///
/// Returns their titles: the rotator verifies the chain as a client does, and replaces what it does not accept.
pub(super) fn check(
    objects: &[Object<'_>],
    bundles: &[Bundle<'_>],
    secrets: &[TlsSecret<'_>],
    clock: Clock,
    findings: &mut Findings,
) -> BTreeSet<String> {
    let mut rotated = BTreeSet::new();
    for secret in secrets.iter().filter(|secret| secret.is_tls()) {
        let Some(host) = host(secret, bundles) else { continue };
        let has_ca = ["ca.crt", "ca.key"].iter().all(|key| secrets::has(&secret.object, key));
        match (has_ca, rotates(objects, secret.object.namespace)) {
            (true, None | Some(true)) => {
                rotated.insert(secret.object.title());
                check_secret(secret, host, clock, findings);
            }
            (false, Some(true)) => {
                let it = secrets::title(&secret.object);
                findings.add_in("metallb-ca-absent", secret.object.file, &it, &NEW_CA);
            }
            // As far as is known, nothing rotates these certificates.
            (false, None) | (_, Some(false)) => {}
        }
    }
    rotated
}

/// Returns the name by which the API server calls MetalLB, or `None` when the Secret is not MetalLB's.
fn host(secret: &TlsSecret<'_>, bundles: &[Bundle<'_>]) -> Option<String> {
    let Object { namespace, name, .. } = secret.object;
    let services = bundles.iter().filter(|bundle| bundle.is_metallbs()).filter_map(|bundle| bundle.service);
    let hosts: Vec<_> =
        services.filter(|service| service.namespace == namespace).map(|it| Service::host(&it)).collect();
    let is_named = |host: &&String| secret.leaf.is_for(&AltName::Dns((*host).clone()));
    let by_name = NAMES.iter().find(|(known, _)| *known == name);
    let by_name = by_name.filter(|_| namespace == NAMESPACE || !hosts.is_empty());
    let by_name = by_name.map(|(_, service)| format!("{service}.{namespace}.svc"));
    let by_name = by_name.map(|host| if hosts.contains(&host) { host } else { hosts.first().cloned().unwrap_or(host) });
    hosts.iter().find(is_named).cloned().or(by_name)
}

/// Returns whether the controller in that namespace rotates certificates, or `None` when the controller is not at hand.
fn rotates(objects: &[Object<'_>], namespace: &str) -> Option<bool> {
    let deployments = objects.iter().filter(|object| object.kind == "Deployment" && object.namespace == namespace);
    let containers = deployments.filter_map(|object| object.yaml.at(&["spec", "template", "spec", "containers"]));
    let is_controller = |container: &&Yaml| {
        let image = container.get("image").and_then(Yaml::text).unwrap_or_default();
        image.contains("metallb") && image.contains("controller")
    };
    let controller = containers.flat_map(Yaml::items).find(is_controller)?;
    let flags = ["command", "args"].into_iter().filter_map(|key| controller.get(key)).flat_map(Yaml::items);
    let mut flags = flags.filter_map(Yaml::text).map(|flag| flag.trim_start_matches('-'));
    Some(!flags.any(|flag| matches!(flag, "disable-cert-rotation" | "disable-cert-rotation=true")))
}

fn check_secret(secret: &TlsSecret<'_>, host: String, clock: Clock, findings: &mut Findings) {
    let (object, title) = (&secret.object, secrets::title(&secret.object));
    let key = object.data("ca.key");
    let is_pair = |ca: &&ReadCertificate| !key.as_ref().is_some_and(|key| secrets::is_other_key(key, ca));
    let Some(ca) = secret.authorities.first().filter(is_pair) else {
        return findings.add_in("metallb-ca-pair", object.file, &title, &NEW_CA);
    };
    if ca.rsa_bits().is_some() && !key.as_ref().is_some_and(|key| begins_as_pkcs1(key)) {
        findings.add_in("metallb-ca-pkcs1", object.file, &title, &[]);
    }
    let service = AltName::Dns(host);
    let mut judge = |it: &str, certificate: &ReadCertificate, issuer: Option<_>, does: &[(&'static str, &str)]| {
        let facts = Facts {
            certificate,
            purpose: if issuer.is_some() { Purpose::MetallbServer } else { Purpose::MetallbCa },
            issuer,
            node: None,
            service: Some(&service),
            cluster: ClusterFacts::default(),
            needed_at: &[clock.at],
        };
        let it = format!("{it} of {title}");
        // The rotator accepts other faults, and the certificates that it makes have some of them.
        for breach in lint(&facts).into_iter().filter(|breach| breach.rule.id.starts_with("metallb-")) {
            let detail = [("detail", breach.detail.as_str())];
            let values: Vec<_> = detail.iter().chain(does).copied().collect();
            findings.add_in(breach.rule.id, object.file, &it, &values);
        }
    };
    judge("ca.crt", ca, None, &NEW_CA);
    judge("tls.crt", &secret.leaf, Some(ca), &NEW_SERVER);
    if secret.leaf.issuer_der() == ca.subject_der() && !signs(ca, &secret.leaf) {
        let detail = [("detail", "names the CA as its issuer, and is not signed with its key")];
        let values: Vec<_> = detail.iter().chain(&NEW_SERVER).copied().collect();
        findings.add_in("metallb-chain", object.file, &format!("tls.crt of {title}"), &values);
    }
}

/// Returns whether the first block of a PEM file is a key in PKCS#1. `x509.ParsePKCS1PrivateKey` reads no other.
fn begins_as_pkcs1(pem: &[u8]) -> bool {
    let mut lines = pem.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.find(|line| line.starts_with(b"-----BEGIN ")) == Some(b"-----BEGIN RSA PRIVATE KEY-----")
}
