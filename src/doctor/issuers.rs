//! Checks the CAs with which cert-manager signs.

use super::finding::{Findings, shell_word};
use super::objects::Object;
use super::secrets::{self, TlsSecret, signs};
use crate::go::blocks;
use crate::x509::ReadCertificate;
use crate::yaml::Yaml;

/// The namespace of a ClusterIssuer's Secret: the default of cert-manager's flag `--cluster-resource-namespace`.
const CLUSTER_NAMESPACE: &str = "cert-manager";
/// The annotations with which an Ingress names an issuer of cert-manager, each with the issuer's kind.
const ANNOTATIONS: [(&str, &str); 2] =
    [("cert-manager.io/cluster-issuer", "ClusterIssuer"), ("cert-manager.io/issuer", "Issuer")];

/// An issuer that signs with a CA, and the Secret that holds the CA.
pub(super) struct Signer<'a, 's> {
    pub(super) issuer: Object<'a>,
    pub(super) secret: &'s TlsSecret<'a>,
}

/// Looks at every issuer that signs with a CA from a Secret (`spec.ca`), and returns those whose Secret is at hand.
pub(super) fn check<'a, 's>(
    objects: &[Object<'a>],
    secrets: &'s [TlsSecret<'a>],
    findings: &mut Findings,
) -> Vec<Signer<'a, 's>> {
    let mut signers = Vec::new();
    for issuer in objects.iter().filter(|object| is_issuer(object)) {
        let Some(name) = issuer.text(&["spec", "ca", "secretName"]) else { continue };
        let namespace = if issuer.kind == "ClusterIssuer" { CLUSTER_NAMESPACE } else { issuer.namespace };
        let it = secrets::title(issuer);
        let named: Vec<_> = objects.iter().filter(|object| object.kind == "Secret" && object.name == name).collect();
        if named.iter().all(|object| object.namespace != namespace) {
            elsewhere(issuer, &it, name, namespace, &named, findings);
            continue;
        }
        let is_it = |secret: &&TlsSecret<'_>| {
            secret.is_tls() && (secret.object.namespace, secret.object.name) == (namespace, name)
        };
        for secret in secrets.iter().filter(is_it) {
            check_authority(secret, &it, findings);
            check_key(secret, issuer, &it, findings);
            signers.push(Signer { issuer: *issuer, secret });
        }
    }
    signers
}

/// Returns whether an object is an issuer of cert-manager itself.
pub(super) fn is_issuer(object: &Object<'_>) -> bool {
    object.group() == "cert-manager.io" && matches!(object.kind, "ClusterIssuer" | "Issuer")
}

/// Returns kind and name of the issuer that an Ingress names.
pub(super) fn named_by<'a>(ingress: &Object<'a>) -> Option<(&'static str, &'a str)> {
    let annotations = ingress.yaml.at(&["metadata", "annotations"])?;
    let group = annotations.get("cert-manager.io/issuer-group").and_then(Yaml::text);
    if group.is_some_and(|group| !is_own(group)) {
        return None;
    }
    ANNOTATIONS.iter().find_map(|(annotation, kind)| Some((*kind, annotations.get(annotation)?.text()?)))
}

/// Returns whether an issuer is the one of a kind and a name that something in a namespace means.
pub(super) fn is_meant(issuer: &Object<'_>, (kind, name): (&str, &str), namespace: &str) -> bool {
    let is_there = kind == "ClusterIssuer" || issuer.namespace == namespace;
    is_issuer(issuer) && (issuer.kind, issuer.name) == (kind, name) && is_there
}

/// Returns whether a group is cert-manager's own, which is also meant by none. Issuers of others have the same kinds.
pub(super) fn is_own(group: &str) -> bool {
    matches!(group, "" | "cert-manager.io")
}

/// Returns the command that has cert-manager issue the certificate in a Secret anew.
pub(super) fn renewal(secret: &Object<'_>) -> String {
    let name = secret.text(&["metadata", "annotations", "cert-manager.io/certificate-name"]);
    let name = name.map_or_else(|| "CERTIFICATE".to_owned(), shell_word);
    format!("cmctl renew -n {} {name}", shell_word(secret.namespace))
}

