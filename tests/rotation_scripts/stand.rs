//! A cluster that has been through nothing yet, as a stand-in has it, and a desk with the scripts on it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::layout::scripts::{ROTATION, ROTATION_VALUES};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::api::{Api, Objects};
use crate::common::shells::find;
use crate::common::{Ended, end, write};
use crate::planting::forge::{Forge, Key, pem};

pub const OLD_TOKEN: &str =
    "b2xkLWhlYWRlci10aGF0LWhhcy1hcy1tYW55LWNoYXJhY3RlcnMtYXMtYS1rZXktaWQtb2YtU0hBLTI1Ni1oYXMuMTIzNDU2";
pub const NEW_TOKEN: &str =
    "bmV3LWhlYWRlci10aGF0LWhhcy1hcy1tYW55LWNoYXJhY3RlcnMtYXMtYS1rZXktaWQtb2YtU0hBLTI1Ni1oYXMuMTIzNDU2";

pub struct Authorities {
    pub old: String,
    pub new: String,
    pub other: String,
}

pub static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| {
    let authority = |name: &str, number: u8| {
        let key = Key::new(number);
        pem(&Forge::authority(name, &key).sign(None, &key))
    };
    Authorities { old: authority("kubernetes", 41), new: authority("kubernetes-g2", 42), other: authority("other", 43) }
});

pub fn both() -> String {
    format!("{}{}", AUTHORITIES.old, AUTHORITIES.new)
}

/// A desk with kubectl, sleep and the scripts on it.
pub struct Desk(pub TempDir);

impl Desk {
    pub fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for phase in ["1", "2", "3"] {
            let values = [
                ("phase", phase),
                ("cluster", "lab"),
                ("rotation", "0123456789abcdef"),
                ("nodes", "cp-1 w-1"),
                ("old_ca", AUTHORITIES.old.trim_end()),
                ("new_ca", AUTHORITIES.new.trim_end()),
                ("old_front_proxy_ca", ""),
                ("new_front_proxy_ca", ""),
                ("old_token", &OLD_TOKEN[..90]),
                ("new_token", &NEW_TOKEN[..90]),
            ];
            let head = values.iter().fold(ROTATION_VALUES.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{{{name}}}}}"), value)
            });
            assert!(!head.contains("{{"), "a placeholder is not known");
            write(desk.0.path(), &format!("phase-{phase}.sh"), &format!("{head}{ROTATION}"), 0o644);
        }
        fs::create_dir(desk.0.path().join("programs")).unwrap();
        for program in ["kubectl", "sleep"] {
            symlink(find(program), desk.0.path().join("programs").join(program)).unwrap();
        }
        desk
    }

    pub fn command(&self, shell: &[&str], phase: u32, arguments: &[&str]) -> Command {
        let mut command = Command::new(find(shell[0]));
        command.args(&shell[1..]).arg(self.0.path().join(format!("phase-{phase}.sh"))).args(arguments);
        command.env_clear().env("HOME", self.0.path()).env("PATH", self.0.path().join("programs"));
        command
    }

    pub fn run_in(&self, shell: &[&str], api: &Api, phase: u32, arguments: &[&str]) -> Ended {
        end(self.command(shell, phase, &["--server", &api.url(), "--wait", "0"]).args(arguments))
    }

    pub fn run(&self, api: &Api, phase: u32, arguments: &[&str]) -> Ended {
        self.run_in(&["dash"], api, phase, arguments)
    }
}

