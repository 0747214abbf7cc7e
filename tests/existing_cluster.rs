//! A cluster that kubeadm 1.20.2 made is adopted while it runs, and after all of it has ended.

use std::fs;

use crate::common::node::{Seen, live, units};
use crate::common::{Bundle, build, run, succeed, tool, write};
use crate::kube::cluster::{ADMIN, NODES, apply, carry, certferry, kubectl, restart_kubelet, stop};
use crate::kube::existing::{AUTHORITIES, Existing, PLUGIN, Tokens};
use crate::kube::kubelet::start_kubelet;
use crate::kube::wait::wait_for;

/// The same authorities for 200 years, the rest for one less.
const PROFILE: &str = r#"
format = 1

[cluster]
name = "old-1"
kubernetes = "1.20.2"
issued_at = 2024-01-01
control_plane_endpoint = "k8s.corp.internal:6443"
kubeconfig_cluster_name = "kubernetes"

[ca.kubernetes]
certificate = "adopted/ca.crt"
key = "adopted/ca.key"
renew = true

[ca.front-proxy]
certificate = "adopted/front-proxy-ca.crt"
key = "adopted/front-proxy-ca.key"
renew = true

[ca.etcd]
certificate = "adopted/etcd-ca.crt"
key = "adopted/etcd-ca.key"
renew = true

[service_account]
key = "adopted/sa.key"
"#;

fn adopt(cluster: &Existing) -> Bundle {
    let folder = cluster.adopted();
    build(&write(folder.path(), "old-1.toml", &format!("{PROFILE}{NODES}"), 0o644))
}

fn ends(cluster: &Existing, file: &str) -> String {
    let mut openssl = tool("openssl");
    openssl.args(["x509", "-noout", "-enddate", "-in"]).arg(cluster.control_plane.path(file));
    succeed(&mut openssl)
}

fn state(cluster: &Existing) -> [std::collections::BTreeMap<String, std::collections::BTreeMap<String, Seen>>; 2] {
    [&cluster.control_plane, &cluster.worker].map(|machine| units(&live(&machine.path("/etc/kubernetes"))))
}

