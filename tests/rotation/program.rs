//! The program that API servers call, with a certificate of the cluster's CA: a webhook and an aggregated API. It is what a
//! pod is, and the test is its kubelet and its keeper.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cluster::{CLIENTS, Cluster, PROGRAM, servers};
use crate::common::{succeed, tool, write};
use crate::kube::machine::feed;
use crate::kube::wait::wait_for;

const FOLDER: &str = "program";

/// Creates or changes an object.
pub(super) fn put(cluster: &Cluster, phase: u32, object: &Value) {
    let mut kubectl = cluster.desk().command("kubectl");
    kubectl.args(["--kubeconfig", &format!("{CLIENTS}/{phase}/admin.conf"), "apply", "--filename", "-"]);
    let output = feed(&mut kubectl, &object.to_string());
    assert!(output.status.success(), "{output:?}\n{object}");
}

/// Creates what is there before the first client asks, and starts the program.
pub(super) fn start(cluster: &Cluster, ca: &str, issuer: &[PathBuf; 2]) {
    wait_for("service account", || cluster.get(0, "serviceaccount default"));
    fs::create_dir(cluster.clients.path().join(FOLDER)).unwrap();
    let name = json!({ "name": "probe", "namespace": "default" });
    for object in [
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": { "name": "probe", "namespace": "kube-system" },
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "extension-apiserver-authentication-reader",
            },
            "subjects": [{ "kind": "ServiceAccount", "namespace": "default", "name": "default" }],
        }),
        // Whoever has a token may ask for this.
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": "probe" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "ServiceAccount", "namespace": "default", "name": "default" }],
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": name,
            "spec": { "clusterIP": PROGRAM.1, "ports": [{ "port": 443 }] },
        }),
        json!({
            "apiVersion": "v1", "kind": "Endpoints", "metadata": name,
            "subsets": [{ "addresses": [{ "ip": PROGRAM.1 }], "ports": [{ "port": 443 }] }],
        }),
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "waits", "namespace": "default" },
            "spec": {
                "nodeName": "worker-1", "automountServiceAccountToken": false,
                "containers": [{ "name": "none", "image": "none.invalid/none:1" }],
            },
        }),
    ] {
        put(cluster, 0, &object);
    }
    renew(cluster, issuer);
    refresh(cluster, 0, ca);
    trust(cluster, 0, ca);
    let arguments = ["serve", &format!("{CLIENTS}/{FOLDER}"), &format!("{}:443", PROGRAM.1)].map(str::to_owned);
    let arguments: Vec<_> = arguments.into_iter().chain(servers("control-plane")).collect();
    cluster.machines[PROGRAM.0].serve("probe", &arguments);
}

/// Gives it a certificate of a CA: the files of certificate and key. It reads them at each handshake.
pub(super) fn renew(cluster: &Cluster, [certificate, key]: &[PathBuf; 2]) {
    let folder = cluster.clients.path().join(FOLDER);
    let own = tempfile::tempdir().unwrap();
    let file = |name: &str| own.path().join(name);
    let names = format!("subjectAltName=DNS:probe.default.svc,IP:{}", PROGRAM.1);
    let extensions = write(own.path(), "extensions", &names, 0o600);
    let mut openssl = tool("openssl");
    openssl.args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=probe"]);
    succeed(openssl.arg("-keyout").arg(file("tls.key")).arg("-out").arg(file("tls.csr")));
    let mut openssl = tool("openssl");
    openssl.args(["x509", "-req", "-days", "2", "-set_serial", "7001", "-in"]).arg(file("tls.csr"));
    openssl.arg("-CA").arg(certificate).arg("-CAkey").arg(key).arg("-extfile").arg(extensions);
    succeed(openssl.arg("-out").arg(file("tls.crt")));
    // The program may look between the two; then it looks again.
    for name in ["tls.crt", "tls.key"] {
        fs::copy(file(name), folder.join(format!("{name}.new"))).unwrap();
    }
    for name in ["tls.crt", "tls.key"] {
        fs::rename(folder.join(format!("{name}.new")), folder.join(name)).unwrap();
    }
}

/// Brings its volume up to date as its kubelet does: the CA that the cluster publishes, which has to be this one, and a
/// token of now.
pub(super) fn refresh(cluster: &Cluster, phase: u32, ca: &str) {
    let published = wait_for("CA in kube-root-ca.crt", || {
        let map = cluster.get(phase, "configmap kube-root-ca.crt")?;
        let found = map["data"]["ca.crt"].as_str().unwrap_or_default().to_owned();
        if found == ca { Ok(found) } else { Err(format!("{found}\nin place of\n{ca}")) }
    });
    let token = token(cluster, phase, &servers("control-plane")[0]);
    let folder = cluster.clients.path().join(FOLDER);
    for (name, content) in [("ca.crt", published), ("token", token)] {
        let draft = write(&folder, "draft", &content, 0o600);
        fs::rename(draft, folder.join(name)).unwrap();
    }
}

/// Lets the API servers trust it by a CA.
pub(super) fn trust(cluster: &Cluster, phase: u32, ca: &str) {
    let bundle = STANDARD.encode(ca);
    put(
        cluster,
        phase,
        &json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": "v1.probe.corp.internal" },
            "spec": {
                "group": "probe.corp.internal", "version": "v1", "caBundle": bundle, "groupPriorityMinimum": 1000,
                "versionPriority": 10, "service": { "namespace": "default", "name": "probe" },
            },
        }),
    );
    put(
        cluster,
        phase,
        &json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "probe" },
            "webhooks": [{
                "name": "probe.corp.internal", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "clientConfig": { "url": format!("https://{}/admit", PROGRAM.1), "caBundle": bundle },
                "objectSelector": { "matchLabels": { "asked": "yes" } },
                "rules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"],
                }],
            }],
        }),
    );
}

/// A token of a service account, of one API server.
pub(super) fn token(cluster: &Cluster, phase: u32, server: &str) -> String {
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 36_000 },
    });
    wait_for("token", || {
        let mut kubectl = cluster.desk().command("kubectl");
        kubectl.args(["--kubeconfig", &format!("{CLIENTS}/{phase}/admin.conf"), "--server", server, "create", "--raw"]);
        kubectl.args(["/api/v1/namespaces/default/serviceaccounts/default/token", "--filename", "-"]);
        let output = feed(&mut kubectl, &request.to_string());
        let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error} {output:?}"))?;
        answer["status"]["token"].as_str().map(str::to_owned).ok_or_else(|| answer.to_string())
    })
}
