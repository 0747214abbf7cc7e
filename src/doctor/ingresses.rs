//! Checks Ingresses: the Secrets with which they serve, and annotations that are left over from ACME.

use super::finding::{Findings, shell_word};
use super::issuers::{is_meant, named_by};
use super::objects::Object;
use super::secrets::{self, TlsSecret};
use crate::x509::AltName;
use crate::yaml::Yaml;

/// Looks at every Ingress.
pub(super) fn check(objects: &[Object<'_>], secrets: &[TlsSecret<'_>], findings: &mut Findings) {
    for ingress in objects.iter().filter(|object| object.kind == "Ingress") {
        check_hosts(ingress, secrets, findings);
        check_annotations(ingress, objects, findings);
    }
}

/// Reports hosts for which the Secret is not. Source: networking.k8s.io/v1 and v1beta1, `spec.tls`.
fn check_hosts(ingress: &Object<'_>, secrets: &[TlsSecret<'_>], findings: &mut Findings) {
    let it = secrets::title(ingress);
    for tls in ingress.yaml.at(&["spec", "tls"]).map(Yaml::items).unwrap_or_default() {
        let Some(name) = tls.get("secretName").and_then(Yaml::text) else { continue };
        let is_it = |secret: &&TlsSecret<'_>| {
            secret.is_tls() && (secret.object.namespace, secret.object.name) == (ingress.namespace, name)
        };
        let Some(secret) = secrets.iter().find(is_it) else { continue };
        let hosts = tls.get("hosts").map(Yaml::items).unwrap_or_default().iter().filter_map(Yaml::text);
        let missing: Vec<_> = hosts.filter(|host| !secret.leaf.is_for(&AltName::Dns((*host).to_owned()))).collect();
        if !missing.is_empty() {
            let (secret, hosts) = (secret.object.title(), missing.join(", "));
            findings.add_in("ingress-host", ingress.file, &it, &[("secret", &secret), ("hosts", &hosts)]);
        }
    }
}

/// Reports annotations for ACME when the issuer does not speak ACME. When the issuer is not at hand, nobody knows what
/// it does with them.
fn check_annotations(ingress: &Object<'_>, objects: &[Object<'_>], findings: &mut Findings) {
    let annotations = ingress.yaml.at(&["metadata", "annotations"]).map(Yaml::pairs).unwrap_or_default();
    let is_acme = |key: &str| key.starts_with("acme.cert-manager.io/") || key == "kubernetes.io/tls-acme";
    let left: Vec<_> = annotations.iter().map(|(key, _)| key.as_str()).filter(|key| is_acme(key)).collect();
    let named = named_by(ingress);
    let issuer = named.and_then(|named| objects.iter().find(|object| is_meant(object, named, ingress.namespace)));
    let Some(issuer) = issuer.filter(|issuer| issuer.yaml.at(&["spec", "acme"]).is_none() && !left.is_empty()) else {
        return;
    };
    let (names, issuer) = (left.join(", "), issuer.title());
    let removed: Vec<_> = left.iter().map(|key| shell_word(&format!("{key}-"))).collect();
    let (namespace, name) = (shell_word(ingress.namespace), shell_word(ingress.name));
    let command = format!("kubectl -n {namespace} annotate ingress {name} {}", removed.join(" "));
    let values = [("names", names.as_str()), ("issuer", &issuer), ("command", &command)];
    findings.add_in("ingress-acme", ingress.file, &secrets::title(ingress), &values);
}
