//! The CA that an object has the API server trust, and the certificates in Secrets that it should have signed.

use super::facts::NodeFacts;
use super::finding::{Findings, shell_word};
use super::go::{host_name_error, not_yet_valid_error};
use super::objects::{Object, decode};
use super::time::Clock;
use crate::report::Yaml;
use crate::x509::{AltName, ReadCertificate, public_key_bits, read_pem};

/// Intermediates between a leaf and what is trusted.
const CHAIN: usize = 8;

/// A `caBundle` and the service that answers with a certificate.
struct Bundle<'a> {
    file: &'a str,
    /// `webhook x of ValidatingWebhookConfiguration y`.
    it: String,
    /// What the API server says before `x509:`.
    caller: String,
    /// Namespace and name.
    service: Option<(&'a str, &'a str)>,
    data: Option<&'a str>,
    /// The command that writes it, without the value.
    patch: String,
}

/// A Secret with a certificate.
struct TlsSecret<'a> {
    object: Object<'a>,
    /// The leaf and what follows it.
    chain: Vec<ReadCertificate>,
}

/// Looks at every `caBundle` and every Secret of a certificate.
pub(super) fn check(objects: &[Object<'_>], facts: &NodeFacts, clock: Clock, findings: &mut Findings) {
    let secrets: Vec<_> = objects
        .iter()
        .filter(|object| object.kind == "Secret")
        .filter_map(|object| secret(object, clock, findings))
        .collect();
    for bundle in objects.iter().flat_map(bundles) {
        check_bundle(&bundle, &secrets, facts, clock, findings);
    }
}

/// Reads a Secret with `tls.crt` and says what is wrong with it.
fn secret<'a>(object: &Object<'a>, clock: Clock, findings: &mut Findings) -> Option<TlsSecret<'a>> {
    object
        .text(&["data", "tls.crt"])
        .or_else(|| object.text(&["stringData", "tls.crt"]))
        .filter(|text| !text.is_empty())?;
    let it = format!("{} in {}", object.title(), object.file);
    let read = object.data("tls.crt").and_then(|content| read_pem(&content).ok());
    let chain = read.map(|contents| contents.certificates).unwrap_or_default();
    let Some(leaf) = chain.first() else {
        findings.add_in("secret-broken", object.file, &it, &[]);
        return None;
    };
    clock.check(object.file, &it, leaf, findings);
    let key = object.data("tls.key").and_then(|content| read_pem(&content).ok()).map(|contents| contents.public_keys);
    if key.is_some_and(|keys| keys.first() != public_key_bits(leaf.spki_der()).as_ref()) {
        findings.add_in("secret-key-pair", object.file, &it, &[]);
    }
    Some(TlsSecret { object: *object, chain })
}

/// Every `caBundle` of an object. Source: admissionregistration.k8s.io/v1, apiextensions.k8s.io/v1 and v1beta1,
/// apiregistration.k8s.io/v1.
fn bundles<'a>(object: &Object<'a>) -> Vec<Bundle<'a>> {
    let title = object.title();
    let plural = object.kind.to_ascii_lowercase();
    let patch = |path: &str| {
        format!(
            "kubectl patch {plural} {} --type=json -p '[{{\"op\":\"add\",\"path\":\"{path}\",\"value\":\"'$CA'\"}}]'",
            shell_word(object.name)
        )
    };
    match object.kind {
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            let webhooks = object.yaml.get("webhooks").map(Yaml::items).unwrap_or_default();
            let bundle = |(number, webhook): (usize, &'a Yaml)| {
                let name = webhook.get("name").and_then(Yaml::text).unwrap_or_default();
                let it = format!("webhook {name} of {title}");
                let caller = format!("failed calling webhook \"{name}\": ");
                let patch = patch(&format!("/webhooks/{number}/clientConfig/caBundle"));
                client_config(object, webhook.get("clientConfig")?, it, caller, patch)
            };
            webhooks.iter().enumerate().filter_map(bundle).collect()
        }
        "CustomResourceDefinition" => {
            let configurations = [
                ["spec", "conversion", "webhook", "clientConfig"].as_slice(),
                &["spec", "conversion", "webhookClientConfig"],
            ];
            let bundle = |path: &&[&str]| {
                let it = format!("the conversion of {title}");
                let caller = format!("conversion webhook for {} failed: ", object.name);
                client_config(
                    object,
                    object.yaml.at(path)?,
                    it,
                    caller,
                    patch(&format!("/{}/caBundle", path.join("/"))),
                )
            };
            configurations.iter().filter_map(bundle).collect()
        }
        "APIService" => {
            let Some(spec) = object.yaml.get("spec").filter(|spec| spec.get("service").is_some()) else {
                return Vec::new();
            };
            let is_lax = spec.get("insecureSkipTLSVerify").and_then(Yaml::text) == Some("true");
            let caller = format!("failing or missing response from {}: ", object.name);
            let bundle = client_config(object, spec, title.clone(), caller, patch("/spec/caBundle"));
            bundle.into_iter().filter(|_| !is_lax).collect()
        }
        _ => Vec::new(),
    }
}

fn client_config<'a>(
    object: &Object<'a>,
    yaml: &'a Yaml,
    it: String,
    caller: String,
    patch: String,
) -> Option<Bundle<'a>> {
    let text = |path: &[&str]| yaml.at(path).and_then(Yaml::text).filter(|text| !text.is_empty());
    let service = text(&["service", "namespace"]).zip(text(&["service", "name"]));
    // By URL, a certificate of the public web may do.
    let data = text(&["caBundle"]);
    (service.is_some() || data.is_some()).then_some(Bundle { file: object.file, it, caller, service, data, patch })
}