/// Returns the issuer that cert-manager wrote on a Secret. Source: cert-manager v1.13.0, pkg/apis/certmanager/v1
/// `IssuerNameAnnotationKey`.
pub(super) fn annotated<'a>(secret: &Object<'a>) -> Option<(&'a str, &'a str)> {
    let annotations = secret.yaml.at(&["metadata", "annotations"])?;
    let group = annotations.get("cert-manager.io/issuer-group").and_then(Yaml::text);
    if group.is_some_and(|group| !is_own(group)) {
        return None;
    }
    let name = annotations.get("cert-manager.io/issuer-name").and_then(Yaml::text)?;
    let kind = annotations.get("cert-manager.io/issuer-kind").and_then(Yaml::text);
    Some((kind.unwrap_or("Issuer"), name))
}

fn elsewhere(
    issuer: &Object<'_>,
    it: &str,
    name: &str,
    namespace: &str,
    named: &[&Object<'_>],
    findings: &mut Findings,
) {
    let Some(found) = named.first() else { return };
    let (other_word, name_word) = (shell_word(found.namespace), shell_word(name));
    let values = [
        ("secret", name),
        ("namespace", namespace),
        ("other", found.namespace),
        ("other_word", &other_word),
        ("name_word", &name_word),
    ];
    findings.add_in("issuer-namespace", issuer.file, it, &values);
}

fn check_authority(secret: &TlsSecret<'_>, issuer: &str, findings: &mut Findings) {
    let (object, it) = (&secret.object, secrets::title(&secret.object));
    let values = [("issuer", issuer)];
    if !secret.leaf.is_ca() {
        return findings.add_in("issuer-no-ca", object.file, &it, &values);
    }
    let chain = chain(secret);
    if chain.len() < distinct(secret) {
        findings.add_in("issuer-chain", object.file, &it, &values);
    }
    // Every certificate of the chain will stand above one that the issuer signs.
    let is_full = |(below, authority): &(usize, &&ReadCertificate)| {
        authority.path_length().is_some_and(|length| usize::from(length) < *below)
    };
    if let Some((_, authority)) = chain.iter().enumerate().find(is_full) {
        let above = authority.subject();
        findings.add_in("issuer-path-length", object.file, &it, &[("issuer", issuer), ("above", &above)]);
    }
}

/// Reports a key behind another block. Source: cert-manager v1.13.0, pkg/util/pki/parse.go `DecodePrivateKeyBytes`.
fn check_key(secret: &TlsSecret<'_>, issuer: &Object<'_>, it: &str, findings: &mut Findings) {
    let is_key = |kind: &str| matches!(kind, "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY");
    let found = blocks(&secret.object.data("tls.key").unwrap_or_default());
    let first = found.first().filter(|block| !is_key(&block.kind));
    let Some(first) = first.filter(|_| found.iter().any(|block| is_key(&block.kind))) else { return };
    // A cert-manager that reads on to the key says so.
    if is_ready(issuer) {
        return;
    }
    let write = secrets::patch(&secret.object);
    let take = secrets::take(&secret.object, "tls.key");
    let values = [("issuer", it), ("kind", &first.kind), ("take", &take), ("patch", &write)];
    findings.add_in("issuer-key", secret.object.file, &secrets::title(&secret.object), &values);
}

/// Returns whether cert-manager says that an issuer can sign.
fn is_ready(issuer: &Object<'_>) -> bool {
    let conditions = issuer.yaml.at(&["status", "conditions"]).map(Yaml::items).unwrap_or_default();
    let is = |condition: &Yaml, key: &str, wanted: &str| condition.get(key).and_then(Yaml::text) == Some(wanted);
    conditions.iter().any(|condition| is(condition, "type", "Ready") && is(condition, "status", "True"))
}

/// Returns the certificates of `tls.crt` and the first of `ca.crt` that form a chain, from the first on, in whatever
/// order they stand. Source: cert-manager, pkg/util/kube `SecretTLSKeyPairAndCA`, pkg/util/pki
/// `ParseSingleCertificateChain`.
fn chain<'s>(secret: &'s TlsSecret<'_>) -> Vec<&'s ReadCertificate> {
    let mut others: Vec<&ReadCertificate> = secret.rest.iter().chain(secret.authorities.first()).collect();
    let (mut chain, mut top) = (Vec::new(), &secret.leaf);
    loop {
        chain.push(top);
        others.retain(|other| other.der() != top.der());
        match others.iter().find(|other| signs(other, top)) {
            Some(above) => top = above,
            None => return chain,
        }
    }
}

/// Returns how many certificates `tls.crt` and the first of `ca.crt` are, each counted once.
fn distinct(secret: &TlsSecret<'_>) -> usize {
    let all = std::iter::once(&secret.leaf).chain(&secret.rest).chain(secret.authorities.first());
    all.map(ReadCertificate::der).collect::<std::collections::BTreeSet<_>>().len()
}
