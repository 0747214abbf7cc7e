//! kubectl reads every kubeconfig and finds in it the user, the server and the CA that its owner needs.

use crate::common;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::common::network::without_network;
use crate::common::rights::{Right, lacks};
use crate::common::{PROFILES, build_text, changed_profile, files, succeed, use_fast_keys, write};

/// What the kubeconfigs of a profile say.
struct Expected {
    profile: &'static str,
    /// Where all clients go.
    endpoint: &'static str,
    /// Each control plane and its own API server; the first is where `kubeadm init` would run.
    control_planes: &'static [(&'static str, &'static str)],
    workers: &'static [&'static str],
    users: &'static [&'static str],
    /// From 1.29 on.
    has_super_admin: bool,
    /// From 1.33 on a control plane's kubelet stays with its own API server.
    kubelets_are_local: bool,
}

const EXPECTED: [Expected; 6] = [
    Expected {
        profile: "single-node",
        endpoint: "https://192.168.10.5:6443",
        control_planes: &[("lab-1", "https://192.168.10.5:6443")],
        workers: &[],
        users: &[],
        has_super_admin: true,
        kubelets_are_local: true,
    },
    Expected {
        profile: "ha-stacked-etcd",
        endpoint: "https://k8s.corp.internal:6443",
        control_planes: &[
            ("cp-1", "https://192.168.1.11:6443"),
            ("cp-2", "https://192.168.1.12:6443"),
            ("cp-3", "https://192.168.1.13:6443"),
        ],
        workers: &["worker-1", "worker-2", "worker-3"],
        users: &["alice"],
        has_super_admin: true,
        kubelets_are_local: true,
    },
    Expected {
        profile: "ha-external-etcd",
        endpoint: "https://k8s-2.corp.internal:6443",
        control_planes: &[
            ("cp-1", "https://10.0.0.11:6443"),
            ("cp-2", "https://10.0.0.12:6443"),
            ("cp-3", "https://10.0.0.13:6443"),
        ],
        workers: &["worker-1", "worker-2"],
        users: &[],
        has_super_admin: true,
        kubelets_are_local: true,
    },
    Expected {
        profile: "external-ca",
        endpoint: "https://10.30.0.100:6443",
        control_planes: &[
            ("vault-cp-1", "https://10.30.0.11:6443"),
            ("vault-cp-2", "https://10.30.0.12:6443"),
            ("vault-cp-3", "https://10.30.0.13:6443"),
        ],
        workers: &["vault-worker-1", "vault-worker-2"],
        users: &["break-glass"],
        has_super_admin: true,
        kubelets_are_local: false,
    },
    Expected {
        profile: "dual-stack",
        endpoint: "https://edge-1.corp.internal:6443",
        control_planes: &[
            ("edge-cp-1", "https://10.10.0.11:6443"),
            ("edge-cp-2", "https://10.10.0.12:6443"),
            ("edge-cp-3", "https://10.10.0.13:6443"),
        ],
        workers: &[
            "edge-worker-01",
            "edge-worker-02",
            "edge-worker-03",
            "edge-worker-04",
            "edge-worker-05",
            "edge-worker-06",
            "edge-worker-07",
            "edge-worker-08",
            "edge-worker-09",
            "edge-worker-10",
            "edge-worker-11",
            "edge-worker-12",
        ],
        users: &[],
        has_super_admin: true,
        kubelets_are_local: false,
    },
    Expected {
        profile: "closed-network-1.24",
        endpoint: "https://172.20.0.100:6443",
        control_planes: &[
            ("plant-7-cp-1", "https://172.20.0.11:6443"),
            ("plant-7-cp-2", "https://172.20.0.12:6443"),
            ("plant-7-cp-3", "https://172.20.0.13:6443"),
        ],
        workers: &["plant-7-worker-1", "plant-7-worker-2"],
        users: &[],
        has_super_admin: false,
        kubelets_are_local: false,
    },
];

#[test]
fn every_kubeconfig_of_every_profile_is_as_planned() {
    if lacks(&[Right::NoNetwork]) {
        return;
    }
    assert_eq!(EXPECTED.map(|expected| expected.profile), PROFILES);
    std::thread::scope(|scope| {
        for expected in &EXPECTED {
            scope.spawn(|| is_as_planned(expected));
        }
    });
}