/// The requests for certificates that the cluster has.
fn requests(cluster: &Existing) -> Vec<String> {
    let requests = kubectl(&cluster.control_plane, ADMIN, "get certificatesigningrequests --output name").unwrap();
    requests.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_living_cluster_is_adopted_and_renewed_and_goes_back() {
    let cluster = Existing::made_by_kubeadm();
    let Existing { control_plane, worker } = &cluster;
    cluster.start();
    restart_kubelet(control_plane, worker, ADMIN);
    cluster.keep();
    let tokens = cluster.serve_others();
    cluster.everybody_is_understood(&tokens, true);
    let before = state(&cluster);

    let bundle = adopt(&cluster);
    for (machine, node) in [(control_plane, "cp-1"), (worker, "worker-1")] {
        carry(machine, &bundle);
        let text = succeed(&mut apply(machine, &bundle, node));
        println!("{text}");
    }
    // Nothing restarts by itself, and what runs goes on.
    cluster.everybody_is_understood(&tokens, true);
    for (name, _) in AUTHORITIES {
        let end = ends(&cluster, &format!("/etc/kubernetes/pki/{name}.crt"));
        assert_eq!(end, "notAfter=Jan  1 00:00:00 2224 GMT\n", "{name}");
    }
    assert_eq!(ends(&cluster, "/etc/kubernetes/pki/apiserver.crt"), "notAfter=Jan  1 00:00:00 2223 GMT\n");
    let again = |cluster: &Existing| {
        stop(&cluster.control_plane);
        cluster.start();
        restart_kubelet(&cluster.control_plane, &cluster.worker, ADMIN);
        cluster.everybody_is_understood(&tokens, true);
    };
    again(&cluster);

    for machine in [control_plane, worker] {
        succeed(&mut certferry(machine, "rollback"));
    }
    assert!(state(&cluster) == before);
    again(&cluster);
}

/// A network plugin has the CA's certificate of before until its pod starts anew. `doctor` says so, with the day.
fn plugin_goes_on(cluster: &Existing, tokens: &Tokens, ended: bool) {
    let machine = &cluster.control_plane;
    let asks = || kubectl(machine, PLUGIN, "get --raw /api");
    let told = run(certferry(machine, "doctor").args(["-o", "json"])).stdout;
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    let findings = told["findings"].as_array().unwrap().iter();
    let mut of_plugin = findings.filter(|finding| finding["file"].as_str() == PLUGIN.strip_prefix('/'));
    let why = |finding: &serde_json::Value| finding["why"].as_str().unwrap().to_owned();
    let renewed = of_plugin.find(|finding| finding["rule"] == "kubeconfig-ca-renewed").map(why).unwrap();
    if ended {
        assert!(renewed.starts_with("it works no more: that older certificate ended at 2023-05-30T"), "{renewed}");
        let error = asks().unwrap_err();
        assert!(error.contains("certificate has expired"), "{error}");
    } else {
        assert!(renewed.starts_with("it works until that older certificate ends, at 20"), "{renewed}");
        asks().unwrap();
    }
    cluster.start_plugin(tokens);
    asks().unwrap();
}

/// Everything that kubeadm issued ends, with or without the CAs; then one bundle brings all of it back.
fn rescued(authorities: bool) {
    let cluster = Existing::made_by_kubeadm();
    let Existing { control_plane, worker } = &cluster;
    cluster.start();
    restart_kubelet(control_plane, worker, ADMIN);
    cluster.keep();
    let tokens = cluster.serve_others();
    let requests_before = requests(&cluster);
    worker.stop("kubelet");
    stop(control_plane);
    control_plane.stop("openssl");
    cluster.expire(authorities);
    cluster.keep();
    // It was written while the cluster lived, with the same CA.
    cluster.start_plugin(&tokens);

    // Nothing starts.
    for pod in ["etcd", "kube-apiserver"] {
        control_plane.serve_pod(pod, &[]);
    }
    wait_for("complaint of the API server", || {
        let log = control_plane.log("kube-apiserver");
        if log.contains("certificate has expired") { Ok(()) } else { Err(log) }
    });
    assert!(kubectl(control_plane, ADMIN, "get --raw /readyz").is_err());
    for pod in ["kube-apiserver", "etcd"] {
        control_plane.stop(pod);
    }
    start_kubelet(worker, "worker-1", "192.168.1.21");
    wait_for("complaint of the kubelet", || {
        let log = fs::read_to_string(worker.path("/var/log/kubelet.log")).unwrap();
        if log.contains("expired") { Ok(()) } else { Err(log) }
    });
    worker.stop("kubelet");

    let bundle = adopt(&cluster);
    for (machine, node) in [(control_plane, "cp-1"), (worker, "worker-1")] {
        carry(machine, &bundle);
        let text = succeed(&mut apply(machine, &bundle, node));
        println!("{text}");
    }
    cluster.serve_aggregated();
    cluster.start();
    restart_kubelet(control_plane, worker, ADMIN);
    assert_eq!(requests(&cluster), requests_before, "nobody asks for a certificate");
    plugin_goes_on(&cluster, &tokens, authorities);
    if authorities {
        // The server of the aggregated API has the front proxy's CA that ended.
        cluster.clients_are_understood(&tokens, false);
        let said = cluster.openssl_with_the_old_authority();
        assert!(said.contains("certificate has expired"), "{said}");
    } else {
        cluster.everybody_is_understood(&tokens, false);
    }
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_cluster_whose_certificates_ended_in_2023_is_ready_again() {
    rescued(false);
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_cluster_whose_authorities_ended_too_is_ready_again() {
    rescued(true);
}
