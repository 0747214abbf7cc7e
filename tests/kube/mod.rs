//! What the tests against Kubernetes share: what kubeadm is known to make, what lies in a tree as other programs read
//! it, where the two may differ, and machines to run Kubernetes' own programs on.

pub mod cluster;
pub mod deliberate;
pub mod docker;
pub mod existing;
pub mod facts;
pub mod kubelet;
pub mod machine;
pub mod observe;
pub mod wait;
pub mod webhook;

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::common::{succeed, write};

/// The programs of Kubernetes 1.20.2 that the tests run.
const PROGRAMS: [&str; 5] = ["kubeadm", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"];

/// The folder with Kubernetes' programs. A test that calls this is ignored; `cargo xtask test` runs it when `KUBE_BIN_DIR` is set.
pub fn programs() -> PathBuf {
    let folder = std::env::var_os("KUBE_BIN_DIR").expect("KUBE_BIN_DIR names the folder with kubeadm and its like");
    let folder = fs::canonicalize(&folder).unwrap_or_else(|error| panic!("KUBE_BIN_DIR={folder:?}: {error}"));
    for program in PROGRAMS {
        assert!(folder.join(program).is_file(), "KUBE_BIN_DIR={} holds no {program}", folder.display());
    }
    folder
}

/// A cluster of one control plane `cp-1`, with defaults for the rest, as [`kubeadm_config`] is told of it.
pub fn lone_control_plane(endpoint: Option<&str>, address: &str) -> Map<String, Value> {
    let cluster = json!({
        "control_plane_endpoint": endpoint,
        "api_server_port": 6443,
        "service_subnets": ["10.96.0.0/12"],
        "dns_domain": "cluster.local",
        "apiserver_cert_sans": [],
        "etcd": "stacked",
        "etcd_cert_sans": [],
        "nodes": [{ "name": "cp-1", "role": "control-plane", "addresses": [address] }],
    });
    cluster.as_object().unwrap().clone()
}

/// Has kubeadm complete a control plane `cp-1` of 1.20.2 that has its certificates and kubeconfigs: it finds them all,
/// and makes the manifests.
pub fn complete(machine: &machine::Machine, endpoint: &str, address: &str) {
    let config = kubeadm_config("1.20.2", &lone_control_plane(Some(endpoint), address), "cp-1");
    write(&machine.path("root"), "kubeadm.yaml", &config, 0o600);
    for phase in ["certs all", "kubeconfig all", "etcd local", "control-plane all"] {
        let mut kubeadm = machine.command("kubeadm");
        kubeadm.args(["init", "phase"]).args(phase.split(' ')).args(["--config", "/root/kubeadm.yaml"]);
        assert!(!succeed(&mut kubeadm).contains("Generating"));
    }
}

/// kubeadm's configuration for an example cluster, as the operator of that node would write it.
pub fn kubeadm_config(kubernetes: &str, cluster: &Map<String, Value>, node: &str) -> String {
    let this = facts::nodes(cluster).find(|row| row["name"] == node).unwrap();
    // A worker has no API server of its own; `kubeadm join` learns of the first one.
    let first = facts::nodes(cluster).find(|row| row["role"] == "control-plane").unwrap();
    let local = if this["role"] == "worker" { first } else { this };
    let external = json!({
        "endpoints": ["https://192.168.1.31:2379"],
        "caFile": "/etc/kubernetes/pki/etcd/ca.crt",
        "certFile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
        "keyFile": "/etc/kubernetes/pki/apiserver-etcd-client.key",
    });
    let names = &cluster["etcd_cert_sans"];
    let etcd = match cluster["etcd"].as_str().unwrap() {
        // A member's own tree is looked at as kubeadm's guide to external etcd does: with a local member.
        "external" if this["role"] == "control-plane" => json!({ "external": external }),
        _ => json!({ "local": { "serverCertSANs": names, "peerCertSANs": names } }),
    };
    let subnets: Vec<_> =
        cluster["service_subnets"].as_array().unwrap().iter().map(|net| net.as_str().unwrap()).collect();
    let documents = [
        json!({
            "apiVersion": "kubeadm.k8s.io/v1beta2",
            "kind": "InitConfiguration",
            "localAPIEndpoint": { "advertiseAddress": local["addresses"][0], "bindPort": cluster["api_server_port"] },
            // With another runtime named, kubeadm does not ask docker about its cgroups.
            "nodeRegistration": { "name": node, "criSocket": "/run/containerd/containerd.sock" },
        }),
        json!({
            "apiVersion": "kubeadm.k8s.io/v1beta2",
            "kind": "ClusterConfiguration",
            // Without it kubeadm asks the internet.
            "kubernetesVersion": format!("v{kubernetes}"),
            "controlPlaneEndpoint": cluster.get("control_plane_endpoint"),
            "apiServer": { "certSANs": cluster["apiserver_cert_sans"] },
            "networking": { "serviceSubnet": subnets.join(","), "dnsDomain": cluster["dns_domain"] },
            "etcd": etcd,
            "featureGates": { "IPv6DualStack": subnets.len() > 1 },
        }),
    ];
    documents.map(|document| document.to_string()).join("\n---\n")
}