pub fn object(kind: &str, title: &str, rest: Value) -> Value {
    let version = match kind {
        "ValidatingWebhookConfiguration" => "admissionregistration.k8s.io/v1",
        "APIService" => "apiregistration.k8s.io/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" => "apps/v1",
        "CertificateSigningRequest" => "certificates.k8s.io/v1",
        _ => "v1",
    };
    let mut object = rest;
    object["apiVersion"] = version.into();
    object["kind"] = kind.into();
    let (namespace, name) = title.split_once('/').map_or((None, title), |(namespace, name)| (Some(namespace), name));
    object["metadata"]["name"] = name.into();
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

pub fn pod(title: &str, owner: Option<(&str, &str)>, volume: Value) -> Value {
    let owners: Vec<_> =
        owner.iter().map(|(kind, name)| json!({ "kind": kind, "name": name, "controller": true })).collect();
    object(
        "Pod",
        title,
        json!({
            "metadata": { "creationTimestamp": "2026-11-01T00:00:00Z", "ownerReferences": owners },
            "spec": { "containers": [{ "name": "c", "image": "registry.example/app:1" }], "volumes": [volume] },
            "status": { "phase": "Running" },
        }),
    )
}

pub fn with_token() -> Value {
    let sources = json!([{ "serviceAccountToken": {} }, { "configMap": { "name": "kube-root-ca.crt" } }]);
    json!({ "name": "v", "projected": { "sources": sources } })
}

pub fn kubeconfig(ca: &str) -> String {
    let data = STANDARD.encode(ca);
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {data}\n    server: https://k8s.lab:6443\n  \
         name: \"\"\nkind: Config\n"
    )
}

pub fn root_ca(namespace: &str, ca: &str) -> Value {
    object("ConfigMap", &format!("{namespace}/kube-root-ca.crt"), json!({ "data": { "ca.crt": ca } }))
}

pub fn token_secret(ca: &str, token: &str) -> Value {
    let data = json!({ "ca.crt": STANDARD.encode(ca), "token": STANDARD.encode(format!("{token}.payload.signature")) });
    object("Secret", "default/robot", json!({ "type": "kubernetes.io/service-account-token", "data": data }))
}

pub fn webhook(bundle: &str) -> Value {
    json!({ "clientConfig": { "caBundle": STANDARD.encode(bundle) } })
}

/// What a cluster holds, whose control planes have the files of a phase: its CAs, and the key of its tokens.
pub fn cluster(trusted: &str) -> Vec<Value> {
    let guard = json!({ "webhooks": [
        { "name": "a.guard", "clientConfig": webhook(&AUTHORITIES.old)["clientConfig"] },
        { "name": "b.guard", "clientConfig": webhook(&AUTHORITIES.other)["clientConfig"] },
        { "name": "c.guard", "clientConfig": webhook(&format!("{}{}", AUTHORITIES.other, AUTHORITIES.old))["clientConfig"] },
    ] });
    vec![
        object("Node", "cp-1", json!({})),
        object("Node", "w-1", json!({})),
        object("Namespace", "default", json!({ "status": { "phase": "Active" } })),
        object("Namespace", "kube-system", json!({ "status": { "phase": "Active" } })),
        object("Namespace", "leaving", json!({ "status": { "phase": "Terminating" } })),
        root_ca("default", trusted),
        root_ca("kube-system", trusted),
        token_secret(trusted, &OLD_TOKEN[..90]),
        object(
            "ConfigMap",
            "kube-public/cluster-info",
            json!({ "data": {
            "kubeconfig": kubeconfig(&AUTHORITIES.old), "jws-kubeconfig-abcdef": "before",
        } }),
        ),
        object(
            "ConfigMap",
            "kube-system/extension-apiserver-authentication",
            json!({ "data": {
            "client-ca-file": both(), "requestheader-allowed-names": "[\"front-proxy-client\"]",
        } }),
        ),
        object("ConfigMap", "default/agent", json!({ "data": { "conf": kubeconfig(&AUTHORITIES.old) } })),
        object(
            "Secret",
            "default/flux",
            json!({ "type": "Opaque", "data": { "kubeconfig": STANDARD.encode("a key") } }),
        ),
        object("Secret", "kube-system/kubeadm-certs", json!({ "type": "Opaque" })),
        object("ValidatingWebhookConfiguration", "guard", guard),
        object("APIService", "v1.extra.example", json!({ "spec": { "caBundle": STANDARD.encode(&AUTHORITIES.old) } })),
        object("APIService", "v1.apps", json!({ "spec": {} })),
        object(
            "CustomResourceDefinition",
            "plain.example",
            json!({ "spec": { "conversion": { "strategy": "None" } } }),
        ),
        object(
            "ReplicaSet",
            "default/web-1",
            json!({ "metadata": {
            "ownerReferences": [{ "kind": "Deployment", "name": "web", "controller": true }],
        } }),
        ),
        object(
            "Deployment",
            "default/web",
            json!({
                "metadata": { "generation": 1 },
                "spec": { "replicas": 1, "template": {} },
                "status": { "observedGeneration": 9, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1 },
            }),
        ),
        pod("default/web-1-a", Some(("ReplicaSet", "web-1")), with_token()),
        pod("default/plain", Some(("Job", "once")), json!({ "name": "v", "emptyDir": {} })),
        {
            let mut mirror = pod("kube-system/kube-scheduler-cp-1", Some(("Node", "cp-1")), with_token());
            mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "x" });
            mirror
        },
    ]
}

