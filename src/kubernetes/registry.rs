//! Where a node keeps the roots of registries: for containerd, and for the system's own store of trusted CAs.

/// The folder in which containerd looks for a folder of each registry, where its `config_path` says so.
///
/// Source: containerd, docs/hosts.md. containerd 1.5 is the first that has `config_path`, 2.2 the first whose default is
/// this folder.
pub const CERTS_D: &str = "etc/containerd/certs.d";
/// What containerd reads in the folder of a registry.
pub const HOSTS_TOML: &str = "hosts.toml";
/// The root beside it, which it names.
pub const REGISTRY_CA: &str = "ca.crt";
/// The folders from which distributions take further CAs: `update-ca-certificates` of Debian and its relatives, and
/// `update-ca-trust` of the RHEL family.
pub const TRUST_FOLDERS: [&str; 2] = ["usr/local/share/ca-certificates", "etc/pki/ca-trust/source/anchors"];
/// How the names of our files in these begin. They end in `.crt`.
pub const TRUST_PREFIX: &str = "certferry-";
/// What makes a system take in, or drop, what has changed in [`TRUST_FOLDERS`]. Without `--fresh` the names by hash of
/// a root that is gone would stay.
pub const UPDATE_TRUST: &str =
    "if command -v update-ca-trust >/dev/null; then update-ca-trust; else update-ca-certificates --fresh; fi";

/// Returns the name of a registry's folder in [`CERTS_D`]: `registry.corp.internal_5000_` for
/// `registry.corp.internal:5000`.
///
/// A colon stands in no path of a bundle. containerd looks for this spelling first.
///
/// Source: containerd v1.5.0, remotes/docker/config, `hostDirectory` and `hostPaths`; the same in v2.2.
#[must_use]
pub fn registry_folder(host: &str) -> String {
    match host.rsplit_once(':') {
        Some((name, port)) => format!("{name}_{port}_"),
        None => host.to_owned(),
    }
}

/// Returns the registry whose folder in [`CERTS_D`] has this name, in either spelling.
#[must_use]
pub fn registry_of_folder(folder: &str) -> String {
    match folder.strip_suffix('_').and_then(|rest| rest.rsplit_once('_')) {
        Some((name, port)) => format!("{name}:{port}"),
        None => folder.to_owned(),
    }
}

/// Returns the name of the folder in [`CERTS_D`] in which a file lies, and the file's path there.
#[must_use]
pub fn in_certs_d(place: &str) -> Option<(&str, &str)> {
    place.strip_prefix(CERTS_D)?.strip_prefix('/')?.split_once('/')
}

/// Returns whether a place is that of a root which the whole system shall trust.
#[must_use]
pub fn is_trusted_by_system(place: &str) -> bool {
    let name = |folder: &&str| place.strip_prefix(*folder)?.strip_prefix('/')?.strip_prefix(TRUST_PREFIX);
    TRUST_FOLDERS.iter().filter_map(name).any(|name| name.ends_with(".crt") && !name.contains('/'))
}

/// Returns whether a place is one of those of registries: no component of Kubernetes reads what is there.
#[must_use]
pub fn is_of_registry(place: &str) -> bool {
    in_certs_d(place).is_some() || is_trusted_by_system(place)
}

#[cfg(test)]
mod tests {
    use super::{in_certs_d, is_of_registry, is_trusted_by_system, registry_folder, registry_of_folder};

    #[test]
    fn a_folder_is_of_one_registry() {
        for (host, folder) in [
            ("registry.corp.internal:5000", "registry.corp.internal_5000_"),
            ("registry.corp.internal", "registry.corp.internal"),
            ("192.168.1.5:443", "192.168.1.5_443_"),
        ] {
            assert_eq!(registry_folder(host), folder);
            assert_eq!(registry_of_folder(folder), host);
        }
        assert_eq!(registry_of_folder("registry.corp.internal:5000"), "registry.corp.internal:5000");
    }

    #[test]
    fn places_of_registries_are_known() {
        assert_eq!(in_certs_d("etc/containerd/certs.d/a_1_/hosts.toml"), Some(("a_1_", "hosts.toml")));
        assert_eq!(in_certs_d("etc/containerd/certs.d/a"), None);
        assert!(is_trusted_by_system("usr/local/share/ca-certificates/certferry-tls-ca.crt"));
        assert!(is_of_registry("etc/pki/ca-trust/source/anchors/certferry-0011223344556677.crt"));
        for other in [
            "usr/local/share/ca-certificates/other.crt",
            "usr/local/share/ca-certificates/certferry-a/b.crt",
            "usr/local/share/ca-certificates/certferry-a.pem",
            "etc/kubernetes/pki/ca.crt",
        ] {
            assert!(!is_of_registry(other), "{other}");
        }
    }
}
