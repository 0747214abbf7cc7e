//! Nothing is wrong with nodes that are well: ours, kubeadm's, and the two together.

use std::fs;
use std::path::Path;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::common::{PROFILES, build, certferry, profile, run, succeed};
use crate::doctor::{AT, KUBELET_CONFIG, MANIFESTS, Node, put, recorded};
use crate::kube::machine::Machine;
use crate::kube::programs;
use crate::planting::STORE;

fn doctor(root: &Path) -> String {
    succeed(certferry().arg("doctor").arg(root).args(["--at", AT]))
}

#[test]
fn nodes_of_every_example_profile_are_well() {
    for name in PROFILES {
        let bundle = build(&profile(name));
        let nodes = fs::read_dir(bundle.untar().join("nodes")).unwrap().map(Result::unwrap);
        let nodes = nodes.filter(|node| node.path().is_dir());
        for node in nodes.map(|node| node.file_name().into_string().unwrap()) {
            let said = doctor(&bundle.unpack(&node));
            assert!(
                said.starts_with("nothing is wrong; looked at ") && said.lines().count() == 1,
                "{name} {node}: {said}"
            );
        }
    }
}

#[test]
fn a_node_that_runs_is_well() {
    let node = Node::control_plane(|_, _| {});
    let seen = "15 certificates, 4 kubeconfigs, 4 manifests and 1 kubelet configuration";
    assert_eq!(node.says(), (format!("nothing is wrong; looked at {seen}\n"), 0));
    assert!(Node::of("node/w-1", |_, _| {}).rules().is_empty());
}

/// What a healthy node may have, and nobody should be told of.
#[test]
fn what_is_none_of_its_business_is_passed_over() {
    let node = Node::control_plane(|_, _| {});
    let foreign = "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: 'https://elsewhere:6443', \
                   certificate-authority-data: QUJD}\nusers: []\n";
    node.write("home/alice/.kube/config", foreign);
    node.write("root/.kube/config", node.text("etc/kubernetes/admin.conf"));
    node.set_mode("root/.kube/config", 0o600);
    node.write("etc/kubernetes/cloud.conf", "[Global]\nregion = here\n");
    node.set_mode("etc/kubernetes/cloud.conf", 0o600);
    node.write(&format!("{MANIFESTS}/.kube-apiserver.yaml.swp"), "no yaml: [");
    node.write("etc/kubernetes/.certferry/previous/pki/apiserver.crt", "not PEM");
    node.write("etc/kubernetes/.certferry/previous/admin.conf", "not YAML: [");
    node.write("etc/kubernetes/tmp/kubeadm-backup/ca.crt", "not PEM");
    // The kubelet keeps what it has replaced.
    node.write(STORE.replace("2026", "2020").as_str(), "not PEM");
    node.replace(
        &format!("{MANIFESTS}/kube-apiserver.yaml"),
        "- --etcd-servers",
        "- --log-file=/no/where\n    - --etcd-servers",
    );
    assert_eq!(node.rules(), [].into());
    // The backup is for whoever asks for all.
    let lint = run(certferry().args(["inspect", "--lint", "--at", AT]).arg(node.path("")));
    let lint = String::from_utf8(lint.stdout).unwrap();
    assert!(lint.contains("etc/kubernetes/tmp/kubeadm-backup/ca.crt  is not PEM"), "{lint}");
    assert!(!lint.contains(".certferry"), "{lint}");
    let listed = succeed(certferry().args(["inspect", "--at", AT, "-o", "json"]).arg(node.path("")));
    assert!(!listed.contains(".certferry"), "{listed}");
}

/// A kubelet asks the kernel for its name. In a copy of a node's files there is no kernel, and the file counts.
#[test]
fn the_name_of_a_host_that_runs_is_the_kernels() {
    let node = Node::control_plane(|_, _| {});
    let rules = || node.rules().into_iter().filter(|rule| rule == "host-name").count();
    node.write("etc/hostname", "vm\n");
    node.write("proc/sys/kernel/hostname", "cp-1\n");
    assert_eq!(rules(), 1, "nothing runs");
    fs::create_dir(node.path("proc/self")).unwrap();
    assert_eq!(rules(), 0);
    node.write("etc/hostname", "cp-1\n");
    node.write("proc/sys/kernel/hostname", "vm\n");
    assert_eq!(rules(), 1, "the kernel has another name");
}

#[test]
fn the_folder_of_kubeadm_means_its_node() {
    let node = Node::control_plane(|_, _| {});
    assert_eq!(doctor(&node.path("etc/kubernetes")), doctor(&node.path("")));
}

#[test]
fn a_kubeconfig_in_another_form_is_read_all_the_same() {
    let node = Node::control_plane(|_, _| {});
    let text = node.text("etc/kubernetes/admin.conf");
    let data = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": ")).unwrap();
    let json = serde_json::json!({
        "kind": "Config", "apiVersion": "v1", "current-context": "c",
        "clusters": [{"name": "lab", "cluster": {
            "server": "https://k8s.lab:6443", "certificate-authority": "pki/ca.crt" }}],
        "users": [{"name": "me", "user": {
            "client-certificate-data": data("client-certificate-data"), "client-key-data": data("client-key-data") }}],
        "contexts": [{"name": "c", "context": {"cluster": "lab", "user": "me"}}],
    });
    node.write("etc/kubernetes/admin.conf", json.to_string());
    assert_eq!(node.rules(), [].into());
}

const CONFIG: &str = "apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.168.10.5, bindPort: 6443}
nodeRegistration: {name: cp-1, criSocket: /run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: v1.20.2
controlPlaneEndpoint: k8s.lab:6443
networking: {serviceSubnet: 10.96.0.0/12, dnsDomain: cluster.local}
";

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_what_kubeadm_makes_is_well() {
    let programs = programs();
    let folder = tempfile::tempdir().unwrap();
    let kubernetes = folder.path().join("etc/kubernetes");
    fs::create_dir_all(&kubernetes).unwrap();
    let machine = Machine::start(&programs, &[], "");
    machine.bind(&kubernetes, "/etc/kubernetes");
    put(&machine.path("root/kubeadm.yaml"), CONFIG);
    for phase in ["certs all", "kubeconfig all", "control-plane all", "etcd local"] {
        let mut kubeadm = machine.command("kubeadm");
        succeed(kubeadm.args(["init", "phase"]).args(phase.split(' ')).args(["--config", "/root/kubeadm.yaml"]));
    }
    for name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let name = format!("{name}.yaml");
        let made = fs::read_to_string(kubernetes.join("manifests").join(&name)).unwrap();
        // Which folders of CAs a distribution has is not kubeadm's.
        let flags = |text: &str| {
            text.lines().filter(|line| line.starts_with("    - --")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(flags(&made), flags(&recorded(&name)), "kubeadm differs from its record");
    }
    // Its CAs begin this very second.
    let at = OffsetDateTime::now_utc() + time::Duration::days(1);
    let at = at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap();
    let doctor = |at: &str| succeed(certferry().arg("doctor").arg(folder.path()).args(["--at", at]));
    assert_eq!(doctor(&at), "nothing is wrong; looked at 14 certificates, 4 kubeconfigs and 4 manifests\n");
    // With the kubelet's configuration it is a node on which the kubelet is to start for the first time.
    put(&folder.path().join(KUBELET_CONFIG), recorded("kubelet-config.yaml"));
    let output = run(certferry().arg("doctor").arg(folder.path()).args(["--at", &at]));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.matches("problem: ").count(), 1, "{said}");
    assert!(said.starts_with("problem: etc/kubernetes/kubelet.conf holds the kubelet's credentials"), "{said}");
}
