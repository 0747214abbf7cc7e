//! Renders scripts that write a CA into every caBundle of a Service.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{FileSources, LayoutError, scripts};
use crate::plan::CaBundles;
use crate::template::render as render_template;

/// Renders the script. The values are names that Kubernetes accepts, in which nothing has a meaning to a shell.
pub(super) fn render(bundles: &CaBundles, sources: &FileSources<'_>) -> Result<Zeroizing<String>, LayoutError> {
    let values = [
        ("title", "The CA of a webhook, for the API server that calls it."),
        ("namespace", bundles.namespace.as_str()),
        ("service", &bundles.service),
        ("expected", &bundles.expected.join(" ")),
        ("ca", &STANDARD.encode(sources.certificate(&bundles.ca)?.pem())),
    ];
    render_template(scripts::CA_BUNDLES, &values).map_err(LayoutError::Template)
}
