//! Renders bindings of roles.

use zeroize::Zeroizing;

use super::LayoutError;
use crate::plan::RoleBinding;
use crate::template::render as render_template;
use crate::yaml::quoted;

const TEMPLATE: &str = include_str!("../../templates/role-binding.yaml");

/// The comment above the bindings that a Kubernetes version needs.
pub(super) const REQUIRED: &str = include_str!("../../templates/kubeadm-rbac.yaml");

/// Renders the bindings in YAML, each as a document, below a comment that says what they are for.
pub(super) fn render(heading: &str, bindings: &[RoleBinding]) -> Result<Zeroizing<String>, LayoutError> {
    let documents: Vec<_> = bindings.iter().map(binding).collect::<Result<_, _>>()?;
    let documents = documents.iter().map(|document| document.as_str()).collect::<Vec<_>>().join("---\n");
    Ok(Zeroizing::new(format!("{heading}{documents}")))
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
