//! The files are those of `certferry unpack`, to the bit, whatever the node's tools are.

use std::process::Command;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::common::shells::{SHELLS, Tools, find};
use crate::common::{Bundle, build, certferry, profile, succeed};
use crate::install_sh::node::{Ended, FIRST, Node, SECOND, State, TOOLS, end, script, unpacked};

const AWKS: [&str; 3] = ["mawk", "gawk", "busybox"];
const TARS: [&str; 2] = ["tar", "busybox"];

/// Every shell with every awk, each with both tars in turn: any two of them meet. Of all three together nothing depends, for
/// they share no more than files and pipes.
fn every_tools() -> Vec<Tools> {
    let pairs = (0..SHELLS.len()).flat_map(|shell| (0..AWKS.len()).map(move |awk| (shell, awk)));
    pairs
        .map(|(shell, awk)| Tools::new(SHELLS[shell], AWKS[awk], TARS[(shell + awk) % TARS.len()]))
        .chain([Tools::busybox()])
        .collect()
}

#[track_caller]
fn assert_installs(tools: &Tools, bundle: &Bundle, name: &str, expected: &State) {
    let node = Node::new();
    let Ended { code, stdout, stderr } = node.install(tools, bundle, name, &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{}, {name}", tools.name());
    assert!(stdout.starts_with(&format!("{name}: generation 1 of ")), "{stdout}");
    assert!(node.live() == *expected, "{}, {name}: {:?}", tools.name(), node.live().keys());
}

#[test]
fn every_shell_tar_and_awk_installs_what_unpack_writes() {
    let expected = unpacked(&FIRST, "worker-1");
    every_tools().into_par_iter().for_each(|tools| assert_installs(&tools, &FIRST, "worker-1", &expected));
}

/// The first control plane has the most files, a member of etcd no kubelet.
#[test]
fn so_is_every_role() {
    let bundle = build(&profile("ha-external-etcd"));
    let parts: Vec<_> = ["cp-1", "etcd-1"].map(|node| (node, unpacked(&bundle, node))).into();
    let tools = [Tools::new(&["dash"], "mawk", "tar"), Tools::busybox(), Tools::new(&["bash"], "gawk", "busybox")];
    tools.into_par_iter().for_each(|tools| {
        parts.iter().for_each(|(node, expected)| assert_installs(&tools, &bundle, node, expected));
    });
}

#[test]
fn modes_are_the_same_under_every_umask() {
    let umasks = ["000", "022", "027", "077"];
    let states: Vec<State> = umasks
        .into_par_iter()
        .map(|umask| {
            let node = Node::with(&FIRST, "worker-1");
            let command = node.command(&TOOLS, &SECOND, "worker-1", &[]);
            let mut under = Command::new(find("sh"));
            under.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(command.get_program());
            under.args(command.get_args()).env_clear().env("PATH", TOOLS.path(""));
            succeed(&mut under);
            node.state()
        })
        .collect();
    for (umask, state) in umasks.iter().zip(&states) {
        let others: Vec<_> = state.iter().filter(|(path, seen)| states[0].get(*path) != Some(seen)).collect();
        assert!(*state == states[0], "{umask}: {others:?}");
    }
    for (path, (mode, ..)) in states[0].iter().filter(|(path, _)| path.contains(".certferry")) {
        let is_of_certferry =
            path.ends_with(".certferry") || path.ends_with("/installed") || path.ends_with("/previous");
        assert!(!is_of_certferry || mode & 0o7777 == 0o700, "{path}: {mode:o}");
    }
}

/// A slice has no index, a partial bundle some parts, and a key may be named by what is on paper.
#[test]
fn slices_partial_bundles_and_fingerprints_are_taken() {
    let expected = unpacked(&FIRST, "worker-1");
    let folder = tempfile::tempdir().unwrap();
    let slice = folder.path().join("lab-g1-slice.tar.gz");
    succeed(certferry().arg("split").arg(&FIRST.archive).args(["--node", "worker-1", "--out"]).arg(&slice));
    std::fs::copy(&FIRST.public_key, folder.path().join("lab.pub")).unwrap();
    let signer = FIRST.stdout.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap();
    let node = Node::new();
    let mut command = TOOLS.run(&script(&FIRST));
    // In any order, and in the other spelling.
    command.args(["--root"]).arg(node.root()).arg("lab-g1-slice.tar.gz").args(["--node=worker-1", "--key", signer]);
    let ended = end(command.current_dir(folder.path()));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(node.live() == expected);

    let (profile, lock) = (folder.path().join("test.toml"), folder.path().join("lab.lock.toml"));
    std::fs::write(&profile, crate::install_sh::node::generation(1, |_| {})).unwrap();
    std::fs::copy(&FIRST.lock, &lock).unwrap();
    let mut command = certferry();
    command
        .arg("build")
        .arg(&profile)
        .args(["--allow-weak-seed", "--seed"])
        .arg(FIRST.folder.path().join("test.seed"))
        .arg("--lock")
        .arg(&lock);
    command.args(["--only", "worker-1", "--with-cluster", "--out"]).arg(folder.path().join("partial"));
    succeed(&mut command);
    let find = |ending: &str| {
        let mut names = std::fs::read_dir(folder.path().join("partial")).unwrap().map(|entry| entry.unwrap().path());
        names.find(|path| path.to_string_lossy().ends_with(ending)).unwrap()
    };
    let node = Node::new();
    let mut command = TOOLS.run(&find("install.sh"));
    command.arg(find(".tar.gz")).args(["--node", "worker-1", "--key"]).arg(find(".pub")).arg("--root").arg(node.root());
    let ended = end(&mut command);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(node.live() == expected);
}

/// What a run says, word for word.
#[test]
fn a_run_says_what_it_does() {
    let signer = FIRST.stdout.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap();
    let node = Node::new();
    let said = node.install(&TOOLS, &FIRST, "worker-1", &["--dry-run"]);
    let files = "  new      etc/kubernetes/pki/ca.crt
  new      var/lib/kubelet/pki/kubelet-client-2020-01-01-00-00-00.pem
  new      var/lib/kubelet/pki/kubelet-client-current.pem
  new      var/lib/kubelet/pki/kubelet.crt
  new      var/lib/kubelet/pki/kubelet.key
  new      etc/kubernetes/kubelet.conf
";
    let named = |generation: u32| {
        let kubernetes = FIRST.stdout.split_once("Kubernetes ").unwrap().1.split_whitespace().next().unwrap();
        format!("worker-1: generation {generation} of lab, Kubernetes {kubernetes}")
    };
    let expected = format!("{} would be installed\nsigned by {signer}\n{files}nothing was changed\n", named(1));
    assert_eq!(said, Ended { code: Some(0), stdout: expected, stderr: String::new() });
    assert!(node.state().is_empty(), "a trial leaves no trace");

    let said = node.install(&TOOLS, &FIRST, "worker-1", &[]).stdout;
    let back = "back: sh install.sh --rollback\n";
    assert_eq!(said, format!("{} is installed\nsigned by {signer}\n{files}{back}", named(1)));
    let state = node.state();
    let again = format!("{} is installed, and every file is as it must be\n", named(1));
    assert_eq!(node.install(&TOOLS, &FIRST, "worker-1", &[]).stdout, again);
    assert_eq!(
        node.install(&TOOLS, &FIRST, "worker-1", &["--dry-run"]).stdout,
        format!("{again}nothing was changed\n")
    );
    assert!(node.state() == state);

    let said = node.install(&TOOLS, &SECOND, "worker-1", &[]).stdout;
    let expected = format!(
        "{} is installed in the place of generation 1
signed by {signer}
  changed  etc/kubernetes/pki/ca.crt
  changed  var/lib/kubelet/pki/kubelet-client-2020-01-01-00-00-00.pem
  changed  var/lib/kubelet/pki/kubelet.crt
  changed  etc/kubernetes/kubelet.conf
replaced: the CA in etc/kubernetes/pki/ca.crt
to restart on this node: kubelet
  systemctl restart kubelet
in the cluster, once the last node has changed, in this order (the manual, `certferry help rotation`):
  1. kubectl -n kube-system delete configmap extension-apiserver-authentication
     it holds the old CA, too, and lets the old admin certificate into the scheduler; it is made again at once
  2. the CA in ConfigMap kube-public/cluster-info: put the new one into data.kubeconfig
  3. restart kube-proxy, CoreDNS, the network plugin, then all other pods
  4. caBundle of webhooks and APIServices, where this CA signed their certificates; users' kubeconfigs
{back}",
        named(2)
    );
    assert_eq!(said, expected);
    assert!(node.live() == unpacked(&SECOND, "worker-1"));
    // The same files again: the record alone.
    let before = node.live();
    let said = node.install(&TOOLS, &crate::install_sh::node::THIRD, "worker-1", &[]).stdout;
    let expected = format!(
        "{} is installed in the place of generation 2\nsigned by {signer}\nthe files are the same: nothing restarts\n{back}",
        named(3)
    );
    assert_eq!(said, expected);
    assert!(node.live() == before);
    let units = std::fs::read_to_string(node.path("etc/kubernetes/.certferry/previous/units")).unwrap();
    let installed = "etc/kubernetes/.certferry/installed etc/kubernetes/.certferry/@/installed";
    assert_eq!(units, format!("certferry-units-1\n{installed}\nend\n"));
    assert!(!node.path("var/lib/kubelet/.certferry/previous").exists(), "what an older run kept is of no use");
}

#[test]
fn a_control_plane_is_told_what_to_restart_and_in_which_order() {
    let node = Node::with(&FIRST, "cp-1");
    let manifests = node.path("etc/kubernetes/manifests");
    std::fs::create_dir(&manifests).unwrap();
    for name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        std::fs::write(manifests.join(format!("{name}.yaml")), "").unwrap();
    }
    let said = node.install(&TOOLS, &SECOND, "cp-1", &[]).stdout;
    let expected = r#"to restart on this node: kube-apiserver, kube-controller-manager, kube-scheduler, kubelet
  mkdir -m 700 /etc/kubernetes/manifests.off
  for pod in kube-controller-manager kube-scheduler kube-apiserver; do
    mv /etc/kubernetes/manifests/$pod.yaml /etc/kubernetes/manifests.off/
    while crictl ps -q --name "^$pod\$" --label io.kubernetes.pod.namespace=kube-system | grep -q .; do sleep 2; done
  done
  systemctl restart kubelet
  mv /etc/kubernetes/manifests.off/kube-apiserver.yaml /etc/kubernetes/manifests/
  until kubectl --kubeconfig /etc/kubernetes/controller-manager.conf get --raw /readyz; do sleep 2; done
  mv /etc/kubernetes/manifests.off/kube-controller-manager.yaml /etc/kubernetes/manifests.off/kube-scheduler.yaml /etc/kubernetes/manifests/
  rmdir /etc/kubernetes/manifests.off
without crictl: instead of the loops look at `ps -e` until they are gone, or there
"#;
    assert!(said.contains(expected), "{said}");
    std::fs::remove_dir_all(manifests).unwrap();
    assert!(node.live() == unpacked(&SECOND, "cp-1"));
}