fn is_as_planned(expected: &Expected) {
    let bundle = build_text(&changed_profile(expected.profile, use_fast_keys));
    let top = bundle.untar();
    let mut rows = Vec::new();
    for (number, (node, own)) in expected.control_planes.iter().enumerate() {
        let mut row = |file: &str, user: &str, server: &str| {
            rows.push((format!("nodes/{node}/etc/kubernetes/{file}"), user.to_owned(), server.to_owned()));
        };
        row("admin.conf", "kubernetes-admin", expected.endpoint);
        if number == 0 && expected.has_super_admin {
            row("super-admin.conf", "kubernetes-super-admin", expected.endpoint);
        }
        row("controller-manager.conf", "system:kube-controller-manager", own);
        row("scheduler.conf", "system:kube-scheduler", own);
        let kubelet = if expected.kubelets_are_local { own } else { expected.endpoint };
        row("kubelet.conf", &format!("system:node:{node}"), kubelet);
    }
    for node in expected.workers {
        let file = format!("nodes/{node}/etc/kubernetes/kubelet.conf");
        rows.push((file, format!("system:node:{node}"), expected.endpoint.to_owned()));
    }
    for user in expected.users {
        rows.push((format!("cluster/users/{user}.conf"), (*user).to_owned(), expected.endpoint.to_owned()));
    }
    let mut found = files(&top);
    found.retain(|path| path.ends_with(".conf"));
    let mut planned: Vec<_> = rows.iter().map(|(path, _, _)| path.clone()).collect();
    planned.sort();
    assert_eq!(found, planned, "{}", expected.profile);

    let (first, _) = expected.control_planes[0];
    let ca = fs::read(top.join("nodes").join(first).join("etc/kubernetes/pki/ca.crt")).unwrap();
    for (path, user, server) in rows {
        says(&top.join(path), &user, &server, &ca);
    }
}

/// Asserts everything that kubectl finds in a kubeconfig.
fn says(file: &Path, user: &str, server: &str, ca: &[u8]) {
    let config = view(file);
    let context = format!("{user}@kubernetes");
    let credentials = &config["users"][0]["user"];
    let expected = serde_json::json!({
        "kind": "Config",
        "apiVersion": "v1",
        "clusters": [{
            "name": "kubernetes",
            "cluster": {"server": server, "certificate-authority-data": STANDARD.encode(ca)},
        }],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": context, "context": {"cluster": "kubernetes", "user": user}}],
        "current-context": context,
    });
    assert_eq!(config, expected, "{}", file.display());
    if file.ends_with("kubelet.conf") {
        let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
        let by_path = serde_json::json!({"client-certificate": current, "client-key": current});
        assert_eq!(*credentials, by_path, "{}", file.display());
        return;
    }
    assert_eq!(credentials.as_object().unwrap().len(), 2, "{}", file.display());
    let embedded = |field: &str| {
        let text = credentials[field].as_str().unwrap_or_else(|| panic!("{} has no {field}", file.display()));
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    };
    assert!(embedded("client-certificate-data").starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(embedded("client-key-data").starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
}

/// The names look to a YAML reader, to a template or to a shell like something else.
#[test]
fn names_come_back_exactly() {
    if lacks(&[Right::NoNetwork]) {
        return;
    }
    let names = [
        "no",
        "Yes",
        "on",
        "true",
        "null",
        "~",
        "1e3",
        "0x1F",
        "017",
        "1_000",
        ".inf",
        "2026-11-22",
        "12:30:45",
        "a: b",
        "a:",
        ": b",
        "#x",
        "a #b",
        "\"q\"",
        "'q'",
        "it's",
        "\"",
        "back\\slash",
        "\\n",
        "\\u0041",
        "{a: b}",
        "{",
        "[a, b]",
        "]",
        "&a",
        "*b",
        "!!str x",
        "!",
        "|",
        ">",
        "> folded",
        "%TAG",
        "@at",
        "`tick`",
        "?",
        "? key",
        ",",
        "=",
        "<<",
        "a  b",
        "a --- x",
        "... y",
        "{{key}}",
        "{{",
        "}}",
        "$(id)",
        "$HOME",
        "ünïcode",
        "名前",
        "ship 🚢",
        "e\u{301}",
        "alice@corp.example",
        "with spaces in it",
        "C:\\Users\\x",
        "a/b",
        "a%2Fb",
        "(x)",
        "<x>",
        "x;y",
        "a\u{7fff}",
    ];
    // As JSON strings the names are TOML strings too.
    let users: String = names.iter().map(|name| format!("\n[[user]]\nname = {}\n", Value::from(*name))).collect();
    let bundle = build_text(&(changed_profile("single-node", use_fast_keys) + &users));
    let top = bundle.untar();
    // kubectl reads all of them at once and merges what they say. Paths are numbered: a colon would end one.
    let mut paths = Vec::new();
    for (number, entry) in fs::read_dir(top.join("cluster/users")).unwrap().enumerate() {
        let path = top.join(format!("{number}.conf"));
        fs::rename(entry.unwrap().path(), &path).unwrap();
        paths.push(path);
    }
    let mut command = without_network("kubectl");
    command.env("KUBECONFIG", std::env::join_paths(&paths).unwrap());
    let config = read(&mut command);
    let mut expected = names.map(str::to_owned);
    expected.sort();
    let mut users: Vec<_> = rows(&config, "users").map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    users.sort();
    assert_eq!(users, expected);
    let mut of_contexts: Vec<_> = rows(&config, "contexts")
        .map(|row| {
            let user = row["context"]["user"].as_str().unwrap();
            assert_eq!(row["name"], format!("{user}@kubernetes"));
            user.to_owned()
        })
        .collect();
    of_contexts.sort();
    assert_eq!(of_contexts, expected);
}

#[test]
fn addresses_of_ipv6_stand_in_brackets() {
    if lacks(&[Right::NoNetwork]) {
        return;
    }
    let bundle = build_text(&changed_profile("dual-stack", |profile| {
        use_fast_keys(profile);
        profile["cluster"]["kubernetes"] = "1.33.5".into();
        profile["cluster"]["control_plane_endpoint"] = "[fd00:10:0:0::100]:8443".into();
        profile["cluster"]["service_subnets"] = vec!["fd00:10:96::/112", "10.96.0.0/12"].into();
        for node in profile["node"].as_array_mut().unwrap() {
            node["addresses"].as_array_mut().unwrap().reverse();
        }
    }));
    let kubernetes = bundle.untar().join("nodes/edge-cp-2/etc/kubernetes");
    for (file, server) in [
        ("admin.conf", "https://[fd00:10::100]:8443"),
        ("scheduler.conf", "https://[fd00:10::12]:6443"),
        ("kubelet.conf", "https://[fd00:10::12]:6443"),
    ] {
        assert_eq!(view(&kubernetes.join(file))["clusters"][0]["cluster"]["server"], server, "{file}");
    }

    let bundle = build_text(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        let cluster = profile["cluster"].as_table_mut().unwrap();
        cluster.insert("service_subnets".to_owned(), vec!["fd00:10:96::/112"].into());
        profile["node"][0]["addresses"] = vec!["2001:db8::5"].into();
    }));
    let kubernetes = bundle.untar().join("nodes/lab-1/etc/kubernetes");
    for file in ["admin.conf", "super-admin.conf", "controller-manager.conf", "kubelet.conf"] {
        let config = view(&kubernetes.join(file));
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://[2001:db8::5]:6443", "{file}");
    }
}

