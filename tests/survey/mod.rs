//! `survey` and survey.sh: the public facts of a node, the same from both, and none of its secrets.

mod ansible;
mod facts;
mod hostile;
mod makers;
mod odd;
mod real;
mod same;
mod script;
pub(crate) mod secrets;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use certferry::survey::{SCRIPT, Survey};
use tempfile::TempDir;

use crate::common::shells::{SHELLS, Tools};
use crate::common::{Ended, certferry, end};
use crate::doctor::Node;

/// `certferry survey` of a root.
fn command(root: &Path) -> Command {
    let mut command = certferry();
    command.arg("survey").arg("--root").arg(root).env_remove("COLUMNS");
    command
}

/// What `certferry survey` says of a root.
fn survey_of(root: &Path) -> Ended {
    end(&mut command(root))
}

/// The survey of a node, of which everything can be read.
fn survey(node: &Node) -> Survey {
    let Ended { code, stdout, stderr } = survey_of(&node.path(""));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    Survey::parse(stdout.as_bytes()).unwrap()
}

/// survey.sh in a folder of its own.
struct Script(TempDir);

impl Script {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("survey.sh"), SCRIPT).unwrap();
        Self(folder)
    }

    /// The script, told to look at a root, with these tools.
    fn command(&self, tools: &Tools, root: &Path) -> Command {
        let mut command = tools.run(&self.0.path().join("survey.sh"));
        command.arg("--root").arg(root);
        command
    }

    fn survey_of(&self, tools: &Tools, root: &Path) -> Ended {
        end(&mut self.command(tools, root))
    }
}

/// Tools of distributions: every shell and every awk once.
fn tools() -> Vec<Tools> {
    vec![Tools::new(SHELLS[0], "mawk", "tar"), Tools::busybox(), Tools::new(SHELLS[2], "gawk", "tar")]
}

/// A control plane of kubeadm, with what the kubelet has in its store.
fn control_plane() -> Node {
    Node::control_plane(|_, _| {})
}

/// A node of k3s or RKE2, which keep everything in folders of their own.
fn rancher(name: &str) -> Node {
    let (node, pki) = (control_plane(), "etc/kubernetes/pki");
    let (server, agent) = (format!("var/lib/rancher/{name}/server"), format!("var/lib/rancher/{name}/agent"));
    for (from, to) in [
        ("ca.crt", format!("{server}/tls/server-ca.crt")),
        ("ca.key", format!("{server}/tls/server-ca.key")),
        ("sa.key", format!("{server}/tls/service.key")),
        ("etcd/peer.crt", format!("{server}/tls/etcd/peer-server-client.crt")),
        ("apiserver.crt", format!("{agent}/serving-kubelet.crt")),
        ("apiserver.key", format!("{agent}/serving-kubelet.key")),
    ] {
        node.write(&to, node.text(&format!("{pki}/{from}")));
    }
    let kubeconfig = node.text("etc/kubernetes/admin.conf");
    node.write(&format!("etc/rancher/{name}/{name}.yaml"), &kubeconfig);
    node.write(&format!("{server}/cred/scheduler.kubeconfig"), kubeconfig);
    node.write(&format!("{agent}/containerd/x.crt"), "not one of the node's");
    let manifest = node.text("etc/kubernetes/manifests/kube-scheduler.yaml");
    fs::remove_dir_all(node.path("etc/kubernetes")).unwrap();
    fs::remove_dir_all(node.path("var/lib/kubelet")).unwrap();
    if name == "rke2" {
        node.write(&format!("{agent}/pod-manifests/kube-scheduler.yaml"), manifest);
    }
    let unit = format!("[Service]\nEnvironmentFile=-/etc/default/%N\nExecStart=/usr/local/bin/{name} \\\n  server\n");
    node.write(&format!("etc/systemd/system/{name}.service"), unit);
    node
}

/// A control plane of kubeadm with a certificatesDir of its own: settings name some of its files, and all are looked at.
fn named_folder() -> Node {
    let node = control_plane();
    fs::rename(node.path("etc/kubernetes/pki"), node.path("etc/kubernetes/certs.1")).unwrap();
    for name in fs::read_dir(node.path("etc/kubernetes/manifests")).unwrap() {
        let place = format!("etc/kubernetes/manifests/{}", name.unwrap().file_name().display());
        let text = node.text(&place).replace("/etc/kubernetes/pki", "/etc/kubernetes/certs.1");
        node.write(&place, text);
    }
    // In folders that no setting names nobody looks.
    node.write("etc/kubernetes/other/ca.crt", node.text("etc/kubernetes/certs.1/ca.crt"));
    node
}

/// Every tree that a survey is tried on, by its name.
fn trees() -> Vec<(&'static str, Node)> {
    let worker = Node::of("node/w-1", |_, _| {});
    let linked = control_plane();
    fs::rename(linked.path("etc/kubernetes/admin.conf"), linked.path("srv-admin.conf")).unwrap();
    symlink("/srv-admin.conf", linked.path("etc/kubernetes/admin.conf")).unwrap();
    let mut trees = vec![("kubeadm", control_plane()), ("a worker", worker), ("a linked kubeconfig", linked)];
    trees.push(("a folder that settings name", named_folder()));
    trees.extend([("k3s", rancher("k3s")), ("RKE2", rancher("rke2"))]);
    trees.extend(crate::doctor::makers::followed());
    trees.extend(crate::doctor::makers::trees());
    trees
}
