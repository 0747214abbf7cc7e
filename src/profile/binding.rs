//! Reads `cluster_role` and `role` of a `[[user]]`.

use toml::de::DeValue;

use super::addons::Binding;
use super::names::{abridged, label, visible_text};
use super::problem::Problem;
use super::reader::TableReader;
use super::value::{WrittenValue, nearest};

/// Reads every role to which a user is bound. Roles that hold in the whole cluster come first.
pub(super) fn read(table: &TableReader<'_>) -> Vec<Binding> {
    let everywhere = |role: String| Binding { namespace: None, role_kind: "ClusterRole", role };
    let mut bindings: Vec<_> = match table.find("cluster_role") {
        Some(value) if matches!(value.written.get_ref(), DeValue::String(_)) => {
            cluster_role(value).into_iter().map(everywhere).collect()
        }
        _ => {
            let roles = table.distinct("cluster_role", cluster_role, String::clone);
            roles.into_iter().map(|role| everywhere(role.value)).collect()
        }
    };
    for row in table.tables("role") {
        let namespace = row.required("namespace", "\"dev\"", label);
        let name = row.find("name").and_then(role_name);
        let cluster_role = row.find("cluster_role").and_then(cluster_role);
        let has_both = row.find("name").is_some() == row.find("cluster_role").is_some();
        if has_both && namespace.is_some() {
            table.problems.add(
                Problem::error("a role needs `name` or `cluster_role`")
                    .at_if(row.header.as_ref(), "one of them, and not both")
                    .hint(
                        "`name` is a Role of the namespace; `cluster_role` a ClusterRole that holds there, as in { \
                         namespace = \"dev\", cluster_role = \"edit\" }",
                    ),
            );
        }
        row.refuse_unknown_keys();
        let role = name.map(|name| ("Role", name)).or_else(|| cluster_role.map(|name| ("ClusterRole", name)));
        if let (Some(namespace), Some((role_kind, role))) = (namespace, role) {
            bindings.push(Binding { namespace: Some(namespace), role_kind, role });
        }
    }
    bindings
}

/// The ClusterRoles for people that every cluster has, each with words that people write for it. Source: Kubernetes,
/// plugin/pkg/auth/authorizer/rbac/bootstrappolicy, policy.go `ClusterRoles`.
const BUILT_IN: [(&str, &[&str]); 4] = [
    ("view", &["viewer", "viewers", "read", "reader", "readonly", "read-only"]),
    ("edit", &["editor", "editors", "write", "writer"]),
    ("admin", &["administrator", "admins"]),
    ("cluster-admin", &["clusteradmin", "cluster-administrator", "cluster-admins"]),
];

/// Reads the name of a ClusterRole, and warns of one that most likely means another: a binding to a role that is not
/// there grants nothing, and Kubernetes says nothing.
fn cluster_role(value: WrittenValue<'_>) -> Option<String> {
    let name = role_name(value)?;
    let written = name.to_lowercase();
    let is_meant = |(role, words): &&(&str, &[&str])| words.contains(&written.as_str()) || written == *role;
    let built_in = || BUILT_IN.iter().map(|(role, _)| *role);
    let meant = BUILT_IN.iter().find(is_meant).map(|(role, _)| *role).or_else(|| nearest(&name, built_in()));
    if let Some(meant) = meant.filter(|role| *role != name) {
        value.problems.add(
            Problem::warning(format!("Kubernetes itself has no ClusterRole \"{}\"", abridged(&name)))
                .at(&value.span(), "a binding to a role that is not there grants nothing")
                .hint(format!("did you mean `{meant}`? if it is a role of your own, all is well")),
        );
    }
    Some(name)
}

/// Reads the name of a role. Source: Kubernetes, apimachinery pkg/api/validation/path, name.go
/// `IsValidPathSegmentName`.
fn role_name(value: WrittenValue<'_>) -> Option<String> {
    let name = visible_text(value)?;
    if matches!(name.as_str(), "." | "..") || name.contains(['/', '%']) {
        return value.refuse(
            format!("\"{name}\" is not the name of a role"),
            "`.`, `..` and names with `/` or `%` are not",
            "write the name as `kubectl get clusterroles` or `kubectl get roles` shows it",
        );
    }
    Some(name)
}
