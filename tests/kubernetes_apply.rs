//! A real cluster, Kubernetes 1.20.2 with etcd, is moved to new CAs by `apply` and back by `rollback`: on the machine
//! itself, at `/`, by its own name and addresses.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::common::node::{Seen, live, renew_authorities, units};
use crate::common::{Bundle, build_text, fail, succeed, tool};
use crate::kube::cluster::{
    ADDRESSES, ADMIN, CA, HOSTS, NODES, apply, carry, certferry, kubectl, restart_kubelet, start, stop, token,
    token_works,
};
use crate::kube::machine::Machine;
use crate::kube::wait::wait_for;
use crate::kube::{complete, programs};
use serde_json::{Value, json};

const PROFILE: &str = r#"
format = 1

[cluster]
name = "kubernetes-test"
kubernetes = "1.20.2"
issued_at = 2020-01-01
control_plane_endpoint = "k8s.corp.internal:6443"
"#;

fn generation(number: i64) -> Bundle {
    let mut profile: toml::Table = format!("{PROFILE}{NODES}").parse().unwrap();
    profile["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), number.into());
    if number > 1 {
        renew_authorities(&mut profile);
    }
    build_text(&toml::to_string(&profile).unwrap())
}

fn restart(machine: &Machine) {
    stop(machine);
    start(machine);
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
        carry(machine, &first);
        carry(machine, &second);
    }
    // Of this host the name tells, and the addresses: both machines have them all.
    let stranger = fail(&mut apply(&machine, &first, "worker-1"), 1);
    assert!(stranger.starts_with("error: this host is not worker-1: it is called cp-1,"), "{stranger}");
    succeed(&mut apply(&machine, &first, "cp-1"));
    succeed(&mut apply(&worker, &first, "worker-1"));

    complete(&machine, "k8s.corp.internal:6443", "192.168.1.11");
    start(&machine);
    restart_kubelet(&machine, &worker, ADMIN);
    let token = token(&machine);
    token_works(&machine, &token, CA);
    fs::copy(machine.path(ADMIN), machine.path("/root/first.conf")).unwrap();
    let before: [std::collections::BTreeMap<_, std::collections::BTreeMap<String, Seen>>; 2] =
        [&machine, &worker].map(|machine| units(&live(&machine.path("/etc/kubernetes"))));

    // While all of it runs.
    let text = succeed(&mut apply(&machine, &second, "cp-1"));
    assert!(
        text.contains(
            "to restart on this node: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet\n"
        ),
        "{text}"
    );
    succeed(&mut apply(&worker, &second, "worker-1"));
    assert_eq!(kubectl(&machine, "/root/first.conf", "get --raw /readyz").unwrap(), "ok", "nothing restarts by itself");
    fs::copy(machine.path(ADMIN), machine.path("/root/second.conf")).unwrap();
    restart(&machine);
    only(&machine, "/root/second.conf", "/root/first.conf");
    token_works(&machine, &token, CA);
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
    token_works(&machine, &token, CA);
    restart_kubelet(&machine, &worker, "/root/first.conf");
    let after = [&machine, &worker].map(|machine| units(&live(&machine.path("/etc/kubernetes"))));
    assert!(after == before);
}
