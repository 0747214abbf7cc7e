//! A real cluster, Kubernetes 1.20.2 with etcd, is moved to new CAs by `apply` and back by `rollback`: on the machine
//! itself, at `/`, by its own name and addresses.

use crate::common;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::common::node::{Seen, live, renew_authorities, units};
use crate::common::{Bundle, build_text, fail, succeed, tool};
use crate::kube::kubelet::start_kubelet;
use crate::kube::machine::{Machine, feed};
use crate::kube::wait::wait_for;
use crate::kube::{complete, programs};
use serde_json::{Value, json};

const HOSTS: &str = "192.168.1.11 cp-1 k8s.corp.internal\n192.168.1.21 worker-1\n";
const ADDRESSES: [&str; 2] = ["192.168.1.11/24", "192.168.1.21/24"];
const ADMIN: &str = "/etc/kubernetes/admin.conf";
const CA: &str = "/etc/kubernetes/pki/ca.crt";
const PODS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

const PROFILE: &str = r#"
format = 1

[cluster]
name = "kubernetes-test"
kubernetes = "1.20.2"
issued_at = 2020-01-01
control_plane_endpoint = "k8s.corp.internal:6443"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["192.168.1.11"]

[[node]]
name = "worker-1"
role = "worker"
addresses = ["192.168.1.21"]
"#;

