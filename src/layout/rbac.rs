//! Renders bindings of roles.

use zeroize::Zeroizing;

use super::LayoutError;
use crate::plan::RoleBinding;
use crate::template::render as render_template;
use crate::yaml::quoted;

const TEMPLATE: &str = include_str!("../../templates/role-binding.yaml");

/// Renders the bindings in YAML, each as a document.
pub(super) fn render(bindings: &[RoleBinding]) -> Result<Zeroizing<String>, LayoutError> {
    let documents: Vec<_> = bindings.iter().map(binding).collect::<Result<_, _>>()?;
    Ok(Zeroizing::new(documents.iter().map(|document| document.as_str()).collect::<Vec<_>>().join("---\n")))
}

fn binding(binding: &RoleBinding) -> Result<Zeroizing<String>, LayoutError> {
    let line = |namespace: &String| format!("\n  namespace: {}", quoted(namespace));
    let values = [
        ("kind", binding.kind()),
        ("name", &quoted(&binding.name)),
        ("namespace", &binding.namespace.as_ref().map(line).unwrap_or_default()),
        ("role_kind", binding.role_kind),
        ("role", &quoted(&binding.role)),
        ("subject_kind", binding.subject_kind),
        ("subject", &quoted(&binding.subject)),
    ];
    render_template(TEMPLATE, &values).map_err(LayoutError::Template)
}
