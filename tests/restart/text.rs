//! Without `--restart`: the commands, exact, and such that a shell takes them.

use std::fs;
use std::path::Path;

use crate::common::node::{FIRST, SECOND, applied, apply, rollback};
use crate::common::{fail, succeed, tool};
use crate::restart::stand_ins::manifest;

const CONTROL_PLANE: &str = r#"to restart on this node: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet
etcd's CA is another: where etcd has several members, it and kube-apiserver are well only once most members
have the new one, so do this on all control planes side by side
  mkdir -m 700 /etc/kubernetes/manifests.off
  for pod in kube-controller-manager kube-scheduler kube-apiserver etcd; do
    mv /etc/kubernetes/manifests/$pod.yaml /etc/kubernetes/manifests.off/
    while crictl ps -q --name "^$pod\$" --label io.kubernetes.pod.namespace=kube-system | grep -q .; do sleep 2; done
  done
  systemctl restart kubelet
  mv /etc/kubernetes/manifests.off/etcd.yaml /etc/kubernetes/manifests/
  until crictl ps -q --name '^etcd$' --label io.kubernetes.pod.namespace=kube-system | grep -q .; do sleep 2; done
  mv /etc/kubernetes/manifests.off/kube-apiserver.yaml /etc/kubernetes/manifests/
  until kubectl --kubeconfig /etc/kubernetes/controller-manager.conf get --raw /readyz; do sleep 2; done
  mv /etc/kubernetes/manifests.off/kube-controller-manager.yaml /etc/kubernetes/manifests.off/kube-scheduler.yaml /etc/kubernetes/manifests/
  rmdir /etc/kubernetes/manifests.off
without crictl: instead of the loops look at `ps -e` until they are gone, or there
in the cluster, once the last node has changed, in this order (the manual, `certferry help rotation`):
  1. kubectl -n kube-system delete configmap extension-apiserver-authentication
     it holds the old CA, too, and lets the old admin certificate into the scheduler; it is made again at once
  2. the CA in ConfigMap kube-public/cluster-info: put the new one into data.kubeconfig
  3. restart kube-proxy, CoreDNS, the network plugin, then all other pods
  4. caBundle of webhooks and APIServices, where this CA signed their certificates; users' kubeconfigs
"#;

/// What is told from there on, without what follows.
fn told(text: &str) -> &str {
    let text = &text[text.find("to restart on this node").unwrap_or_else(|| panic!("{text}"))..];
    text.strip_suffix("back: certferry rollback\n").unwrap_or(text)
}

/// The commands, in one piece, as a person pastes them.
fn assert_parses(text: &str) {
    let commands: Vec<_> = text.lines().filter(|line| line.starts_with("  ") && !line.starts_with("     ")).collect();
    let commands: Vec<_> = commands.iter().filter(|line| !line.trim_start().starts_with(char::is_numeric)).collect();
    assert!(!commands.is_empty(), "{text}");
    let script: String = commands.iter().map(|line| format!("{line}\n")).collect();
    for shell in ["sh", "bash"] {
        succeed(tool(shell).args(["-n", "-c", &script]));
    }
}

fn add_manifests(root: &Path, names: &[&str]) {
    let folder = root.join("etc/kubernetes/manifests");
    fs::create_dir_all(&folder).unwrap();
    for name in names {
        fs::write(folder.join(format!("{name}.yaml")), manifest(name, &[])).unwrap();
    }
}

#[test]
fn a_control_plane_is_told_every_step_in_order_forth_and_back() {
    let root = applied(&FIRST, "cp-1");
    add_manifests(root.path(), &["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
    let text = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert_eq!(told(&text), CONTROL_PLANE);
    assert_parses(told(&text));
    let text = succeed(&mut rollback(root.path()));
    assert_eq!(told(&text), CONTROL_PLANE);
}

#[test]
fn a_worker_is_told_of_its_kubelet() {
    let root = applied(&FIRST, "worker-1");
    let text = succeed(&mut apply(&SECOND, "worker-1", root.path()));
    let (own, _) = told(&text).split_once("in the cluster").unwrap();
    assert_eq!(own, "to restart on this node: kubelet\n  systemctl restart kubelet\n");
    assert_parses(own);
}

#[test]
fn what_is_no_static_pod_is_restarted_as_it_is_started() {
    let root = applied(&FIRST, "cp-1");
    add_manifests(root.path(), &["kube-apiserver", "kube-scheduler"]);
    let text = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let (own, _) = told(&text).split_once("in the cluster").unwrap();
    let expected = r#"  mkdir -m 700 /etc/kubernetes/manifests.off
  for pod in kube-scheduler kube-apiserver; do
    mv /etc/kubernetes/manifests/$pod.yaml /etc/kubernetes/manifests.off/
    while crictl ps -q --name "^$pod\$" --label io.kubernetes.pod.namespace=kube-system | grep -q .; do sleep 2; done
  done
  systemctl restart kubelet
  systemctl restart etcd     # or as it is started here
  mv /etc/kubernetes/manifests.off/kube-apiserver.yaml /etc/kubernetes/manifests/
  until kubectl --kubeconfig /etc/kubernetes/controller-manager.conf get --raw /readyz; do sleep 2; done
  mv /etc/kubernetes/manifests.off/kube-scheduler.yaml /etc/kubernetes/manifests/
  systemctl restart kube-controller-manager     # or as it is started here
  rmdir /etc/kubernetes/manifests.off
"#;
    assert!(own.contains(expected), "{own}");
    assert_parses(own);
}

#[test]
fn a_restart_on_another_root_is_refused() {
    let root = applied(&FIRST, "cp-1");
    let expected = "error: --restart is for the host that runs it, and --root names another place\nhint: leave one of the \
        two out: on a disk that is mounted nothing runs\n";
    assert_eq!(fail(apply(&SECOND, "cp-1", root.path()).arg("--restart"), 2), expected);
    assert_eq!(fail(rollback(root.path()).arg("--restart"), 2), expected);
    let wait = fail(apply(&SECOND, "cp-1", root.path()).args(["--wait", "5m"]), 2);
    assert!(wait.contains("--restart"), "{wait}");
    let wait = fail(apply(&SECOND, "cp-1", root.path()).args(["--restart", "--wait", "5d"]), 2);
    assert!(wait.contains("expected a number of seconds, or a number and a unit, such as 90s, 5m or 1h"), "{wait}");
}
