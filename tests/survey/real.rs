//! The trees of kubeadm itself, of shapes that people run.

use std::fs;
use std::path::Path;

use certferry::survey::Survey;

use super::{Script, survey_of, tools};
use crate::common::{skip, succeed, tool};
use crate::kube::programs;

/// kubeadm's configurations: the name, what stands before the documents, and the phases that are run.
const SHAPES: [(&str, &str, &[&str]); 5] = [
    ("single", "", &["certs all", "kubeconfig all", "control-plane all", "etcd local"]),
    (
        "HA, dual stack",
        "controlPlaneEndpoint: k8s.corp.example:8443\nfeatureGates: {IPv6DualStack: true}\nnetworking: {serviceSubnet: \"10.96.0.0/16,fd00:96::/112\"}\n",
        &["certs all", "kubeconfig all", "control-plane all", "etcd local"],
    ),
    (
        "external etcd",
        "etcd: {external: {endpoints: [\"https://e:2379\"], caFile: /etc/etcd/ssl/ca.pem, certFile: /etc/etcd/ssl/client.pem, keyFile: /etc/etcd/ssl/client-key.pem}}\n",
        &["certs all", "kubeconfig all", "control-plane all"],
    ),
    (
        "another folder and name",
        "certificatesDir: /etc/kubernetes/ssl\nclusterName: corp\n",
        &["certs all", "kubeconfig all", "control-plane all", "etcd local"],
    ),
    ("external CA", "", &["certs all", "kubeconfig all", "control-plane all", "etcd local"]),
];

fn make(root: &Path, kubeadm: &Path, more: &str, phases: &[&str]) {
    for folder in ["etc", "usr", "tmp"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    let text = format!(
        "apiVersion: kubeadm.k8s.io/v1beta2\nkind: InitConfiguration\nlocalAPIEndpoint: {{advertiseAddress: 192.168.10.5}}\n\
         nodeRegistration: {{name: cp-1, criSocket: /var/run/dockershim.sock}}\n---\napiVersion: kubeadm.k8s.io/v1beta2\n\
         kind: ClusterConfiguration\nkubernetesVersion: v1.20.2\n{more}"
    );
    fs::write(root.join("kubeadm.yaml"), text).unwrap();
    fs::write(root.join("etc/hostname"), "cp-1\n").unwrap();
    for phase in phases {
        let mut command = tool(kubeadm);
        command
            .args(["init", "phase"])
            .args(phase.split(' '))
            .args(["--config", "/kubeadm.yaml", "--rootfs"])
            .arg(root);
        succeed(&mut command);
    }
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_the_trees_of_kubeadm_are_told_whole() {
    let folder = programs();
    if !crate::common::is_root() {
        return skip("kubeadm changes its root only for root");
    }
    let script = Script::new();
    for ((name, more, phases), tools) in SHAPES.iter().zip(tools().iter().cycle()) {
        let root = tempfile::tempdir().unwrap();
        make(root.path(), &folder.join("kubeadm"), more, phases);
        if *name == "external CA" {
            fs::remove_file(root.path().join("etc/kubernetes/pki/ca.key")).unwrap();
        }
        let ended = survey_of(root.path());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}");
        assert_eq!(script.survey_of(tools, root.path()), ended, "{name}");
        let survey = Survey::parse(ended.stdout.as_bytes()).unwrap();
        let api_server = survey.program("kube-apiserver").unwrap();
        let value = |flag: &str| api_server.setting(flag).map(|setting| setting.value.as_str()).unwrap_or_default();
        let authority = api_server.setting("client-ca-file").and_then(|setting| setting.place()).unwrap();
        assert_eq!(survey.file(authority).unwrap().certificates.len(), 1, "{name}");
        match *name {
            "HA, dual stack" => {
                assert_eq!(value("service-cluster-ip-range"), "10.96.0.0/16,fd00:96::/112");
                let server = survey.kubeconfig("etc/kubernetes/admin.conf").unwrap().clusters[0].server.clone();
                assert_eq!(server.as_deref(), Some("https://k8s.corp.example:8443"));
            }
            "external etcd" => {
                assert_eq!((value("etcd-servers"), value("etcd-cafile")), ("https://e:2379", "/etc/etcd/ssl/ca.pem"));
                assert!(survey.program("etcd").is_none());
            }
            "another folder and name" => {
                assert_eq!(authority, "etc/kubernetes/ssl/ca.crt");
                assert_eq!(
                    survey.program("kube-controller-manager").unwrap().setting("cluster-name").unwrap().value,
                    "corp"
                );
            }
            "external CA" => assert!(survey.unread.iter().any(|unread| unread.path == "etc/kubernetes/pki/ca.key")),
            _ => assert_eq!(survey.unread, []),
        }
    }
}
