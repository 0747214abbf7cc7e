//! `rotation/phase-N.sh` with kubectl and sleep alone: what it finds in a cluster, what it does in each phase, what it
//! refuses, and the way back.
//!
//! `kube_` tests have it work on a real API server.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use certferry::layout::scripts::{ROTATION, ROTATION_VALUES};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::common::api::{Api, Objects};
use crate::common::script::Joined;
use crate::common::shells::{SHELLS, find};
use crate::common::{Ended, desk, end, run, tool, write};
use crate::planting::forge::{Forge, Key, pem};

const OLD_TOKEN: &str =
    "b2xkLWhlYWRlci10aGF0LWhhcy1hcy1tYW55LWNoYXJhY3RlcnMtYXMtYS1rZXktaWQtb2YtU0hBLTI1Ni1oYXMuMTIzNDU2";
const NEW_TOKEN: &str =
    "bmV3LWhlYWRlci10aGF0LWhhcy1hcy1tYW55LWNoYXJhY3RlcnMtYXMtYS1rZXktaWQtb2YtU0hBLTI1Ni1oYXMuMTIzNDU2";

struct Authorities {
    old: String,
    new: String,
    other: String,
}

static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| {
    let authority = |name: &str, number: u8| {
        let key = Key::new(number);
        pem(&Forge::authority(name, &key).sign(None, &key))
    };
    Authorities { old: authority("kubernetes", 41), new: authority("kubernetes-g2", 42), other: authority("other", 43) }
});

fn both() -> String {
    format!("{}{}", AUTHORITIES.old, AUTHORITIES.new)
}

/// A desk with kubectl, sleep and the scripts on it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
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

    fn command(&self, shell: &[&str], phase: u32, arguments: &[&str]) -> Command {
        let mut command = Command::new(find(shell[0]));
        command.args(&shell[1..]).arg(self.0.path().join(format!("phase-{phase}.sh"))).args(arguments);
        command.env_clear().env("HOME", self.0.path()).env("PATH", self.0.path().join("programs"));
        command
    }

    fn run_in(&self, shell: &[&str], api: &Api, phase: u32, arguments: &[&str]) -> Ended {
        end(self.command(shell, phase, &["--server", &api.url(), "--wait", "0"]).args(arguments))
    }

    fn run(&self, api: &Api, phase: u32, arguments: &[&str]) -> Ended {
        self.run_in(&["dash"], api, phase, arguments)
    }
}

