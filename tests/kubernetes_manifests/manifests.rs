//! The API server takes every manifest of a bundle, first as a trial, then really.

use std::path::Path;

use serde_json::Value;

use crate::common::{files, succeed, tool};
use crate::kubernetes_manifests::cluster::{Cluster, FILES, PROFILE, build, cluster};

/// Manifests in the bundle's cluster part on the machine.
fn manifests(cluster: &Cluster, folder: &str) -> Vec<String> {
    let root = cluster.machine.path(folder);
    let found = files(&root).into_iter().filter(|path| Path::new(path).extension().is_some_and(|end| end == "yaml"));
    found.map(|path| format!("{folder}/{path}")).collect()
}

/// The objects in a manifest, as kubectl reads it.
fn objects(cluster: &Cluster, manifest: &str) -> Vec<Value> {
    let arguments = format!("label --local --output json certferry.test/a=b --filename {manifest}");
    let text = cluster.kubectl(&arguments).unwrap();
    serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect()
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_every_manifest_is_taken_and_stays_as_it_was_written() {
    let cluster = cluster();
    let manifests = manifests(cluster, &format!("{FILES}/manifests"));
    let names: Vec<_> =
        manifests.iter().map(|path| path.trim_start_matches(FILES).trim_start_matches("/manifests/")).collect();
    assert_eq!(
        names,
        [
            "cert-manager/cluster-issuer.yaml",
            "cert-manager/ingress-example.yaml",
            "cert-manager/secret.yaml",
            "cert-manager/trust.yaml",
            "etcd-clients/backup.etcd-client.yaml",
            "metallb/secret.yaml",
            "tls/ingress.wildcard.yaml",
            "users/alice.yaml",
            "users/ann.yaml",
            "users/ann:system.yaml",
            "users/of-before.yaml",
            "users/team%2F50%25.yaml",
            "webhooks/hooks.guard-tls.yaml",
        ]
    );
    for manifest in &manifests {
        let trial = cluster.kubectl(&format!("apply --dry-run=server --filename {manifest}"));
        trial.unwrap_or_else(|error| panic!("{manifest}: {error}"));
        cluster.kubectl(&format!("apply --filename {manifest}")).unwrap();
        let again = cluster.kubectl(&format!("apply --filename {manifest}")).unwrap();
        assert!(again.lines().all(|line| line.ends_with(" unchanged")), "{again}");
        for object in objects(cluster, manifest) {
            let name = object["metadata"]["name"].as_str().unwrap();
            let kind = object["kind"].as_str().unwrap();
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
            let stored = cluster.get(&format!("--namespace {namespace} {kind} {name}"));
            for field in ["data", "spec", "type", "roleRef", "subjects"] {
                assert_eq!(stored[field], object[field], "{manifest} {field}");
            }
        }
    }
}

/// What other profiles have in the place of it: MetalLB with its rotator, and what kubeadm 1.29 made in the cluster.
#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_manifests_of_other_profiles_are_taken() {
    let cluster = cluster();
    let mut profile: toml::Table = PROFILE.parse().unwrap();
    profile["cluster"]["kubernetes"] = "1.34.1".into();
    profile["metallb"]["mode"] = "cooperate".into();
    profile["cert_manager"]["trust"] = "config-map".into();
    let bundle = build(&toml::to_string(&profile).unwrap());
    let other = cluster.machine.path("/root/other");
    succeed(tool("cp").arg("--archive").arg(bundle.untar().join("cluster")).arg(&other));
    let manifests = manifests(cluster, "/root/other/manifests");
    let kubeadm = "/root/other/manifests/kubeadm-rbac.yaml".to_owned();
    assert!(manifests.contains(&kubeadm), "{manifests:?}");
    for manifest in &manifests {
        let trial = cluster.kubectl(&format!("apply --dry-run=server --filename {manifest}"));
        trial.unwrap_or_else(|error| panic!("{manifest}: {error}"));
    }
}
