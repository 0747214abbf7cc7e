//! Renders Secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{FileSources, LayoutError};
use crate::plan::{SecretManifest, SecretReader};
use crate::template::render as render_template;
use crate::yaml::quoted;

const TEMPLATE: &str = include_str!("../../templates/secret.yaml");

impl SecretReader {
    /// Returns the comment above the Secret: what the Secret is for, and what to do with it.
    const fn heading(self) -> &'static str {
        match self {
            Self::Metallb => include_str!("../../templates/secret-metallb.yaml"),
            Self::MetallbByHand => include_str!("../../templates/secret-metallb-by-hand.yaml"),
            Self::Webhook => include_str!("../../templates/secret-webhook.yaml"),
            Self::CertManager => include_str!("../../templates/secret-cert-manager.yaml"),
            Self::Tls => include_str!("../../templates/secret-tls.yaml"),
            Self::EtcdClient => include_str!("../../templates/secret-etcd-client.yaml"),
        }
    }
}

/// Renders the Secret in YAML. Values are in base64 on one line, as `kubectl get -o yaml` prints them.
pub(super) fn render(secret: &SecretManifest, sources: &FileSources<'_>) -> Result<Zeroizing<String>, LayoutError> {
    let mut values = Vec::new();
    for (key, material) in &secret.entries {
        let pem = sources.material(material)?;
        values.push((key, Zeroizing::new(STANDARD.encode(pem.as_bytes()))));
    }
    // Reserves room for everything, because a buffer that grows leaves copies of keys behind.
    let length: usize = values.iter().map(|(key, value)| key.len() + value.len() + 5).sum();
    let mut data = Zeroizing::new(String::with_capacity(length));
    for (key, value) in &values {
        for text in ["  ", key, ": ", value, "\n"] {
            data.push_str(text);
        }
    }
    let (name, namespace) = (&secret.name.name, &secret.name.namespace);
    let heading = render_template(secret.reader.heading(), &[("name", name), ("namespace", namespace)]);
    let heading = heading.map_err(LayoutError::Template)?;
    let values = [
        ("heading", heading.as_str()),
        ("data", &data),
        ("name", &quoted(name)),
        ("namespace", &quoted(namespace)),
        ("type", secret.secret_type.name()),
    ];
    render_template(TEMPLATE, &values).map_err(LayoutError::Template)
}
