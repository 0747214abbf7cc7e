//! Checks certificates that came with their CA, and what cert-manager is asked to issue.
//!
//! Why: cert-manager looks neither at name constraints nor at path lengths nor at the end of its CA, and says
//! `Ready=True`. Clients do look.

use std::collections::BTreeSet;

use time::Duration;

use super::bundles::{is_of_other_ca, within};
use super::finding::Findings;
use super::issuers::{Signer, annotated, is_meant, is_own, named_by, renewal};
use super::objects::Object;
use super::remedy::{is_for, remedy};
use super::secrets::{self, TlsSecret, certificates, signs, write};
use super::time::Clock;
use crate::go::{Answer, GoError, GoRange, GoUsage, VerifyOptions, trusted, verify};
use crate::x509::{ReadCertificate, instant};
use crate::yaml::Yaml;

/// How much longer than its CA a certificate may live before it is told: both were made in one go.
const SLACK: Duration = Duration::DAY;

/// What an object asks an issuer for.
struct Request<'a> {
    object: Object<'a>,
    /// Kind and name.
    issuer: (&'a str, &'a str),
    secret: Option<&'a str>,
    hosts: Vec<&'a str>,
}

/// Looks at every Secret about which nothing was said, and at every Certificate and Ingress.
pub(super) fn check(
    objects: &[Object<'_>],
    secrets: &[TlsSecret<'_>],
    signers: &[Signer<'_, '_>],
    said: &BTreeSet<String>,
    (clock, go): (Clock, GoRange),
    findings: &mut Findings,
) {
    let requests: Vec<_> = objects.iter().flat_map(requests).collect();
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for secret in secrets {
        let asked = requests.iter().find(|request| request.is_for(&secret.object)).map(|request| request.issuer);
        let issuer = asked.or_else(|| annotated(&secret.object));
        let namespace = secret.object.namespace;
        let signer =
            issuer.and_then(|issuer| signers.iter().find(|signer| is_meant(&signer.issuer, issuer, namespace)));
        let issued = Issued { secret, is_cert_managers: issuer.is_some(), signer };
        if !said.contains(&secret.object.title()) && issued.check_chain(clock, go, findings) {
            told.insert((namespace, secret.object.name));
        }
        if issued.is_cert_managers {
            issued.check_end(findings);
            issued.check_root(findings);
        }
    }
    for request in &requests {
        let place = (request.object.namespace, request.secret.unwrap_or_default());
        if !told.contains(&place) && request.check(signers, go, findings) && request.secret.is_some() {
            told.insert(place);
        }
    }
}

/// A Secret, and the issuer from which it came if that is at hand.
struct Issued<'a, 's> {
    secret: &'s TlsSecret<'a>,
    is_cert_managers: bool,
    signer: Option<&'s Signer<'a, 's>>,
}

impl Issued<'_, '_> {
    /// Checks the certificate by the CA beside it, or else by that of its issuer. Returns whether something was said.
    fn check_chain(&self, clock: Clock, go: GoRange, findings: &mut Findings) -> bool {
        let TlsSecret { object, form, leaf, .. } = self.secret;
        let own = object.data(form.authority).filter(|pem| !certificates(pem).is_empty());
        let of_issuer = || self.signer.and_then(|signer| signer.secret.object.data("ca.crt"));
        let Some(roots) = own.or_else(of_issuer) else { return false };
        let (at, usage) = (within(clock.at, leaf), usage(leaf));
        let answer = go.ask(|go| {
            let (leaf, others) = self.secret.sent(go)?;
            verify(&leaf, &others, &trusted(&roots, go), &VerifyOptions { at, usage, host: None, go })
        });
        let (error, who) = match answer {
            Answer::Refuses(error) => (error, None),
            Answer::Depends { error, who } => (error, Some(who.to_string())),
            // What is not known to be wrong is told where a client is known.
            Answer::Takes(_) | Answer::Unchecked(_) => return false,
        };
        // A CA beside a certificate may be there for clients that call.
        if is_of_other_ca(&error) {
            return false;
        }
        let it = secrets::title(object);
        let (text, mend) = (error.to_string(), self.mend(&error));
        let ready = if self.is_cert_managers { "; cert-manager looks at none of it, and says `Ready`" } else { "" };
        let known = [("key", form.chain), ("error", text.as_str()), ("mend", &mend)];
        if let Some(who) = who {
            let values: Vec<_> = known.into_iter().chain([("who", who.as_str())]).collect();
            findings.add_in("secret-version", object.file, &it, &values);
        } else {
            let more = [("authority", form.authority), ("ready", ready)];
            let values: Vec<_> = known.into_iter().chain(more).collect();
            findings.add_in("secret-chain", object.file, &it, &values);
        }
        true
    }

    /// Returns what ends a fault of the chain. What is written into a Secret of cert-manager's does not stay there.
    fn mend(&self, error: &GoError) -> String {
        let TlsSecret { object, form, leaf, .. } = self.secret;
        let text = remedy(error, leaf, usage(leaf), None).text;
        match (self.is_cert_managers, error) {
            (false, _) => format!("{text}; then {}", write(object, &[form.chain, form.key])),
            (true, GoError::NameConstraint(_)) => format!(
                "name another issuer in its Certificate or Ingress, or have the issuer's CA made anew with these names in \
                 `permitted_dns` and `permitted_ips` (`certferry help cert-manager`), then `{}`",
                renewal(object)
            ),
            (true, _) => format!("{text}, through the Secret of its issuer; then `{}`", renewal(object)),
        }
    }

    /// Reports a certificate that outlives the CA which signed it.
    fn check_end(&self, findings: &mut Findings) {
        let TlsSecret { object, leaf, rest, authorities, .. } = self.secret;
        let of_issuer = self.signer.map(|signer| &signer.secret.leaf);
        let mut known = rest.iter().chain(authorities).chain(of_issuer);
        let is_over = |by: &&ReadCertificate| {
            by.der() != leaf.der() && signs(by, leaf) && by.not_after() + SLACK < leaf.not_after()
        };
        let Some(by) = known.find(is_over) else { return };
        let (end, ca_end, ca) = (instant(leaf.not_after()), instant(by.not_after()), by.subject());
        let renewal = renewal(object);
        let values = [("end", end.as_str()), ("ca_end", &ca_end), ("ca", &ca), ("renewal", &renewal)];
        findings.add_in("issued-outlives", object.file, &secrets::title(object), &values);
    }

    /// Reports an intermediate in the place of the root.
    fn check_root(&self, findings: &mut Findings) {
        let TlsSecret { object, authorities, .. } = self.secret;
        let Some(first) = authorities.first().filter(|first| first.issuer_der() != first.subject_der()) else { return };
        let subject = first.subject();
        findings.add_in("issued-ca", object.file, &secrets::title(object), &[("subject", &subject)]);
    }
}

impl Request<'_> {
    fn is_for(&self, secret: &Object<'_>) -> bool {
        self.object.namespace == secret.namespace && self.secret == Some(secret.name)
    }

    /// Checks whether the issuer's CA may sign for the hosts. Returns whether something was said.
    fn check(&self, signers: &[Signer<'_, '_>], go: GoRange, findings: &mut Findings) -> bool {
        let signer = signers.iter().find(|signer| is_meant(&signer.issuer, self.issuer, self.object.namespace));
        let Some(signer) = signer else { return false };
        let chain = trusted(&signer.secret.chain, go.newest);
        let roots = signer.secret.object.data("ca.crt").map(|pem| trusted(&pem, go.newest)).unwrap_or_default();
        let refuses = |host: &str| chain.iter().chain(&roots).find_map(|ca| ca.check_permits(host, go.newest).err());
        let refused: Vec<(&str, GoError)> =
            self.hosts.iter().filter_map(|host| Some((*host, refuses(host)?))).collect();
        let Some((_, error)) = refused.first() else { return false };
        let hosts: Vec<_> = refused.iter().map(|(host, _)| *host).collect();
        let (hosts, error) = (hosts.join(", "), error.to_string());
        let (issuer, secret) = (signer.issuer.title(), signer.secret.object.title());
        let values = [("hosts", hosts.as_str()), ("error", &error), ("issuer", &issuer), ("secret", &secret)];
        findings.add_in("issuer-constraints", self.object.file, &secrets::title(&self.object), &values);
        true
    }
}

/// Returns what a Certificate or an Ingress asks for. Source: cert-manager.io/v1, `Certificate`;
/// networking.k8s.io/v1, `spec.tls`.
fn requests<'a>(object: &Object<'a>) -> Vec<Request<'a>> {
    let texts =
        |yaml: Option<&'a Yaml>| yaml.map(Yaml::items).unwrap_or_default().iter().filter_map(Yaml::text).collect();
    match (object.group(), object.kind) {
        ("cert-manager.io", "Certificate") => {
            let group = object.text(&["spec", "issuerRef", "group"]).filter(|group| !is_own(group));
            let (None, Some(name)) = (group, object.text(&["spec", "issuerRef", "name"])) else { return Vec::new() };
            let kind = object.text(&["spec", "issuerRef", "kind"]).unwrap_or("Issuer");
            let mut hosts: Vec<&str> = texts(object.yaml.at(&["spec", "dnsNames"]));
            let addresses: Vec<&str> = texts(object.yaml.at(&["spec", "ipAddresses"]));
            hosts.extend(addresses);
            vec![Request { object: *object, issuer: (kind, name), secret: object.text(&["spec", "secretName"]), hosts }]
        }
        (_, "Ingress") => {
            let Some(issuer) = named_by(object) else { return Vec::new() };
            let request = |tls: &'a Yaml| Request {
                object: *object,
                issuer,
                secret: tls.get("secretName").and_then(Yaml::text),
                hosts: texts(tls.get("hosts")),
            };
            object.yaml.at(&["spec", "tls"]).map(Yaml::items).unwrap_or_default().iter().map(request).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns a usage that the certificate itself allows, so that the CAs above it are left to judge.
fn usage(leaf: &ReadCertificate) -> GoUsage {
    let usages = [GoUsage::ServerAuth, GoUsage::ClientAuth];
    usages.into_iter().find(|usage| is_for(leaf, *usage)).unwrap_or(GoUsage::Any)
}
