//! Renders kubeconfigs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::template::render;
use super::{LayoutError, Made, quoted};
use crate::plan::{Credentials, PlannedKubeconfig};

const TEMPLATE: &str = include_str!("../../templates/kubeconfig.yaml");

/// Renders the kubeconfig in YAML, with the keys in client-go's order.
pub(super) fn render_kubeconfig(
    planned: &PlannedKubeconfig,
    made: &Made<'_>,
) -> Result<Zeroizing<String>, LayoutError> {
    let ca = STANDARD.encode(made.certificate(&planned.ca)?.pem());
    let (certificate, key) = match &planned.credentials {
        Credentials::Path(path) => {
            (format!("client-certificate: {path}"), Zeroizing::new(format!("client-key: {path}")))
        }
        Credentials::Embedded(id) => {
            let key = Zeroizing::new(STANDARD.encode(made.key(id)?.to_pem().as_bytes()));
            let mut line = Zeroizing::new(String::with_capacity(key.len() + 32));
            line.push_str("client-key-data: ");
            line.push_str(&key);
            (format!("client-certificate-data: {}", STANDARD.encode(made.certificate(id)?.pem())), line)
        }
    };
    let values = [
        ("ca", ca.as_str()),
        ("server", &planned.server),
        ("user", &quoted(&planned.user)),
        ("context", &quoted(&format!("{}@kubernetes", planned.user))),
        ("certificate", &certificate),
        ("key", &key),
    ];
    render(TEMPLATE, &values).map_err(LayoutError::Template)
}