fn object(kind: &str, title: &str, rest: Value) -> Value {
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

fn pod(title: &str, owner: Option<(&str, &str)>, volume: Value) -> Value {
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

fn with_token() -> Value {
    let sources = json!([{ "serviceAccountToken": {} }, { "configMap": { "name": "kube-root-ca.crt" } }]);
    json!({ "name": "v", "projected": { "sources": sources } })
}

fn kubeconfig(ca: &str) -> String {
    let data = STANDARD.encode(ca);
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {data}\n    server: https://k8s.lab:6443\n  \
         name: \"\"\nkind: Config\n"
    )
}

fn root_ca(namespace: &str, ca: &str) -> Value {
    object("ConfigMap", &format!("{namespace}/kube-root-ca.crt"), json!({ "data": { "ca.crt": ca } }))
}

fn token_secret(ca: &str, token: &str) -> Value {
    let data = json!({ "ca.crt": STANDARD.encode(ca), "token": STANDARD.encode(format!("{token}.payload.signature")) });
    object("Secret", "default/robot", json!({ "type": "kubernetes.io/service-account-token", "data": data }))
}

fn webhook(bundle: &str) -> Value {
    json!({ "clientConfig": { "caBundle": STANDARD.encode(bundle) } })
}

/// What a cluster holds, whose control planes have the files of a phase: its CAs, and the key of its tokens.
fn cluster(trusted: &str) -> Vec<Value> {
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
fn controllers(objects: &mut Objects) {
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

fn started(trusted: &str) -> Api {
    let api = Api::start(&cluster(trusted));
    api.control(controllers);
    api
}

/// The control planes have other files: what the controller manager writes of them.
fn trust(api: &Api, trusted: &str) {
    for namespace in ["default", "kube-system"] {
        api.put(&root_ca(namespace, trusted));
    }
    api.change(|objects| {
        let secret = objects.get_mut(&("secrets".to_owned(), "default/robot".to_owned())).unwrap();
        secret["data"]["ca.crt"] = STANDARD.encode(trusted).into();
    });
}

fn said(ended: &Ended, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), (stdout, stderr));
    assert_eq!(ended.code, Some(code));
}

fn bundles(api: &Api) -> Vec<String> {
    let text = |value: &Value| String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
    let guard = api.object("validatingwebhookconfigurations", "guard");
    let webhooks = guard["webhooks"].as_array().unwrap().iter().map(|one| text(&one["clientConfig"]["caBundle"]));
    let service = api.object("apiservices", "v1.extra.example");
    webhooks.chain([text(&service["spec"]["caBundle"])]).collect()
}

fn cluster_info(api: &Api) -> String {
    api.object("configmaps", "kube-public/cluster-info")["data"]["kubeconfig"].as_str().unwrap().to_owned()
}

const HINT: &str = "hint: the line above that begins with `first: ` says which; then run this again\n";
const HINTS: &str = "hint: the lines above that begin with `first: ` say which; then run this again\n";
const START: &str = "nodes: all are in the profile\ncertificate requests: none is open, and none of a client is kept\n";
const COPIES: &str = "ConfigMap default/agent: holds the old CA alone, and should hold both CAs; whoever wrote it writes it anew\n\
                      Secrets that may hold a kubeconfig, not read, because there are keys in it; look at their CA: default/flux\n";

fn held(word: &str) -> String {
    let label = |name: &str| format!("caBundle of {name}: {word}\n");
    [label("validating/guard a.guard"), label("validating/guard c.guard"), label("api-service/v1.extra.example")]
        .concat()
}

/// What a build writes into the scripts is what it writes into the nodes' files; how tokens begin, openssl says.
#[test]
fn a_bundle_of_each_phase_has_its_script() {
    let desk = desk::Desk::new();
    desk.succeed("build lab.toml --seed lab.seed --out out --lock lab.lock");
    let profile = desk.text("lab.toml").replacen("issued_at", "generation = 2\nissued_at", 1);
    let rotating = |table: &str| format!("[{table}]\ngeneration = 2\nprevious = {{ generation = 1 }}\n");
    desk.write("lab.toml", profile + &rotating("ca.kubernetes") + &rotating("service_account"));
    desk.succeed("build lab.toml --seed lab.seed --out out --lock lab.lock");
    let scripts = [1, 2, 3].map(|phase| {
        let archive = format!("out/lab-g2-p{phase}.tar.gz --key out/lab.pub");
        for whose in [format!("--with-cluster --root part-{phase}"), format!("--node cp-1 --root node-{phase}")] {
            assert_eq!(desk.run(&format!("unpack {archive} {whose}")).code, Some(0));
        }
        desk.text(&format!("part-{phase}/rotation/phase-{phase}.sh"))
    });
    let pki = |phase: u32, file: &str| desk.text(&format!("node-{phase}/etc/kubernetes/pki/{file}"));
    let new_ca = pki(3, "ca.crt");
    let old_ca = pki(1, "ca.crt").strip_suffix(&new_ca).unwrap().to_owned();
    let token = |phase: u32| {
        let file = desk.path(&format!("node-{phase}/etc/kubernetes/pki/sa.pub"));
        let der = run(tool("openssl").args(["pkey", "-pubin", "-outform", "DER", "-in"]).arg(file)).stdout;
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(der));
        URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","kid":"{name}"}}"#))
    };
    // The first key of phase 1 is the old one.
    let (old_token, new_token) = (token(1), token(3));
    assert_ne!(old_token, new_token);
    for (number, script) in scripts.iter().enumerate() {
        for line in [
            format!("\nPHASE='{}'\n", number + 1),
            "\nCLUSTER='lab'\n".to_owned(),
            "\nNODES='cp-1'\n".to_owned(),
            format!("\nOLD_CA='{}'\n", old_ca.trim_end()),
            format!("\nNEW_CA='{}'\n", new_ca.trim_end()),
            "\nOLD_FRONT_PROXY_CA=''\n".to_owned(),
            format!("\nOLD_TOKEN='{old_token}'\n"),
            format!("\nNEW_TOKEN='{new_token}'\n"),
        ] {
            assert!(script.contains(&line), "{line}");
        }
        let name = script.split_once("\nROTATION='").unwrap().1.split('\'').next().unwrap();
        assert!(name.len() == 16 && scripts.iter().all(|other| other.contains(&format!("\nROTATION='{name}'\n"))));
        assert!(script.ends_with(ROTATION));
    }
}

