//! What cert-manager, and the programs that trust its certificates, need besides the Secret.

use zeroize::Zeroizing;

use super::{LayoutError, scripts};
use crate::profile::{SecretName, Trust};
use crate::template::render;
use crate::yaml::quoted;

const CLUSTER_ISSUER: &str = include_str!("../../templates/cluster-issuer.yaml");
const INGRESS_EXAMPLE: &str = include_str!("../../templates/ingress-example.yaml");
const CONFIG_MAP: &str = include_str!("../../templates/trust-config-map.yaml");
const BUNDLE: &str = include_str!("../../templates/trust-bundle.yaml");

pub(super) fn cluster_issuer(name: &str, secret: &SecretName) -> Result<Zeroizing<String>, LayoutError> {
    let values = [("name", quoted(name)), ("secret", quoted(&secret.name)), ("namespace", secret.namespace.clone())];
    render(CLUSTER_ISSUER, &values.each_ref().map(|(key, value)| (*key, value.as_str()))).map_err(LayoutError::Template)
}

pub(super) fn ingress_example(issuer: &str, host: &str) -> Result<Zeroizing<String>, LayoutError> {
    let values = [("issuer", quoted(issuer)), ("host", quoted(host))];
    render(INGRESS_EXAMPLE, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
        .map_err(LayoutError::Template)
}

/// Renders the object that carries the root to pods. The PEM is a block of lines, as people read it.
pub(super) fn trust(kind: Trust, name: &str, namespace: &str, ca: &str) -> Result<Zeroizing<String>, LayoutError> {
    let (template, indent) = match kind {
        Trust::ConfigMap => (CONFIG_MAP, "    "),
        Trust::TrustManager => (BUNDLE, "      "),
    };
    let lines: Vec<_> = ca.lines().map(|line| format!("{indent}{line}")).collect();
    let values = [("name", quoted(name)), ("namespace", quoted(namespace)), ("ca", lines.join("\n"))];
    render(template, &values.each_ref().map(|(key, value)| (*key, value.as_str()))).map_err(LayoutError::Template)
}

pub(super) fn trust_root(name: &str) -> Result<Zeroizing<String>, LayoutError> {
    render(scripts::TRUST_ROOT, &[("name", name)]).map_err(LayoutError::Template)
}
