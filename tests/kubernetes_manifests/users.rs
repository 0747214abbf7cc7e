//! Each user's kubeconfig may do what the profile gives, exactly, and nothing once it has ended.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kube::machine::feed;
use crate::kube::wait::wait_for;
use crate::kubernetes_manifests::cluster::{ADMIN, Cluster, FILES, answer, cluster};

/// The groups' roles that everybody has who is known (Kubernetes 1.20, `kubectl describe clusterrole`).
const OF_EVERYBODY: [&str; 3] = ["system:basic-user", "system:discovery", "system:public-info-viewer"];

fn kubeconfig(file: &str) -> String {
    format!("{FILES}/users/{file}.conf")
}

/// Whether a user may do something.
fn may(cluster: &Cluster, file: &str, what: &str) -> bool {
    let mut command = cluster.command(&kubeconfig(file), "auth can-i");
    let output = crate::common::run(command.args(what.split(' ')));
    match String::from_utf8(output.stdout).unwrap().trim() {
        "yes" => true,
        "no" => false,
        other => panic!("{file} {what}: {other}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// A rule, with its lists in order.
fn rule(rule: &Value) -> String {
    let lists = ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"].map(|field| {
        let mut list: Vec<_> = rule[field].as_array().into_iter().flatten().map(ToString::to_string).collect();
        list.sort();
        list.join(",")
    });
    lists.join(" | ")
}

/// What the API server says a user may do in a namespace: what `kubectl auth can-i --list` shows.
fn allowed(cluster: &Cluster, file: &str, namespace: &str) -> BTreeSet<String> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": { "namespace": namespace },
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let mut command = cluster.command(&kubeconfig(file), &format!("create --raw {path} --filename -"));
    let review: Value = serde_json::from_str(&answer(&feed(&mut command, &review.to_string())).unwrap()).unwrap();
    let rules = |field: &str| review["status"][field].as_array().cloned().unwrap_or_default();
    rules("resourceRules").iter().chain(&rules("nonResourceRules")).map(rule).collect()
}

/// The rules of roles, each as `kubectl get` names it.
fn rules_of(cluster: &Cluster, roles: &[&str]) -> BTreeSet<String> {
    let everybody = OF_EVERYBODY.map(|name| format!("clusterrole {name}"));
    let roles = roles.iter().map(|&role| role.to_owned()).chain(everybody);
    roles
        .flat_map(|role| cluster.get(&role)["rules"].as_array().unwrap().iter().map(rule).collect::<Vec<_>>())
        .collect()
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_each_user_may_do_what_the_profile_gives_and_nothing_else() {
    let cluster = cluster();
    // The controller manager puts these together.
    wait_for("aggregated roles", || {
        let view = cluster.get("clusterrole edit");
        let complete = view["rules"].as_array().is_some_and(|rules| !rules.is_empty());
        if complete { Ok(()) } else { Err(view.to_string()) }
    });
    for namespace in ["dev", "test"] {
        let create = format!("--namespace {namespace} create role deployer --verb patch --resource deployments.apps");
        cluster.kubectl(&create).unwrap();
    }
    cluster.kubectl("--namespace test create role view --verb list --resource secrets").unwrap();
    cluster.kubectl(&format!("apply --filename {FILES}/manifests/users")).unwrap();

    let (view, edit) = ("clusterrole view", "clusterrole edit");
    let (dev, test) = ("--namespace dev role deployer", "--namespace test role deployer");
    let of_test = "--namespace test role view";
    for (file, namespace, roles) in [
        ("alice", "default", &[view][..]),
        ("alice", "dev", &[view, edit, dev]),
        ("alice", "test", &[view, test, of_test]),
        ("ann", "test", &["clusterrole system:node-bootstrapper"]),
        ("ann:system", "test", &[]),
        ("team%2F50%25", "default", &[view, "clusterrole system:node-bootstrapper"]),
        ("team%2F50%25", "dev", &[view, "clusterrole system:node-bootstrapper"]),
        ("nobody-yet", "dev", &[]),
        ("emergency", "dev", &["clusterrole cluster-admin"]),
    ] {
        let expected = rules_of(cluster, roles);
        wait_for(&format!("rights of {file} in {namespace}"), || {
            let allowed = allowed(cluster, file, namespace);
            if allowed == expected { Ok(()) } else { Err(format!("{allowed:#?}\nnot {expected:#?}")) }
        });
    }
    for (file, what, expected) in [
        ("alice", "list pods --all-namespaces", true),
        ("alice", "list secrets", false),
        ("alice", "create pods", false),
        ("alice", "--namespace dev create pods", true),
        ("alice", "--namespace dev get secrets", true),
        ("alice", "--namespace dev create rolebindings", false),
        ("alice", "--namespace test patch deployments.apps", true),
        ("alice", "--namespace test create deployments.apps", false),
        ("alice", "--namespace test list secrets", true),
        ("alice", "patch deployments.apps", false),
        ("nobody-yet", "get pods", false),
        ("emergency", "* *", true),
        ("emergency", "delete nodes", true),
    ] {
        assert_eq!(may(cluster, file, what), expected, "{file} {what}");
    }
    // No binding gives the break-glass user what it may do.
    let bindings = cluster.get("clusterrolebindings");
    assert!(!bindings.to_string().contains("\"emergency\""), "{bindings}");
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_kubeconfig_that_has_ended_is_nobodys() {
    let cluster = cluster();
    let with = |file: &str| answer(&crate::common::run(&mut cluster.command(file, "get --raw /api")));
    let refused = with(&kubeconfig("of-before")).unwrap_err();
    assert!(refused.contains("Unauthorized"), "{refused}");
    with(&kubeconfig("emergency")).unwrap();
    with(ADMIN).unwrap();
    let log = cluster.machine.path("/var/log/kube-apiserver.log");
    let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
    assert!(log.contains("x509: certificate has expired or is not yet valid"), "{log}");
}