#[test]
fn every_part_is_plain_shell() {
    let script = Box::leak(format!("{ROTATION_VALUES}{ROTATION}").into_boxed_str());
    let joined = Joined { script, folder: "templates/rotation" };
    joined.has_every_part();
    joined.is_plain_shell();
}

#[test]
fn every_phase_does_its_work_once() {
    let shell = &["dash"][..];
    let (api, desk) = (started(&both()), Desk::new());
    let Authorities { old, new, other } = &*AUTHORITIES;
    // Phase 1.
    let trusted = "kube-root-ca.crt: 2 namespaces hold both CAs\ntoken Secrets: ca.crt of 1 is both CAs\n";
    let pods = "pods: 1 come from manifests on nodes, and are left to `certferry apply`\n\
                    pods: from before, and still with what they read when they began:\n  \
                    default/web-1-a, of Deployment/web: it has the CA of kube-root-ca.crt\n";
    let would = format!(
        "{START}{trusted}cluster-info: would be written, it held the old CA alone\n{}{COPIES}\
             kubeadm-certs: would be deleted, it holds CAs from before\n{pods}Deployment/web in default: would be restarted\n\
             phase 1: nothing was changed\n",
        held("would be written, it held the old CA alone"),
    );
    said(&desk.run_in(shell, &api, 1, &["--dry-run", "--restart-pods"]), 0, &would, "");
    assert_eq!(api.changes(), Vec::<String>::new());
    let done = format!(
        "{START}{trusted}cluster-info: written, it held the old CA alone\ncluster-info: signed anew\n{}{COPIES}\
             kubeadm-certs: deleted, it holds CAs from before\n{pods}\
             first: restart these pods: run this with --restart-pods, or in an order of your own\n",
        held("written, it held the old CA alone"),
    );
    let error = format!("error: phase 1: 1 thing must be done first\n{HINT}");
    said(&desk.run_in(shell, &api, 1, &[]), 1, &done, &error);
    assert_eq!(cluster_info(&api), kubeconfig(&both()));
    assert_eq!(bundles(&api)[0], both());
    assert_eq!(bundles(&api)[1], *other);
    // What else stood there stays.
    let lines = |text: &str| text.lines().filter(|line| !line.starts_with("--")).collect::<String>();
    assert_eq!(lines(&bundles(&api)[2]), lines(&both()) + &lines(other));
    assert_eq!(bundles(&api)[3], both());
    let unchanged = format!(
        "{START}{trusted}cluster-info: unchanged, it holds both CAs\n{}{COPIES}",
        held("unchanged, it holds both CAs"),
    );
    let restarted =
        format!("{unchanged}{pods}Deployment/web in default: restarted\nphase 1 is complete in the cluster\n");
    said(&desk.run_in(shell, &api, 1, &["--restart-pods"]), 0, &restarted, "");
    let none = "pods: 1 come from manifests on nodes, and are left to `certferry apply`\npods: none is from before\n";
    let before = api.changes().len();
    said(
        &desk.run_in(shell, &api, 2, &["--before"]),
        0,
        &format!("{unchanged}{none}phase 2 may begin on the nodes\n"),
        "",
    );
    said(&desk.run_in(shell, &api, 1, &[]), 0, &format!("{unchanged}{none}phase 1 is complete in the cluster\n"), "");
    assert_eq!(api.changes().len(), before, "{shell:?}");

    // Phase 2.
    let stale = "token Secrets: the token is signed with the other key in default/robot; with --renew-tokens they are made \
                     anew, and programs that hold a copy need the new one\n";
    let second = format!(
        "{START}{trusted}{stale}cluster-info: written, it held both CAs in the other order\ncluster-info: signed anew\n\
             {}{COPIES}{none}phase 2 is complete in the cluster\n",
        held("unchanged, it holds both CAs"),
    );
    said(&desk.run_in(shell, &api, 2, &[]), 0, &second, "");
    assert_eq!(cluster_info(&api), kubeconfig(&format!("{new}{old}")));
    let gate = desk.run_in(shell, &api, 3, &["--before"]);
    let lists = "\n  caBundle of validating/guard a.guard\n  caBundle of validating/guard c.guard\n  \
                     caBundle of api-service/v1.extra.example\n  once their servers have certificates of the new CA, run this \
                     with --servers-renewed\n";
    for line in [format!("\nfirst: {stale}"), format!("\nfirst: caBundles hold the old CA still:{lists}")] {
        assert!(gate.stdout.contains(&line), "{}", gate.stdout);
    }
    assert_eq!((gate.code, gate.stderr), (Some(1), format!("error: phase 3: 2 things must be done first\n{HINTS}")));
    let renewed = desk.run_in(shell, &api, 2, &["--renew-tokens"]);
    assert!(renewed.stdout.contains("\ntoken Secret default/robot: made anew\n"), "{}", renewed.stdout);
    assert_eq!((renewed.code, renewed.stderr.as_str()), (Some(0), ""));
    let gate = desk.run_in(shell, &api, 3, &["--before", "--servers-renewed"]);
    let tokens = "tokens: every pod is from after phase 2\n\
                      tokens: those that programs asked for by themselves are not known here; they are valid as long as the API \
                      server lets them, whose flags are not seen here, and refused from phase 3 on\n\
                      tokens: those of pods say that they are valid for a year; the kubelet replaces them all the same\n\
                      phase 3 may begin on the nodes\n";
    assert!(gate.stdout.ends_with(tokens), "{}", gate.stdout);
    assert_eq!((gate.code, gate.stderr.as_str()), (Some(0), ""));

    // Phase 3.
    trust(&api, new);
    let last = desk.run_in(shell, &api, 3, &["--servers-renewed"]);
    let third = format!(
        "{START}kube-root-ca.crt: 2 namespaces hold the new CA alone\ntoken Secrets: ca.crt of 1 is the new CA alone\n\
             cluster-info: written, it held both CAs\ncluster-info: signed anew\n{}{}\
             extension-apiserver-authentication: deleted, the old CA was in it\n\
             extension-apiserver-authentication: made anew without the old CA\nphase 3 is complete in the cluster\n",
        held("written, it held both CAs"),
        COPIES.replace("should hold both CAs", "should hold the new CA alone"),
    );
    said(&last, 0, &third, "");
    assert_eq!((cluster_info(&api), bundles(&api)[0].clone()), (kubeconfig(new), new.clone()));
    let changes = api.changes().len();
    assert_eq!(desk.run_in(shell, &api, 3, &["--servers-renewed"]).code, Some(0));
    assert_eq!(api.changes().len(), changes, "{shell:?}");
}