fn check_bundle(
    bundle: &Bundle<'_>,
    secrets: &[TlsSecret<'_>],
    facts: &NodeFacts,
    clock: Clock,
    findings: &mut Findings,
) {
    let it = format!("{} in {}", bundle.it, bundle.file);
    let host = bundle.service.map(|(namespace, name)| format!("{name}.{namespace}.svc"));
    let dns = host.clone().map(AltName::Dns);
    let of_service: Vec<_> = secrets
        .iter()
        .filter(|secret| dns.as_ref().is_some_and(|dns| secret.chain.first().is_some_and(|leaf| leaf.is_for(dns))))
        .collect();
    let caller = bundle.caller.as_str();
    let Some(data) = bundle.data else {
        let values = [("caller", caller), ("host", host.as_deref().unwrap_or_default())];
        return findings.add_in("ca-bundle-missing", bundle.file, &it, &values);
    };
    let read = decode(data).and_then(|content| read_pem(&content).ok()).map(|contents| contents.certificates);
    let Some(authorities) = read.filter(|authorities| !authorities.is_empty()) else {
        return findings.add_in("ca-bundle-encoding", bundle.file, &it, &[]);
    };
    check_times(bundle, &it, &authorities, clock, findings);
    if let Some(wrong) = of_service.first() {
        if !of_service.iter().any(|secret| is_trusted(&secret.chain, &authorities)) {
            let values = [
                ("secret", wrong.object.title()),
                ("caller", caller.to_owned()),
                ("take", take_ca(&wrong.object)),
                ("patch", bundle.patch.clone()),
            ];
            findings.add_in(
                "ca-bundle",
                bundle.file,
                &it,
                &values.each_ref().map(|(key, value)| (*key, value.as_str())),
            );
        }
        return;
    }
    let beside =
        |secret: &&TlsSecret<'_>| bundle.service.is_some_and(|(namespace, _)| secret.object.namespace == namespace);
    if let (Some(secret), Some(dns)) =
        (secrets.iter().filter(beside).find(|secret| is_trusted(&secret.chain, &authorities)), &dns)
    {
        let error = secret.chain.first().map(|leaf| host_name_error(leaf, dns)).unwrap_or_default();
        let values = [
            ("secret", secret.object.title()),
            ("host", dns.to_string()),
            ("error", error),
            ("caller", caller.to_owned()),
        ];
        findings.add_in(
            "webhook-alt-name",
            bundle.file,
            &it,
            &values.each_ref().map(|(key, value)| (*key, value.as_str())),
        );
        return;
    }
    // Nothing is known of the server: but a CA that is called as the node's is, and is not the same, was that once.
    let is_old = |found: &ReadCertificate| {
        facts.authorities.iter().any(|known| known.subject_der() == found.subject_der())
            && facts.authorities.iter().all(|known| known.spki_der() != found.spki_der())
    };
    if authorities.iter().all(is_old) {
        let subject = authorities.first().map(ReadCertificate::subject).unwrap_or_default();
        findings.add_in(
            "ca-bundle-old",
            bundle.file,
            &it,
            &[("subject", &subject), ("caller", caller), ("patch", &bundle.patch)],
        );
    }
}

/// A bundle works as long as one of its certificates does.
fn check_times(bundle: &Bundle<'_>, it: &str, authorities: &[ReadCertificate], clock: Clock, findings: &mut Findings) {
    let it = format!("caBundle of {it}");
    let last = authorities.iter().max_by_key(|authority| authority.not_after());
    let Some(last) = last else { return };
    if let Some(first) = authorities.iter().map(ReadCertificate::not_before).min().filter(|begin| clock.at < *begin) {
        let (time, now) = (super::go::instant(first), super::go::instant(clock.at));
        let error = not_yet_valid_error(clock.at, first);
        findings.add_in("not-yet-valid", bundle.file, &it, &[("time", &time), ("now", &now), ("error", &error)]);
    } else if clock.at > last.not_after() {
        clock.expired(bundle.file, &it, last.not_after(), findings);
    } else {
        clock.expiring(bundle.file, &it, last.not_after(), findings);
    }
}

/// Whether a chain leads to one of the CAs, or to a certificate that is itself trusted.
fn is_trusted(chain: &[ReadCertificate], authorities: &[ReadCertificate]) -> bool {
    let signs = |signed: &ReadCertificate, by: &ReadCertificate| signed.is_signed_by(by).unwrap_or(true);
    let Some(mut current) = chain.first() else { return false };
    for _ in 0..CHAIN {
        if authorities.iter().any(|authority| authority.der() == current.der() || signs(current, authority)) {
            return true;
        }
        let next = chain.iter().find(|next| next.der() != current.der() && signs(current, next));
        match next {
            Some(next) => current = next,
            None => return false,
        }
    }
    false
}

/// Takes the CA out of a Secret, if it has the one that signed it.
fn take_ca(secret: &Object<'_>) -> String {
    let authorities = secret.data("ca.crt").and_then(|content| read_pem(&content).ok());
    let authorities = authorities.map(|contents| contents.certificates).unwrap_or_default();
    let chain = secret.data("tls.crt").and_then(|content| read_pem(&content).ok());
    let chain = chain.map(|contents| contents.certificates).unwrap_or_default();
    if is_trusted(&chain, &authorities) {
        format!(
            r"CA=$(kubectl -n {} get secret {} -o jsonpath='{{.data.ca\.crt}}')",
            shell_word(secret.namespace),
            shell_word(secret.name)
        )
    } else {
        "CA=$(base64 -w0 CA.crt)".to_owned()
    }
}