fn generation(number: i64) -> Bundle {
    let mut profile: toml::Table = PROFILE.parse().unwrap();
    profile["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), number.into());
    if number > 1 {
        renew_authorities(&mut profile);
    }
    build_text(&toml::to_string(&profile).unwrap())
}

/// certferry on the machine.
fn certferry(machine: &Machine, arguments: &str) -> std::process::Command {
    let mut command = machine.command("/opt/certferry/certferry");
    command.args(arguments.split(' '));
    command
}

fn carry(machine: &Machine, bundle: &Bundle, generation: u32) {
    let name = |ending: &str| format!("kubernetes-test-g{generation}{ending}");
    let media = machine.path("/media");
    fs::create_dir_all(&media).unwrap();
    for (from, to) in [
        (&bundle.archive, name(".tar.gz")),
        (&bundle.signature, name(".tar.gz.sig")),
        (&bundle.public_key, "kubernetes-test.pub".to_owned()),
    ] {
        fs::copy(from, media.join(to)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_certferry")).parent().unwrap();
    if !machine.path("/opt/certferry").exists() {
        machine.bind(program, "/opt/certferry");
    }
}

fn apply(machine: &Machine, node: &str, generation: u32) -> std::process::Command {
    let bundle = format!("/media/kubernetes-test-g{generation}.tar.gz");
    certferry(machine, &format!("apply {bundle} --node {node} --key /media/kubernetes-test.pub"))
}

fn kubectl(machine: &Machine, kubeconfig: &str, arguments: &str) -> Result<String, String> {
    let mut kubectl = machine.command("kubectl");
    kubectl.args(["--kubeconfig", kubeconfig]).args(arguments.split(' '));
    let output = common::run(&mut kubectl);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn start(machine: &Machine) {
    for pod in PODS {
        machine.serve_pod(pod, &[]);
    }
    wait_for("ready API server", || {
        kubectl(machine, ADMIN, "get --raw /readyz")
            .map_err(|error| format!("{error}\n{}", machine.log("kube-apiserver")))
    });
}

fn restart(machine: &Machine) {
    for pod in PODS.iter().rev() {
        machine.stop(pod);
    }
    start(machine);
}

fn restart_kubelet(control_plane: &Machine, worker: &Machine, admin: &str) {
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

/// The token of a service account works.
fn token_works(machine: &Machine, token: &str) {
    let arguments =
        format!("--server https://k8s.corp.internal:6443 --certificate-authority {CA} --token {token} get --raw /api");
    assert!(kubectl(machine, "/dev/null", &arguments).unwrap().contains("APIVersions"));
}

/// One admin.conf works, the other neither trusts nor is trusted.
fn only(machine: &Machine, works: &str, refused: &str) {
    assert_eq!(kubectl(machine, works, "get --raw /readyz").unwrap(), "ok");
    let refuses = kubectl(machine, refused, "get --raw /api").unwrap_err();
    assert!(refuses.contains("x509: certificate signed by unknown authority"), "{refuses}");
    let stranger = kubectl(machine, refused, &format!("--certificate-authority {CA} get --raw /api")).unwrap_err();
    assert!(stranger.contains("Unauthorized"), "{stranger}");
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_running_cluster_moves_to_new_authorities_and_back() {
    let programs = programs();
    let [first, second] = [1, 2].map(generation);
    let machine = Machine::start(&programs, &ADDRESSES, HOSTS);
    let worker = Machine::beside(&machine, &programs, HOSTS);
    for (machine, name) in [(&machine, "cp-1"), (&worker, "worker-1")] {
        machine.rename(name);
        carry(machine, &first, 1);
        carry(machine, &second, 2);
    }
    // Of this host the name tells, and the addresses: both machines have them all.
    let stranger = fail(&mut apply(&machine, "worker-1", 1), 1);
    assert!(stranger.starts_with("error: this host is not worker-1: it is called cp-1,"), "{stranger}");
    succeed(&mut apply(&machine, "cp-1", 1));
    succeed(&mut apply(&worker, "worker-1", 1));

    complete(&machine, "k8s.corp.internal:6443", "192.168.1.11");
    start(&machine);
    restart_kubelet(&machine, &worker, ADMIN);
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 36_000 } });
    let token = wait_for("token", || {
        let mut create = machine.command("kubectl");
        create.args(["--kubeconfig", ADMIN, "create", "--raw"]);
        create.args(["/api/v1/namespaces/default/serviceaccounts/default/token", "--filename", "-"]);
        let output = feed(&mut create, &request.to_string());
        let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error} {output:?}"))?;
        answer["status"]["token"].as_str().map(str::to_owned).ok_or_else(|| answer.to_string())
    });
    token_works(&machine, &token);
    fs::copy(machine.path(ADMIN), machine.path("/root/first.conf")).unwrap();
    let before: [std::collections::BTreeMap<_, std::collections::BTreeMap<String, Seen>>; 2] =
        [&machine, &worker].map(|machine| units(&live(&machine.path("/etc/kubernetes"))));

    // While all of it runs.
    let text = succeed(&mut apply(&machine, "cp-1", 2));
    assert!(
        text.contains(
            "to restart on this node: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet\n"
        ),
        "{text}"
    );
    succeed(&mut apply(&worker, "worker-1", 2));
    assert_eq!(kubectl(&machine, "/root/first.conf", "get --raw /readyz").unwrap(), "ok", "nothing restarts by itself");
    fs::copy(machine.path(ADMIN), machine.path("/root/second.conf")).unwrap();
    restart(&machine);
    only(&machine, "/root/second.conf", "/root/first.conf");
    token_works(&machine, &token);
    // The step that `apply` names: until then the scheduler takes the old admin certificate.
    kubectl(&machine, ADMIN, "--namespace kube-system delete configmap extension-apiserver-authentication").unwrap();
    wait_for("one CA", || {
        let question = "--namespace kube-system get configmap extension-apiserver-authentication --output json";
        let map: Value =
            serde_json::from_str(&kubectl(&machine, ADMIN, question)?).map_err(|error| error.to_string())?;
        let ca = map["data"]["client-ca-file"].as_str().unwrap_or_default();
        match ca.matches("BEGIN CERTIFICATE").count() {
            1 => Ok(()),
            count => Err(format!("{count} CAs")),
        }
    });
    restart_kubelet(&machine, &worker, "/root/second.conf");
    // A kubelet that wants another certificate asks within seconds of its start.
    thread::sleep(Duration::from_secs(30));
    let requests = kubectl(&machine, ADMIN, "get certificatesigningrequests --output json").unwrap();
    let requests: Value = serde_json::from_str(&requests).unwrap();
    assert_eq!(requests["items"], json!([]));
    let log = fs::read_to_string(worker.path("/var/log/kubelet.log")).unwrap();
    assert!(log.contains("Certificate rotation is enabled"), "{log}");
    let mut openssl = tool("openssl");
    openssl.args(["x509", "-noout", "-enddate", "-in"]);
    openssl.arg(worker.path("/var/lib/kubelet/pki/kubelet-client-2020-01-01-00-00-00.pem"));
    assert_eq!(succeed(&mut openssl), "notAfter=Jan  1 00:00:00 2219 GMT\n");

    for machine in [&machine, &worker] {
        succeed(&mut certferry(machine, "rollback"));
    }
    restart(&machine);
    only(&machine, "/root/first.conf", "/root/second.conf");
    token_works(&machine, &token);
    restart_kubelet(&machine, &worker, "/root/first.conf");
    let after = [&machine, &worker].map(|machine| units(&live(&machine.path("/etc/kubernetes"))));
    assert!(after == before);
}