/// Each shell says the same of each phase.
#[test]
fn every_shell_does_the_same() {
    let runs = |shell: &[&str]| {
        let (api, desk) = (started(&both()), Desk::new());
        let mut said: Vec<String> = Vec::new();
        for (phase, arguments) in [(1, &["--restart-pods"][..]), (2, &["--renew-tokens"]), (3, &["--servers-renewed"])]
        {
            if phase == 3 {
                trust(&api, &AUTHORITIES.new);
            }
            let ended = desk.run_in(shell, &api, phase, arguments);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{shell:?}");
            said.push(ended.stdout);
        }
        assert_eq!(bundles(&api)[0], AUTHORITIES.new);
        (said, cluster_info(&api))
    };
    let [first, rest @ ..] = SHELLS;
    let expected = runs(first);
    for shell in rest {
        assert_eq!(runs(shell), expected, "{shell:?}");
    }
}

/// One phase back is the script of the phase before.
#[test]
fn back_is_the_phase_before_and_then_the_old_alone() {
    let (api, desk) = (started(&both()), Desk::new());
    let Authorities { old, .. } = &*AUTHORITIES;
    assert_eq!(desk.run(&api, 1, &["--restart-pods"]).code, Some(0));
    assert_eq!(desk.run(&api, 2, &["--renew-tokens"]).code, Some(0));
    let back = desk.run(&api, 1, &[]);
    assert!(back.stdout.contains("\ncluster-info: written, it held both CAs in the other order\n"), "{}", back.stdout);
    assert_eq!((back.code, back.stderr.as_str()), (Some(0), ""));
    assert_eq!(cluster_info(&api), kubeconfig(&both()));

    let early = desk.run(&api, 1, &["--back"]);
    let lags = "first: kube-root-ca.crt does not hold the old CA alone in default kube-system: give every control plane its \
                files, and restart kube-controller-manager\n";
    said(&early, 1, lags, &format!("error: the way back from phase 1: 1 thing must be done first\n{HINT}"));
    trust(&api, old);
    api.change(|objects| {
        let clients = ("configmaps".to_owned(), "kube-system/extension-apiserver-authentication".to_owned());
        objects.get_mut(&clients).unwrap()["data"]["client-ca-file"] = AUTHORITIES.old.clone().into();
    });
    let ended = desk.run(&api, 1, &["--back"]);
    let stale = "first: token Secrets: the token is signed with the other key in default/robot; with --renew-tokens they are \
                 made anew, and programs that hold a copy need the new one\n";
    let all = format!(
        "kube-root-ca.crt: 2 namespaces hold the old CA alone\ntoken Secrets: ca.crt of 1 is the old CA alone\n{stale}\
         cluster-info: written, it held both CAs\ncluster-info: signed anew\n{}\
         Secrets that may hold a kubeconfig, not read, because there are keys in it; look at their CA: default/flux\n\
         extension-apiserver-authentication: unchanged, the new CA is not in it\n",
        held("written, it held both CAs"),
    );
    said(&ended, 1, &all, &format!("error: the way back from phase 1: 1 thing must be done first\n{HINT}"));
    assert_eq!((cluster_info(&api), bundles(&api)[0].clone()), (kubeconfig(old), old.clone()));
}

