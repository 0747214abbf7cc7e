//! The lines with kubectl that the chapters show, as printed, where each chapter says it is typed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::common::{succeed, tool};
use crate::kubernetes_manifests::cluster::{ADMIN, FILES, PROFILE, build, cluster, ended};
use crate::kubernetes_manifests::objects::definition;
use crate::printed_lines::code;

/// The part `cluster`, on the machine.
const PART: &str = "/root/part";
/// A folder for what is saved.
const SAVED: &str = "/root/saved";

/// The chapters that show kubectl, each with the folder in which a person is.
const CHAPTERS: [(&str, &str); 9] = [
    ("cert-manager", PART),
    ("doctor", SAVED),
    ("expired", "/"),
    ("kubeadm", SAVED),
    ("metallb", "/root/part/manifests/metallb"),
    ("rotation", "/"),
    ("tls", PART),
    ("users", PART),
    ("webhooks", PART),
];

/// What the chapters name and [`PROFILE`] does not have.
const MORE: &str = r#"
[[webhook]]
service = "policy"
namespace = "policy-system"
secret = "policy-tls"
configurations = ["validating/policy"]

[[tls]]
namespace = "ingress-nginx"
secret = "default-certificate"
hosts = ["*.nginx.corp.internal"]
"#;

fn lines(chapter: &str) -> Vec<String> {
    code(chapter).into_iter().filter(|line| line.starts_with("kubectl ")).collect()
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_every_line_of_the_chapters_works_as_printed() {
    let cluster = cluster();
    let machine = &cluster.machine;
    // What this cluster has of its own stays as it is; what the chapters name beside it comes from another bundle.
    succeed(tool("cp").arg("--archive").arg(machine.path(FILES)).arg(machine.path(PART)));
    let mut profile: toml::Table = PROFILE.parse().unwrap();
    profile["cluster"]["kubernetes"] = "1.34.1".into();
    let bundle = build(&format!("{}{MORE}", toml::to_string(&profile).unwrap()));
    let other = bundle.untar().join("cluster");
    for file in [
        "manifests/kubeadm-rbac.yaml",
        "manifests/tls/ingress-nginx.default-certificate.yaml",
        "manifests/webhooks/policy-system.policy-tls.yaml",
    ] {
        fs::copy(other.join(file), machine.path(PART).join(file)).unwrap();
    }
    fs::copy(machine.path(ADMIN), machine.path(PART).join("super-admin.conf")).unwrap();
    fs::create_dir(machine.path(SAVED)).unwrap();
    let object = |api: &str, kind: &str, namespace: Option<&str>, name: &str| {
        let mut metadata = json!({ "name": name });
        if let Some(namespace) = namespace {
            metadata["namespace"] = namespace.into();
        }
        json!({ "apiVersion": api, "kind": kind, "metadata": metadata })
    };
    let mut controller = object("apps/v1", "Deployment", Some("metallb-system"), "controller");
    let labels = json!({ "app": "metallb" });
    controller["spec"] = json!({
        "replicas": 0,
        "selector": { "matchLabels": labels },
        "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "c", "image": "none" }] } },
    });
    let mut objects: Vec<_> =
        ["ingress-nginx", "policy-system"].map(|name| object("v1", "Namespace", None, name)).into();
    objects.extend(["Issuer", "Certificate"].map(|kind| definition("cert-manager.io", kind, &["v1"], true, None)));
    objects.extend([object("v1", "ConfigMap", Some("kube-system"), "kubeadm-config"), controller]);
    cluster.apply(&objects);
    let kinds = "crd/issuers.cert-manager.io crd/certificates.cert-manager.io";
    cluster.kubectl(&format!("wait --for=condition=Established {kinds}")).unwrap();

    let mut seen = 0;
    for (chapter, folder) in CHAPTERS {
        for line in lines(chapter) {
            let mut shell = machine.command("sh");
            // An editor that changes nothing, as a person may.
            shell.env("KUBECONFIG", ADMIN).env("EDITOR", "true");
            let ended = ended(shell.args(["-ec", &format!("cd {folder} && {line}")]));
            assert_eq!(ended.code, Some(0), "{chapter}: {line}\n{}{}", ended.stdout, ended.stderr);
            let saved = line.split_once("> ").map(|(_, rest)| rest.split('#').next().unwrap().trim());
            let text = saved.map(|file| fs::read_to_string(machine.path(folder).join(file)).unwrap());
            // Whom there is nothing of, of that kubectl tells on the other stream.
            let text = text.unwrap_or(ended.stdout + &ended.stderr);
            assert!(!text.is_empty(), "{chapter}: {line}");
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen}");
    cluster.kubectl("--namespace metallb-system delete deployment controller").unwrap();
}

/// A line with kubectl in a chapter that is not in the list would be run by nobody.
#[test]
fn no_line_with_kubectl_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual");
    let known: BTreeSet<_> = CHAPTERS.iter().map(|(chapter, _)| (*chapter).to_owned()).collect();
    let mut found = BTreeSet::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let chapter = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let with = code(&chapter).into_iter().filter(|line| line.contains("kubectl")).collect::<Vec<_>>();
        let strange: Vec<_> = with.iter().filter(|line| !line.starts_with("kubectl ")).collect();
        assert!(strange.is_empty(), "{chapter}: {strange:?}");
        if !with.is_empty() {
            found.insert(chapter);
        }
    }
    assert_eq!(found, known);
}
