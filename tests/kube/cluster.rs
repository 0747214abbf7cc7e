//! A cluster of 1.20.2 on two machines, `cp-1` and `worker-1`: carried to, started, restarted and asked.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::kubelet::start_kubelet;
use super::machine::{Machine, feed};
use super::wait::wait_for;
use crate::common::{Bundle, run};

/// The machines' lines of `/etc/hosts`.
pub const HOSTS: &str = "192.168.1.11 cp-1 k8s.corp.internal\n192.168.1.21 worker-1\n";
/// The addresses of both, for they share a network.
pub const ADDRESSES: [&str; 2] = ["192.168.1.11/24", "192.168.1.21/24"];
/// Both machines, as a profile has them.
pub const NODES: &str = r#"
[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["192.168.1.11"]

[[node]]
name = "worker-1"
role = "worker"
addresses = ["192.168.1.21"]
"#;
/// The administrator's kubeconfig on the control plane.
pub const ADMIN: &str = "/etc/kubernetes/admin.conf";
/// The CA's certificate.
pub const CA: &str = "/etc/kubernetes/pki/ca.crt";
/// The URL of the API server.
pub const SERVER: &str = "https://k8s.corp.internal:6443";
const PODS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// certferry on the machine.
pub fn certferry(machine: &Machine, arguments: &str) -> Command {
    let mut command = machine.command("/opt/certferry/certferry");
    command.args(arguments.split(' '));
    command
}

/// Puts a bundle, its signature and its key into `/media`, and certferry beside.
pub fn carry(machine: &Machine, bundle: &Bundle) {
    let media = machine.path("/media");
    fs::create_dir_all(&media).unwrap();
    for file in [&bundle.archive, &bundle.signature, &bundle.public_key] {
        fs::copy(file, media.join(file.file_name().unwrap())).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_certferry")).parent().unwrap();
    if !machine.path("/opt/certferry").exists() {
        machine.bind(program, "/opt/certferry");
    }
}

/// `apply` of a bundle that was carried to the machine.
pub fn apply(machine: &Machine, bundle: &Bundle, node: &str) -> Command {
    let name = |file: &Path| file.file_name().unwrap().to_str().unwrap().to_owned();
    let (archive, key) = (name(&bundle.archive), name(&bundle.public_key));
    certferry(machine, &format!("apply /media/{archive} --node {node} --key /media/{key}"))
}

/// What kubectl says, or its complaint.
pub fn kubectl(machine: &Machine, kubeconfig: &str, arguments: &str) -> Result<String, String> {
    let mut kubectl = machine.command("kubectl");
    kubectl.args(["--kubeconfig", kubeconfig]).args(arguments.split(' '));
    let output = run(&mut kubectl);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Creates an object at a path of the API; returns the answer.
pub fn create(machine: &Machine, path: &str, object: &Value) -> Result<Value, String> {
    let mut create = machine.command("kubectl");
    create.args(["--kubeconfig", ADMIN, "create", "--raw", path, "--filename", "-"]);
    let output = feed(&mut create, &object.to_string());
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{error} {output:?}"))
}

/// Starts what kubeadm's static pods would run, and waits for the API server.
pub fn start(machine: &Machine) {
    start_with(machine, &[]);
}

/// As [`start`], with more arguments for the API server.
pub fn start_with(machine: &Machine, api_server: &[&str]) {
    for pod in PODS {
        machine.serve_pod(pod, if pod == "kube-apiserver" { api_server } else { &[] });
    }
    wait_for("ready API server", || {
        kubectl(machine, ADMIN, "get --raw /readyz")
            .map_err(|error| format!("{error}\n{}", machine.log("kube-apiserver")))
    });
}

/// Ends them, the last one first.
pub fn stop(machine: &Machine) {
    for pod in PODS.iter().rev() {
        machine.stop(pod);
    }
}

/// Starts the kubelet of `worker-1` anew, and waits until the API server hears that its node is ready.
pub fn restart_kubelet(control_plane: &Machine, worker: &Machine, admin: &str) {
    worker.stop("kubelet");
    // What the kubelet reported before says nothing.
    let _ = kubectl(control_plane, admin, "delete node worker-1");
    start_kubelet(worker, "worker-1", "192.168.1.21");
    wait_for("ready node", || {
        let node = kubectl(control_plane, admin, "get node worker-1 --output json");
        let node: Value = serde_json::from_str(&node.map_err(|error| format!("{error}\n{}", worker.log("kubelet")))?)
            .map_err(|error| error.to_string())?;
        let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        if ready { Ok(()) } else { Err(worker.log("kubelet")) }
    });
}

/// A token for the service account `default`, bound for ten hours.
pub fn token(machine: &Machine) -> String {
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 36_000 } });
    wait_for("token", || {
        let answer = create(machine, "/api/v1/namespaces/default/serviceaccounts/default/token", &request)?;
        answer["status"]["token"].as_str().map(str::to_owned).ok_or_else(|| answer.to_string())
    })
}

/// The token of a service account works, for a client that trusts that CA.
pub fn token_works(machine: &Machine, token: &str, ca: &str) {
    let arguments = format!("--server {SERVER} --certificate-authority {ca} --token {token} get --raw /api");
    assert!(kubectl(machine, "/dev/null", &arguments).unwrap().contains("APIVersions"));
}
