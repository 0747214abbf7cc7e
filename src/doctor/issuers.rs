//! Checks the CAs with which cert-manager signs.

use super::finding::{Findings, shell_word};
use super::objects::Object;
use super::secrets::{self, TlsSecret, signs};
use crate::x509::ReadCertificate;

/// The namespace of a ClusterIssuer's Secret: the default of cert-manager's flag `--cluster-resource-namespace`.
const CLUSTER_NAMESPACE: &str = "cert-manager";

/// Looks at every issuer that signs with a CA from a Secret (`spec.ca`).
pub(super) fn check(objects: &[Object<'_>], secrets: &[TlsSecret<'_>], findings: &mut Findings) {
    for issuer in objects.iter().filter(|object| is_issuer(object)) {
        let Some(name) = issuer.text(&["spec", "ca", "secretName"]) else { continue };
        let namespace = if issuer.kind == "ClusterIssuer" { CLUSTER_NAMESPACE } else { issuer.namespace };
        let it = secrets::title(issuer);
        let named: Vec<_> = objects.iter().filter(|object| object.kind == "Secret" && object.name == name).collect();
        match named.iter().find(|object| object.namespace == namespace) {
            Some(_) => {
                let is_it =
                    |secret: &&TlsSecret<'_>| (secret.object.namespace, secret.object.name) == (namespace, name);
                secrets.iter().filter(is_it).for_each(|secret| check_authority(secret, &it, findings));
            }
            None => elsewhere(issuer, &it, name, namespace, &named, findings),
        }
    }
}

/// Returns whether an object is an issuer of cert-manager itself.
pub(super) fn is_issuer(object: &Object<'_>) -> bool {
    let group = object.text(&["apiVersion"]).and_then(|version| version.split('/').next());
    group == Some("cert-manager.io") && matches!(object.kind, "ClusterIssuer" | "Issuer")
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
        findings.add_in("issuer-no-ca", object.file, &it, &values);
    } else if !is_one_chain(secret) {
        findings.add_in("issuer-chain", object.file, &it, &values);
    }
}

/// Returns whether all certificates of `tls.crt` and the first of `ca.crt` form one chain, in whatever order. Source:
/// cert-manager, pkg/util/kube `SecretTLSKeyPairAndCA`, pkg/util/pki `ParseSingleCertificateChain`.
fn is_one_chain(secret: &TlsSecret<'_>) -> bool {
    let mut others: Vec<&ReadCertificate> = secret.rest.iter().chain(secret.authorities.first()).collect();
    let mut top = &secret.leaf;
    loop {
        others.retain(|other| other.der() != top.der());
        match others.iter().find(|other| signs(other, top)) {
            Some(above) => top = above,
            None => return others.is_empty(),
        }
    }
}