/// The mirror: kubectl does refuse what is no kubeconfig.
#[test]
fn kubectl_refuses_a_damaged_kubeconfig() {
    if lacks(&[Right::NoNetwork]) {
        return;
    }
    let bundle = build_text(&changed_profile("single-node", use_fast_keys));
    let top = bundle.untar();
    let file = top.join("nodes/lab-1/etc/kubernetes/admin.conf");
    let text = fs::read_to_string(&file).unwrap();
    for (from, to) in [("users:\n- ", "users:\n-"), ("certificate-authority-data: ", "certificate-authority-data: ?")] {
        assert_eq!(text.matches(from).count(), 1);
        let damaged = write(&top, "damaged.conf", &text.replace(from, to), 0o600);
        let output = common::run(kubectl(&damaged).args(["config", "view", "--raw", "--output", "json"]));
        assert!(!output.status.success(), "{to}");
    }
}

/// A list in a kubeconfig.
fn rows<'a>(config: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    config[list].as_array().unwrap().iter()
}

fn view(file: &Path) -> Value {
    read(&mut kubectl(file))
}

fn read(command: &mut Command) -> Value {
    let json = succeed(command.args(["config", "view", "--raw", "--output", "json"]));
    let mut config: Value = serde_json::from_str(&json).unwrap();
    // Only older versions print this, empty, whether it is in the file or not.
    config.as_object_mut().unwrap().remove("preferences");
    config
}

/// Some builds of kubectl ask the server for its version before they do anything.
fn kubectl(kubeconfig: &Path) -> Command {
    let mut command = without_network("kubectl");
    command.arg("--kubeconfig").arg(kubeconfig);
    command
}
