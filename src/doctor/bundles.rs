//! Checks the CA in each `caBundle`, which the API server trusts, against the certificates in Secrets that it should
//! have signed, as the API server does.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::finding::{Findings, shell_word};
use super::issuers::{annotated, renewal};
use super::objects::Object;
use super::remedy::remedy;
use super::renewed;
use super::secrets::{TlsSecret, certificates, is_joined, unchecked, write};
use super::time::Clock;
use super::webhooks::{Bundle, BundleGroup, groups};
use crate::go::{Answer, GoError, GoRange, GoUsage, GoVersion, VerifyOptions, blocks, trusted, verify};
use crate::tree::GatheredFacts;
use crate::x509::{AltName, ReadCertificate, instant};
use crate::yaml::decode_base64;

/// Looks at every `caBundle`. What is wrong with several of them in the same way is reported once.
///
/// Returns the titles of the Secrets about which something was said.
pub(super) fn check(
    bundles: &[Bundle<'_>],
    secrets: &[TlsSecret<'_>],
    facts: &GatheredFacts,
    clock: Clock,
    go: GoRange,
    findings: &mut Findings,
) -> BTreeSet<String> {
    let groups = groups(bundles);
    let judged = groups.iter().filter_map(|group| Judge { group, clock, go }.check(secrets, facts, findings));
    judged.collect()
}

struct Judge<'a> {
    group: &'a BundleGroup<'a>,
    clock: Clock,
    go: GoRange,
}

impl Judge<'_> {
    fn check(&self, secrets: &[TlsSecret<'_>], facts: &GatheredFacts, findings: &mut Findings) -> Option<String> {
        let group = self.group;
        let Some(data) = group.data else {
            self.add("ca-bundle-missing", &[], findings);
            return None;
        };
        let pem = decode_base64(data).unwrap_or_default();
        let answer = self.go.ask(|go| if trusted(&pem, go).is_empty() { Err(unreadable(&pem, go)) } else { Ok(()) });
        let (error, who) = match answer {
            Answer::Takes(_) | Answer::Unchecked(_) => (None, None),
            Answer::Refuses(error) => (Some(error.to_string()), None),
            Answer::Depends { error, who } => (Some(error.to_string()), Some(who.to_string())),
        };
        if let Some(error) = error {
            let mend = if is_joined(&pem) {
                r"`sed -i 's/----------BEGIN /-----\n-----BEGIN /g' CA.crt` parts the lines; then "
            } else {
                ""
            };
            let id = if who.is_some() { "ca-bundle-version" } else { "ca-bundle-encoding" };
            let who = who.unwrap_or_default();
            let values = [("error", error.as_str()), ("mend", mend), ("who", &who), ("patches", &self.group.patches)];
            self.add(id, &values, findings);
            return None;
        }
        let authorities = certificates(&pem);
        let judged = self.check_server(&pem, &authorities, secrets, facts, findings);
        let it = format!("the caBundle of {}", group.it);
        let mend = format!("`CA=$(base64 -w0 /{})`, then {}", facts.authority_file, group.patches);
        renewed::report(group.file, &it, &authorities, facts, self.clock, &mend, findings);
        check_times(group, &authorities, self.clock, findings);
        judged
    }

    fn add(&self, id: &str, values: &[(&'static str, &str)], findings: &mut Findings) {
        let host = self.group.host.as_deref().unwrap_or_default();
        let known = [("caller", self.group.caller.as_str()), ("host", host)];
        let values: Vec<_> = known.iter().chain(values).copied().collect();
        findings.add_in(id, self.group.file, &self.group.it, &values);
    }

    /// Checks the server that is called. Returns the title of a Secret about which something was said.
    fn check_server(
        &self,
        pem: &[u8],
        authorities: &[ReadCertificate],
        secrets: &[TlsSecret<'_>],
        facts: &GatheredFacts,
        findings: &mut Findings,
    ) -> Option<String> {
        let group = self.group;
        let host: Option<AltName> =
            group.host.as_ref().map(|host| host.parse().map_or_else(|_| AltName::Dns(host.clone()), AltName::Ip));
        let is_for = |secret: &&TlsSecret<'_>| host.as_ref().is_some_and(|host| secret.leaf.is_for(host));
        let mut of_service = secrets.iter().filter(is_for).peekable();
        if of_service.peek().is_some() {
            let answers = of_service.map(|secret| (self.ask(secret, pem, GoUsage::ServerAuth), secret));
            let (answer, secret) = answers.min_by_key(|(answer, _)| gravity(answer))?;
            return self.report(&answer, secret, pem, findings);
        }
        // A server may make its certificate itself, with a CA from a Secret: that is none for a host.
        let is_server =
            |leaf: &ReadCertificate| !leaf.is_ca() || !leaf.alt_names().is_empty() || leaf.common_name() == group.host;
        let is_beside = |secret: &&TlsSecret<'_>| {
            is_server(&secret.leaf) && group.service.is_some_and(|service| secret.object.namespace == service.namespace)
        };
        let is_below = |secret: &&TlsSecret<'_>| self.ask(secret, pem, GoUsage::Any).is_taken();
        // No certificate of the server is at hand. But a CA that has the name of the node's CA and another key is that
        // CA from before it was replaced.
        let is_old = |found: &ReadCertificate| {
            facts.authorities.iter().any(|known| known.subject_der() == found.subject_der())
                && facts.authorities.iter().all(|known| known.spki_der() != found.spki_der())
        };
        if let Some(other) = secrets.iter().filter(is_beside).find(is_below) {
            let host = group.host.as_deref().unwrap_or_default();
            let error = self.host_error(other, host).map(|error| error.to_string()).unwrap_or_default();
            let secret = other.object.title();
            self.add("webhook-alt-name", &[("secret", &secret), ("error", &error)], findings);
            return Some(secret);
        }
        if authorities.iter().all(is_old) {
            let subject = authorities.first().map(ReadCertificate::subject).unwrap_or_default();
            let values = [("caller", ""), ("subject", &subject), ("patches", &group.patches)];
            self.add("ca-bundle-old", &values, findings);
        }
        None
    }

    fn host_error(&self, secret: &TlsSecret<'_>, host: &str) -> Option<GoError> {
        secret.sent(self.go.newest).and_then(|(leaf, _)| leaf.check_host(host, self.go.newest)).err()
    }

    /// Returns what API servers say to a server's certificate.
    fn ask(&self, secret: &TlsSecret<'_>, pem: &[u8], usage: GoUsage) -> Answer<()> {
        let at = within(self.clock.at, &secret.leaf);
        self.go.ask(|go| {
            let (leaf, others) = secret.sent(go)?;
            let host = self.group.host.as_deref().filter(|_| usage == GoUsage::ServerAuth);
            let options = VerifyOptions { at, usage, host, go };
            verify(&leaf, &others, &trusted(pem, go), &options)
        })
    }

    fn report(
        &self,
        answer: &Answer<()>,
        secret: &TlsSecret<'_>,
        pem: &[u8],
        findings: &mut Findings,
    ) -> Option<String> {
        let title = secret.object.title();
        let (error, who) = match answer {
            Answer::Takes(_) => return None,
            Answer::Unchecked(reason) => {
                unchecked(&secret.object, secret.form, reason, findings);
                return Some(title);
            }
            Answer::Refuses(error) => (error, None),
            Answer::Depends { error, who } => (error, Some(who.to_string())),
        };
        let is_bundle_over = certificates(pem).iter().all(|authority| is_over(authority, self.clock.at));
        if error.is_about_time() && is_bundle_over {
            return None;
        }
        let text = error.to_string();
        if is_of_other_ca(error) {
            let take = take_ca(secret, self);
            let values = [("secret", &title), ("error", &text), ("take", &take), ("patches", &self.group.patches)];
            let values = values.map(|(name, value)| (name, value.as_str()));
            self.add("ca-bundle", &values, findings);
            return Some(title);
        }
        let remedy = remedy(error, &secret.leaf, GoUsage::ServerAuth, self.group.host.as_deref());
        let bundle = if remedy.changes_ca {
            format!("; `CA=$(base64 -w0 CA.crt)`, then {}", self.group.patches)
        } else {
            String::new()
        };
        // What is written into a Secret of cert-manager's does not stay there.
        let (mend, write) = if annotated(&secret.object).is_some() {
            let place = "in its Certificate or at its issuer, because cert-manager writes this Secret";
            (format!("{}, {place}", remedy.text), format!("`{}`", renewal(&secret.object)))
        } else {
            (remedy.text, write(&secret.object, &[secret.form.chain, secret.form.key]))
        };
        let who_text = who.clone().unwrap_or_default();
        let values = [
            ("secret", title.as_str()),
            ("error", &text),
            ("mend", &mend),
            ("write", &write),
            ("bundle", &bundle),
            ("who", &who_text),
        ];
        let id = if who.is_some() { "webhook-certificate-version" } else { "webhook-certificate" };
        self.add(id, &values, findings);
        Some(title)
    }
}

/// Returns whether the CA that signed is not among those that were tried, whatever their names are.
pub(super) fn is_of_other_ca(error: &GoError) -> bool {
    match error {
        GoError::UnknownAuthority(hint) => hint.as_ref().is_none_or(|hint| matches!(hint.error, GoError::Signature(_))),
        _ => false,
    }
}

/// The order of answers from the best: a server may have several certificates, and one of them is enough.
const fn gravity(answer: &Answer<()>) -> u8 {
    match answer {
        Answer::Takes(_) => 0,
        Answer::Depends { .. } => 1,
        Answer::Unchecked(_) => 2,
        Answer::Refuses(GoError::UnknownAuthority(None)) => 4,
        Answer::Refuses(_) => 3,
    }
}

/// Returns a time of the check at which a certificate is valid, because its own time is another finding.
pub(super) fn within(at: OffsetDateTime, certificate: &ReadCertificate) -> OffsetDateTime {
    at.min(certificate.not_after()).max(certificate.not_before())
}

fn is_over(certificate: &ReadCertificate, at: OffsetDateTime) -> bool {
    at > certificate.not_after() || at < certificate.not_before()
}

/// Returns what the API server says of a bundle in which it finds no CA. Source: client-go transport/transport.go
/// `createErrorParsingCAData`.
fn unreadable(pem: &[u8], go: GoVersion) -> GoError {
    let found = blocks(pem);
    let certificates = found.iter().filter(|block| block.kind == "CERTIFICATE" && block.headers.is_empty());
    let error = certificates.map(|block| crate::go::GoCertificate::parse(&block.content, go)).find_map(Result::err);
    let text = error.map_or_else(
        || "unable to parse bytes as PEM block".to_owned(),
        |error| format!("failed to parse certificate: {error}"),
    );
    GoError::Malformed(text)
}

/// Checks the time of a `caBundle`. It works as long as one of its certificates does.
fn check_times(group: &BundleGroup<'_>, authorities: &[ReadCertificate], clock: Clock, findings: &mut Findings) {
    let it = format!("caBundle of {}", group.it);
    let last = authorities.iter().max_by_key(|authority| authority.not_after());
    let Some(last) = last else { return };
    if let Some(first) = authorities.iter().map(ReadCertificate::not_before).min().filter(|begin| clock.at < *begin) {
        let (time, now, error) =
            (instant(first), instant(clock.at), GoError::NotYetValid { now: clock.at, begin: first }.to_string());
        findings.add_in("not-yet-valid", group.file, &it, &[("time", &time), ("now", &now), ("error", &error)]);
    } else if clock.at > last.not_after() {
        clock.expired(group.file, &it, last.not_after(), findings);
    } else {
        clock.expiring(group.file, &it, last.not_after(), findings);
    }
}

/// Returns the command that sets `$CA`: from the Secret, if that has the CA which signed its certificate, or else from
/// a file.
fn take_ca(secret: &TlsSecret<'_>, judge: &Judge<'_>) -> String {
    let Object { namespace, name, .. } = secret.object;
    let key = secret.form.authority;
    let own = secret.object.data(key).unwrap_or_default();
    if judge.ask(secret, &own, GoUsage::Any).is_taken() {
        let (namespace, name) = (shell_word(namespace), shell_word(name));
        let path = shell_word(&format!("{{.data.{}}}", key.replace('.', r"\.")));
        format!("CA=$(kubectl -n {namespace} get secret {name} -o jsonpath={path})")
    } else {
        "CA=$(base64 -w0 CA.crt)".to_owned()
    }
}
