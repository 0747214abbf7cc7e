//! Checks the CA in each `caBundle`, which the API server trusts, against the certificates in Secrets that it should
//! have signed.

use super::facts::GatheredFacts;
use super::finding::{Findings, shell_word};
use super::go_messages::{host_name_error, not_yet_valid_error};
use super::objects::Object;
use super::secrets::TlsSecret;
use super::time::Clock;
use super::webhooks::{Bundle, BundleGroup, groups};
use crate::x509::{AltName, ReadCertificate, instant, read_pem};
use crate::yaml::decode_base64;

/// Looks at every `caBundle`. What is wrong with several of them in the same way is reported once.
pub(super) fn check(
    bundles: &[Bundle<'_>],
    secrets: &[TlsSecret<'_>],
    facts: &GatheredFacts,
    clock: Clock,
    findings: &mut Findings,
) {
    for group in groups(bundles) {
        check_group(&group, secrets, facts, clock, findings);
    }
}

fn check_group(
    group: &BundleGroup<'_>,
    secrets: &[TlsSecret<'_>],
    facts: &GatheredFacts,
    clock: Clock,
    findings: &mut Findings,
) {
    let host = group.service.map(|service| service.host());
    let mut add = |id: &str, values: &[(&'static str, &str)]| {
        let known = [("caller", group.caller.as_str()), ("host", host.as_deref().unwrap_or_default())];
        let values: Vec<_> = known.iter().chain(values).copied().collect();
        findings.add_in(id, group.file, &group.it, &values);
    };
    let Some(data) = group.data else { return add("ca-bundle-missing", &[]) };
    let read = decode_base64(data).and_then(|content| read_pem(&content).ok()).map(|contents| contents.certificates);
    let Some(authorities) = read.filter(|authorities| !authorities.is_empty()) else {
        return add("ca-bundle-encoding", &[]);
    };
    let dns = host.clone().map(AltName::Dns);
    let is_of_service = |secret: &&TlsSecret<'_>| dns.as_ref().is_some_and(|dns| secret.leaf.is_for(dns));
    let of_service: Vec<_> = secrets.iter().filter(is_of_service).collect();
    let is_beside =
        |secret: &&TlsSecret<'_>| group.service.is_some_and(|service| secret.object.namespace == service.namespace);
    // No certificate of the server is at hand. But a CA that has the name of the node's CA and another key is that CA
    // from before it was replaced.
    let is_old = |found: &ReadCertificate| {
        facts.authorities.iter().any(|known| known.subject_der() == found.subject_der())
            && facts.authorities.iter().all(|known| known.spki_der() != found.spki_der())
    };
    if let Some(wrong) = of_service.first() {
        if !of_service.iter().any(|secret| secret.is_trusted_by(&authorities)) {
            let (secret, take) = (wrong.object.title(), take_ca(wrong));
            add("ca-bundle", &[("secret", &secret), ("take", &take), ("patches", &group.patches)]);
        }
    } else if let (Some(other), Some(dns)) =
        (secrets.iter().filter(is_beside).find(|secret| secret.is_trusted_by(&authorities)), &dns)
    {
        let (secret, error) = (other.object.title(), host_name_error(&other.leaf, dns));
        add("webhook-alt-name", &[("secret", &secret), ("error", &error)]);
    } else if authorities.iter().all(is_old) {
        let subject = authorities.first().map(ReadCertificate::subject).unwrap_or_default();
        add("ca-bundle-old", &[("subject", &subject), ("patches", &group.patches)]);
    }
    check_times(group, &authorities, clock, findings);
}

/// Checks the time of a `caBundle`. It works as long as one of its certificates does.
fn check_times(group: &BundleGroup<'_>, authorities: &[ReadCertificate], clock: Clock, findings: &mut Findings) {
    let it = format!("caBundle of {}", group.it);
    let last = authorities.iter().max_by_key(|authority| authority.not_after());
    let Some(last) = last else { return };
    if let Some(first) = authorities.iter().map(ReadCertificate::not_before).min().filter(|begin| clock.at < *begin) {
        let (time, now, error) = (instant(first), instant(clock.at), not_yet_valid_error(clock.at, first));
        findings.add_in("not-yet-valid", group.file, &it, &[("time", &time), ("now", &now), ("error", &error)]);
    } else if clock.at > last.not_after() {
        clock.expired(group.file, &it, last.not_after(), findings);
    } else {
        clock.expiring(group.file, &it, last.not_after(), findings);
    }
}

/// Returns the command that sets `$CA`: from the Secret, if that has the CA which signed its certificate, or else from
/// a file.
fn take_ca(secret: &TlsSecret<'_>) -> String {
    let Object { namespace, name, .. } = secret.object;
    if secret.is_trusted_by(&secret.authorities) {
        let (namespace, name) = (shell_word(namespace), shell_word(name));
        format!(r"CA=$(kubectl -n {namespace} get secret {name} -o jsonpath='{{.data.ca\.crt}}')")
    } else {
        "CA=$(base64 -w0 CA.crt)".to_owned()
    }
}