#[test]
fn what_is_outside_the_profile_stops_phase_2_before_anything_is_written() {
    let (api, desk) = (started(&both()), Desk::new());
    assert_eq!(desk.run(&api, 1, &["--restart-pods"]).code, Some(0));
    api.put(&object("Node", "stranger", json!({})));
    let request = |name: &str, signer: &str, status: Value| {
        let spec = json!({ "username": "bob", "signerName": signer });
        object("CertificateSigningRequest", name, json!({ "spec": spec, "status": status }))
    };
    api.put(&request("open", "kubernetes.io/kube-apiserver-client", json!({})));
    let issued = json!({ "certificate": "eA==", "conditions": [{ "type": "Approved" }] });
    api.put(&request("issued", "kubernetes.io/kube-apiserver-client", issued.clone()));
    api.put(&request("serving", "kubernetes.io/kubelet-serving", issued));
    api.put(&request("denied", "kubernetes.io/kubelet-serving", json!({ "conditions": [{ "type": "Denied" }] })));
    let said_of = |first: &str| {
        format!(
            "{first}nodes: not in the profile: stranger\n{first}certificate requests: open, approve or delete them: open\n\
             {first}clients: certificates that were issued through requests, and end to work in phase 3:\n  issued, asked for \
             by bob\n"
        )
    };
    let before = api.changes().len();
    let error = format!("error: phase 2: 3 things must be done first\n{HINTS}");
    said(&desk.run(&api, 2, &[]), 1, &said_of("first: "), &error);
    assert_eq!(desk.run(&api, 2, &["--before"]).code, Some(1));
    assert_eq!(api.changes().len(), before);
    // In phase 1 it is said, and with the word for it phase 2 goes on.
    for (phase, word) in [(1, None), (2, Some("--allow-outside"))] {
        let ended = desk.run(&api, phase, &Vec::from_iter(word));
        assert!(ended.stdout.starts_with(&said_of("")), "{}", ended.stdout);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    }
    // Who is not there yet is no reason to stop.
    api.change(|objects| drop(objects.remove(&("nodes".to_owned(), "w-1".to_owned()))));
    let ended = desk.run(&api, 2, &["--allow-outside"]);
    let absent = "nodes: not in the cluster, so give them their files before they join: w-1\n";
    assert!(ended.stdout.starts_with(absent), "{}", ended.stdout);
}

