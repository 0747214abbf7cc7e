//! Faults of registries: what containerd reads of them, its configuration, and roots for the system.

use std::fs;

use serde_json::json;

use crate::common::registries::{CORP_ROOT, DEBIAN, REGISTRY};
use crate::doctor::Node;
use crate::doctor::objects::{ca, list, private, serving};
use crate::planting::forge::Key;

const CONFIG: &str = "etc/containerd/config.toml";
/// The root of a registry that has ended.
const OLD_ROOT: &str = include_str!("../common/old-root.crt");
const HOSTS: &str = "server = \"https://registry.corp.internal:5000\"\nca = \"ca.crt\"\n\n\
                     [host.\"https://registry.corp.internal:5000\"]\n  ca = \"ca.crt\"\n";
const CONFIG_PATH: &str =
    "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/etc/containerd/certs.d\"\n";
const MIRRORS: &str = "  [plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"docker.io\"]\n    endpoint = []\n";
const MADE: &str = "etc/ssl/certs/ca-certificates.crt";

/// A registry and a containerd that looks for it.
pub(crate) fn good(node: &Node) {
    node.write(&format!("{REGISTRY}/hosts.toml"), HOSTS);
    node.write(&format!("{REGISTRY}/ca.crt"), CORP_ROOT);
    node.write(CONFIG, CONFIG_PATH);
}

pub(crate) fn conflict(node: &Node) {
    good(node);
    node.write(CONFIG, format!("{CONFIG_PATH}{MIRRORS}"));
}

pub(crate) fn no_path(node: &Node) {
    good(node);
    node.write(CONFIG, "version = 3\n");
}

pub(crate) fn no_root(node: &Node) {
    good(node);
    node.remove(&format!("{REGISTRY}/ca.crt"));
}

pub(crate) fn old_root(node: &Node) {
    good(node);
    node.write(&format!("{REGISTRY}/ca.crt"), OLD_ROOT);
}

pub(crate) fn no_section(node: &Node) {
    good(node);
    node.write(&format!("{REGISTRY}/hosts.toml"), "ca = \"ca.crt\"\n");
}

pub(crate) fn two_folders(node: &Node) {
    good(node);
    node.write("etc/containerd/certs.d/registry.corp.internal:5000/hosts.toml", HOSTS);
}

/// A registry's Secret of another CA.
pub(crate) fn other_ca(node: &Node) {
    good(node);
    let chain = serving(7, &["registry.corp.internal"], &Key::new(8));
    let data = [("tls.crt", chain), ("tls.key", private(8)), ("ca.crt", ca(7))];
    let data: serde_json::Map<_, _> = data
        .iter()
        .map(|(name, text)| {
            ((*name).to_owned(), base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text).into())
        })
        .collect();
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": { "name": "registry-tls", "namespace": "registry" }, "data": data });
    node.save(&list(&[secret]));
}

/// A root that update-ca-certificates has not taken.
pub(crate) fn not_taken(node: &Node) {
    node.write(&format!("{DEBIAN}/certferry-tls-ca.crt"), CORP_ROOT);
    node.write(MADE, OLD_ROOT);
}

type Edit = fn(&Node);

/// What a person does whom the finding tells.
pub(crate) const EDITS: &[(&str, Edit)] = &[
    ("containerd-registry", |node| node.replace(CONFIG, MIRRORS, "")),
    ("containerd-config-path", |node| {
        node.write(
            CONFIG,
            "version = 3\n[plugins.\"io.containerd.cri.v1.images\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n",
        );
    }),
    ("registry-ca", |node| node.write(&format!("{REGISTRY}/ca.crt"), CORP_ROOT)),
    ("registry-ca-expired", |node| node.write(&format!("{REGISTRY}/ca.crt"), CORP_ROOT)),
    ("registry-hosts", |node| node.write(&format!("{REGISTRY}/hosts.toml"), HOSTS)),
    ("registry-shadowed", |node| {
        fs::remove_dir_all(node.path("etc/containerd/certs.d/registry.corp.internal:5000")).unwrap();
    }),
    ("system-trust", |node| {
        let both = format!("{}{CORP_ROOT}", node.text(MADE));
        node.write(MADE, both);
    }),
];

/// Each version of the file, lists of folders and imports are understood; what is not is said.
#[test]
fn containerds_configuration_is_read_in_every_version() {
    let path = "config_path = \"/etc/docker/certs.d:/etc/containerd/certs.d/\"\n";
    for (text, further, rules, unchecked) in [
        (format!("[plugins.cri.registry]\n{path}"), "", &[][..], ""),
        (format!("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n{path}"), "", &[], ""),
        (format!("version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\n{path}"), "", &[], ""),
        ("version = 2\nimports = [\"conf.d/*.toml\"]\n".to_owned(), CONFIG_PATH, &[], ""),
        ("version = 2\n".to_owned(), CONFIG_PATH, &["containerd-config-path"], ""),
        (CONFIG_PATH.replace("certs.d", "hosts"), "", &["containerd-config-path"], ""),
        (format!("{CONFIG_PATH}[plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"a\".auth]\n"), "", &[], ""),
        (
            format!("{CONFIG_PATH}[plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"a\".tls]\n"),
            "",
            &["containerd-registry"],
            "",
        ),
        ("imports = [\"/etc/*/x.toml\"]\n".to_owned(), "", &[], "imports as /etc/*/x.toml is not looked at"),
        ("imports = [\"/etc/x.toml\"]\n".to_owned(), "", &[], "/etc/x.toml cannot be read"),
        ("version = \n".to_owned(), "", &[], "/etc/containerd/config.toml is not TOML: "),
    ] {
        let node = Node::control_plane(|_, _| {});
        good(&node);
        node.write(CONFIG, &text);
        if !further.is_empty() {
            node.write("etc/containerd/conf.d/10-certs.toml", further);
        }
        assert_eq!(node.rules(), rules.iter().map(|rule| (*rule).to_owned()).collect(), "{text}");
        let (said, _) = node.says();
        assert_eq!(said.contains("whether /etc/containerd/certs.d is read"), !unchecked.is_empty(), "{said}");
        assert!(said.replace("\n    ", " ").contains(unchecked), "{said}");
    }
    let node = Node::control_plane(|_, _| {});
    good(&node);
    node.remove(CONFIG);
    let (said, _) = node.says();
    assert!(said.replace("\n    ", " ").contains("there is no /etc/containerd/config.toml"), "{said}");
}