/// The controller manager signs cluster-info, and makes tokens of the new key; API servers write what they trust.
pub fn controllers(objects: &mut Objects) {
    let key = |plural: &str, title: &str| (plural.to_owned(), title.to_owned());
    if let Some(info) = objects.get_mut(&key("configmaps", "kube-public/cluster-info")) {
        let text = info["data"]["kubeconfig"].as_str().unwrap();
        info["data"]["jws-kubeconfig-abcdef"] =
            STANDARD.encode(text).chars().rev().take(200).collect::<String>().into();
    }
    if let Some(secret) = objects.get_mut(&key("secrets", "default/robot"))
        && secret["data"]["token"].is_null()
    {
        secret["data"]["token"] = STANDARD.encode(format!("{}.payload.signature", &NEW_TOKEN[..90])).into();
    }
    // A pod of the Deployment's new template.
    let restarted = objects
        .get(&key("deployments", "default/web"))
        .is_some_and(|web| web["spec"]["template"]["metadata"]["annotations"]["certferry-rotation"].is_string());
    if restarted && let Some(pod) = objects.get_mut(&key("pods", "default/web-1-a")) {
        pod["metadata"]["creationTimestamp"] = "2026-12-02T00:00:00Z".into();
    }
    let clients = key("configmaps", "kube-system/extension-apiserver-authentication");
    objects.entry(clients).or_insert_with(|| {
        let title = "kube-system/extension-apiserver-authentication";
        object("ConfigMap", title, json!({ "data": { "client-ca-file": AUTHORITIES.new } }))
    });
}

pub fn started(trusted: &str) -> Api {
    let api = Api::start(&cluster(trusted));
    api.control(controllers);
    api
}

/// The control planes have other files: what the controller manager writes of them.
pub fn trust(api: &Api, trusted: &str) {
    for namespace in ["default", "kube-system"] {
        api.put(&root_ca(namespace, trusted));
    }
    api.change(|objects| {
        let secret = objects.get_mut(&("secrets".to_owned(), "default/robot".to_owned())).unwrap();
        secret["data"]["ca.crt"] = STANDARD.encode(trusted).into();
    });
}

pub fn said(ended: &Ended, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), (stdout, stderr));
    assert_eq!(ended.code, Some(code));
}

pub fn bundles(api: &Api) -> Vec<String> {
    let text = |value: &Value| String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
    let guard = api.object("validatingwebhookconfigurations", "guard");
    let webhooks = guard["webhooks"].as_array().unwrap().iter().map(|one| text(&one["clientConfig"]["caBundle"]));
    let service = api.object("apiservices", "v1.extra.example");
    webhooks.chain([text(&service["spec"]["caBundle"])]).collect()
}

pub fn cluster_info(api: &Api) -> String {
    api.object("configmaps", "kube-public/cluster-info")["data"]["kubeconfig"].as_str().unwrap().to_owned()
}

pub const HINT: &str = "hint: the line above that begins with `first: ` says which; then run this again\n";
pub const HINTS: &str = "hint: the lines above that begin with `first: ` say which; then run this again\n";
pub const START: &str =
    "nodes: all are in the profile\ncertificate requests: none is open, and none of a client is kept\n";
pub const COPIES: &str = "ConfigMap default/agent: holds the old CA alone, and should hold both CAs; whoever wrote it writes it anew\n\
                      Secrets that may hold a kubeconfig, not read, because there are keys in it; look at their CA: default/flux\n";

pub fn held(word: &str) -> String {
    let label = |name: &str| format!("caBundle of {name}: {word}\n");
    [label("validating/guard a.guard"), label("validating/guard c.guard"), label("api-service/v1.extra.example")]
        .concat()
}