#[test]
fn a_namespace_that_lags_stops_it_before_anything_is_written() {
    let (api, desk) = (started(&both()), Desk::new());
    api.put(&root_ca("default", &AUTHORITIES.old));
    let lags = "first: kube-root-ca.crt does not hold both CAs in default: give every control plane its files, and restart \
                kube-controller-manager\n";
    let error = format!("error: phase 1: 1 thing must be done first\n{HINT}");
    said(&desk.run(&api, 1, &[]), 1, &format!("{START}{lags}"), &error);
    assert_eq!(api.changes(), Vec::<String>::new());
}

/// A pod by its owner: some restart by themselves, some are evicted, and some nobody would make again.
#[test]
fn pods_are_restarted_by_their_owners() {
    let (api, desk) = (started(&both()), Desk::new());
    api.put(&object("DaemonSet", "net/cni", json!({ "spec": { "updateStrategy": { "type": "OnDelete" } } })));
    api.put(&pod("net/cni-1", Some(("DaemonSet", "cni")), with_token()));
    let host = json!({ "name": "v", "hostPath": { "path": "/etc/kubernetes/cloud.conf" } });
    api.put(&pod("net/own", Some(("Operator", "x")), host));
    api.put(&pod("net/bare", None, json!({ "name": "v", "secret": { "secretName": "robot" } })));
    api.put(&pod("default/bare", None, json!({ "name": "v", "secret": { "secretName": "robot" } })));
    let mut proxy = pod("kube-system/kube-proxy-1", Some(("DaemonSet", "kube-proxy")), with_token());
    proxy["spec"]["containers"][0]["image"] = "registry.k8s.io/kube-proxy:v1.36.2".into();
    api.put(&proxy);
    let mut over = pod("net/over", Some(("Job", "x")), with_token());
    over["status"]["phase"] = "Succeeded".into();
    api.put(&over);
    let ended = desk.run(&api, 1, &["--restart-pods"]);
    let expected = "pods: read the CA again by themselves: kube-system/kube-proxy-1\n\
                    pods: 1 come from manifests on nodes, and are left to `certferry apply`\n\
                    pods: from before, and still with what they read when they began:\n  \
                    default/bare, of -: it has the token Secret robot\n  \
                    default/web-1-a, of Deployment/web: it has the CA of kube-root-ca.crt\n  \
                    net/cni-1, of DaemonSet/cni: it has the CA of kube-root-ca.crt\n  \
                    net/own, of Operator/x: it has /etc/kubernetes/cloud.conf of its node\n\
                    Deployment/web in default: restarted\nnet/cni-1: evicted\nnet/own: evicted\n\
                    first: not restarted, nobody would make them again, or they did not become ready in time: default/bare\n";
    assert!(ended.stdout.ends_with(expected), "{}", ended.stdout);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    // Whoever does not hear the answer asks again.
    let mut evictions = api.changes().into_iter().filter(|change| change.ends_with("/eviction")).collect::<Vec<_>>();
    evictions.dedup();
    assert_eq!(
        evictions,
        ["POST /api/v1/namespaces/net/pods/cni-1/eviction", "POST /api/v1/namespaces/net/pods/own/eviction"]
    );
}

