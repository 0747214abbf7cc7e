//! Two generations of a small cluster with registries.

use std::sync::LazyLock;

use super::node::generation;
use super::{Bundle, build_text};

/// The root of a registry that another CA signed for.
pub const CORP_ROOT: &str = include_str!("corp-root.crt");
/// The folders of the first generation's registries, and where the system takes its roots from.
pub const MIRROR: &str = "etc/containerd/certs.d/mirror.corp.internal";
pub const REGISTRY: &str = "etc/containerd/certs.d/registry.corp.internal_5000_";
pub const DEBIAN: &str = "usr/local/share/ca-certificates";
pub const RED_HAT: &str = "etc/pki/ca-trust/source/anchors";

/// One registry of each kind: below `[ca.tls]`, which the system trusts, too, and below a root of its own.
pub static FIRST: LazyLock<Bundle> = LazyLock::new(|| {
    build_text(&generation(1, |profile| {
        add(profile, "registry.corp.internal:5000", "tls", true);
        add(profile, "mirror.corp.internal", CORP_ROOT, false);
    }))
});
/// The mirror is gone, the system trusts none any more, and a third has come.
pub static SECOND: LazyLock<Bundle> = LazyLock::new(|| {
    build_text(&generation(2, |profile| {
        add(profile, "registry.corp.internal:5000", "tls", false);
        add(profile, "third.corp.internal:443", CORP_ROOT, false);
    }))
});

/// Adds a registry, and for one below `[ca.tls]` its certificate.
pub fn add(profile: &mut toml::Table, host: &str, root: &str, system_trust: bool) {
    let mut registry = toml::Table::new();
    registry.insert("host".to_owned(), host.into());
    registry.insert("root".to_owned(), root.into());
    registry.insert("system_trust".to_owned(), system_trust.into());
    push(profile, "registry", registry);
    if root == "tls" {
        let name = host.split(':').next().unwrap();
        let text = format!("namespace = \"registry\"\nsecret = \"{name}\"\nhosts = [\"{name}\"]\nvalidity = \"100y\"");
        push(profile, "tls", text.parse().unwrap());
    }
}

fn push(profile: &mut toml::Table, key: &str, table: toml::Table) {
    profile.entry(key).or_insert_with(|| toml::Value::Array(Vec::new())).as_array_mut().unwrap().push(table.into());
}