#[test]
fn what_cannot_be_changed_is_said_and_the_rest_is_done() {
    let (api, desk) = (started(&both()), Desk::new());
    api.refuse_changes();
    let ended = desk.run(&api, 1, &["--restart-pods"]);
    for line in [
        "\nfirst: kubectl could not change cluster-info; what it said stands above\n",
        "\nfirst: kubectl could not change validating/guard; what it said stands above, and when it changed meanwhile, run \
         this again\n",
        "\nfirst: kubectl could not delete the Secret kubeadm-certs; what it said stands above\n",
        "\nfirst: not restarted, nobody would make them again, or they did not become ready in time: default/Deployment/web\n",
    ] {
        assert!(ended.stdout.contains(line), "{line}{}", ended.stdout);
    }
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.ends_with(&format!("error: phase 1: 5 things must be done first\n{HINTS}")),
        "{}",
        ended.stderr
    );
}

#[test]
fn another_cluster_is_not_written_to() {
    let (api, desk) = (started(&both()), Desk::new());
    api.put(&object(
        "ConfigMap",
        "kube-public/cluster-info",
        json!({ "data": { "kubeconfig": kubeconfig(&AUTHORITIES.other) } }),
    ));
    let ended = desk.run(&api, 1, &[]);
    let line = "\nfirst: cluster-info holds neither the old CA nor the new one: this is another cluster, or another rotation\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    api.put(&object("ConfigMap", "kube-public/cluster-info", json!({ "data": { "kubeconfig": "{}" } })));
    let ended = desk.run(&api, 1, &[]);
    let line = "\nfirst: cluster-info has 0 lines with certificate-authority-data, and must have one: write it anew with \
                `kubeadm init phase bootstrap-token`\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
}

#[test]
fn what_it_cannot_run_with_it_says() {
    let desk = Desk::new();
    for shell in SHELLS {
        let refused = |phase: u32, arguments: &[&str], stderr: &str| {
            let ended = end(&mut desk.command(shell, phase, arguments));
            said(&ended, 2, "", stderr);
        };
        refused(
            2,
            &["--back"],
            "error: only phase-1.sh takes --back\nhint: one phase back is the script of the phase before: sh phase-1.sh\n",
        );
        refused(1, &["--wait"], "error: --wait needs a number of seconds\nhint: sh phase-1.sh --help\n");
        refused(1, &["--wait", "5m"], "error: --wait needs a number of seconds\nhint: sh phase-1.sh --help\n");
        refused(3, &["--dry-run=yes"], "error: --dry-run takes no value\nhint: sh phase-3.sh --help\n");
        refused(
            1,
            &["--back", "--before"],
            "error: --before and --back do not go together\nhint: sh phase-1.sh --help\n",
        );
        let help = end(&mut desk.command(shell, 2, &["--help"]));
        assert!(help.stdout.starts_with("usage: sh phase-2.sh [--dry-run] [--before]"), "{}", help.stdout);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        let unread = end(&mut desk.command(shell, 1, &["--server", "http://127.0.0.1:1", "--context", "it's"]));
        assert!(
            unread.stderr.ends_with(
                "error: kubectl could not read the cluster; what it said stands above\nhint: this needs the rights of an \
                 administrator; kubectl takes its usual arguments here, such as `--kubeconfig FILE`\n"
            ),
            "{}",
            unread.stderr
        );
        assert_eq!(unread.code, Some(2));
    }
    fs::remove_file(desk.0.path().join("programs/kubectl")).unwrap();
    let ended = end(&mut desk.command(&["dash"], 1, &[]));
    let error = "error: there is no kubectl here\nhint: run this where you administer the cluster from; it needs nothing else\n";
    said(&ended, 2, "", error);
}
