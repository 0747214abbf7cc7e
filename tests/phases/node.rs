//! The phases on a node: in which order they go, what refuses the others, the flag of kube-controller-manager, and back.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{BUILD, ROTATES, pki, profile, rotating, unpacked};
use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, files};
use crate::restart::node::Node;

const FLAG: &str = "--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt";
const EDITED: &str = "--cluster-signing-cert-file=/etc/kubernetes/pki/ca-signing.crt";
const MANIFEST: &str = "etc/kubernetes/manifests/kube-controller-manager.yaml";

/// A desk with the bundles of generations 1 to 3: before the rotation, its phases, and after it.
fn built() -> Desk {
    let desk = rotating();
    desk.succeed(BUILD);
    desk.write("lab.toml", profile(3, &ROTATES.replace("previous = { generation = 1 }\n", "")));
    desk.succeed(BUILD);
    fs::create_dir(desk.path("root")).unwrap();
    desk
}

/// A control plane below a folder, on generation 1, with the manifest that starts kube-controller-manager.
fn control_plane(desk: &Desk) {
    desk.succeed(&apply("lab-g1"));
    fs::create_dir_all(desk.path("root/etc/kubernetes/manifests")).unwrap();
    let manifest = crate::restart::stand_ins::manifest("kube-controller-manager", &[FLAG]);
    desk.write(&format!("root/{MANIFEST}"), manifest);
}

fn apply(bundle: &str) -> String {
    format!("apply out/{bundle}.tar.gz --key out/lab.pub --node cp-1 --root root --force-node")
}

/// The names of the files in the folder of static pods.
fn manifests(root: &Path) -> Vec<String> {
    files(&root.join("etc/kubernetes/manifests"))
}

#[test]
fn phases_go_one_after_the_other_and_back() {
    let desk = built();
    control_plane(&desk);
    let refused = |bundle: &str, error: &str| desk.refuse(&apply(bundle), 1, error);
    let between = "on every node; on a node that was off while all others went on, --catch-up; nothing was changed\n";
    refused(
        "lab-g2-p2",
        &format!(
            "error: lab-g2-p2 signs with a key that the installed etc/kubernetes/pki/ca.crt does not trust (lab-g1)\n\
             hint: apply lab-g2-p1 first, {between}"
        ),
    );
    let first = desk.succeed(&apply("lab-g2-p1"));
    let edit = "edit etc/kubernetes/manifests/kube-controller-manager.yaml before kube-controller-manager starts anew: \
                --cluster-signing-cert-file must name /etc/kubernetes/pki/ca-signing.crt and not /etc/kubernetes/pki/ca.crt\n";
    assert!(first.contains(edit), "{first}");
    assert!(
        first.contains(
            "generation 2, phase 1 of 3 of lab, Kubernetes 1.24.15 is installed in the place of generation 1\n"
        )
    );
    let status = desk.succeed("status --root root");
    assert!(
        status
            .contains("rotating     ca/etcd, ca/front-proxy, ca/kubernetes, sa\nnext         phase 2, once every node")
    );
    refused(
        "lab-g2-p3",
        &format!(
            "error: the installed etc/kubernetes/pki/ca.crt (lab-g2-p1) signs with a key that lab-g2-p3 does not trust\n\
             hint: apply lab-g2-p2 first, {between}"
        ),
    );
    // What ends a rotation does not skip its phases.
    refused(
        "lab-g3",
        &format!(
            "error: the installed etc/kubernetes/pki/ca.crt (lab-g2-p1) signs with a key that lab-g3 does not trust\n\
             hint: apply lab-g2-p2 first, {between}"
        ),
    );
    let incomplete = "incomplete   in etc/kubernetes/manifests/kube-controller-manager.yaml --cluster-signing-cert-file must \
                      name /etc/kubernetes/pki/ca-signing.crt\n";
    assert!(status.contains(incomplete), "{status}");
    // The flag was edited by hand, and stays as it is.
    let manifest = desk.text(&format!("root/{MANIFEST}"));
    desk.write(&format!("root/{MANIFEST}"), manifest.replace(FLAG, EDITED));
    assert!(!desk.succeed("status --root root").contains("incomplete"));
    // Back before the rotation it would name a file that goes. Nobody is cut off, so nothing is to be put right elsewhere.
    let back = "edit etc/kubernetes/manifests/kube-controller-manager.yaml before kube-controller-manager starts anew: \
                --cluster-signing-cert-file must name /etc/kubernetes/pki/ca.crt and not /etc/kubernetes/pki/ca-signing.crt\n";
    for line in ["rollback --root root --dry-run", "rollback --root root"] {
        let said = desk.succeed(line);
        assert!(said.contains(back) && !said.contains("in the cluster") && !said.contains("CA is another"), "{said}");
    }
    assert_eq!(desk.text(&format!("root/{MANIFEST}")), manifest.replace(FLAG, EDITED), "told, not done");
    let forth = desk.succeed("rollback --root root");
    assert!(!forth.contains("edit etc/"), "{forth}");
    let second = desk.succeed(&apply("lab-g2-p2"));
    assert!(!second.contains("edit etc/"), "{second}");
    desk.succeed("rollback --root root");
    desk.succeed(&apply("lab-g2-p2"));
    let third = desk.succeed(&apply("lab-g2-p3"));
    assert!(
        third.contains("must name /etc/kubernetes/pki/ca.crt and not /etc/kubernetes/pki/ca-signing.crt\n"),
        "{third}"
    );
    assert!(!desk.exists("root/etc/kubernetes/pki/ca-signing.crt"));
    desk.succeed(&apply("lab-g3"));
    let bundle = unpacked(&desk, "out/lab-g3.tar.gz");
    assert_eq!(desk.read("root/etc/kubernetes/pki/ca.crt"), pki(&bundle, "ca.crt"));
    assert_eq!(manifests(&desk.path("root")), ["kube-controller-manager.yaml"]);
}

/// A node that was off goes where the others are, and is told what going back means.
#[test]
fn a_node_that_was_off_catches_up() {
    let desk = built();
    control_plane(&desk);
    desk.succeed(&format!("{} --catch-up", apply("lab-g2-p3")));
    let foreseen = desk.succeed("rollback --root root --dry-run");
    let line = "the cluster no longer takes what comes back, nor the other way round: etc/kubernetes/pki/ca.crt, \
                etc/kubernetes/pki/front-proxy-ca.crt, etc/kubernetes/pki/etcd/ca.crt, etc/kubernetes/pki/sa.pub; \
                `certferry apply --catch-up` brings this node to where the others are\n";
    assert!(foreseen.contains(line), "{foreseen}");
    let back = desk.succeed("rollback --root root");
    assert!(back.contains(line), "{back}");
}

/// Where nothing says with what the CA signs, kube-controller-manager would end unseen.
#[test]
fn without_the_flag_phase_1_is_refused() {
    let desk = built();
    desk.succeed(&apply("lab-g1"));
    let hint = "hint: it must name ca-signing.crt while ca.crt holds two certificates, or kube-controller-manager ends: write \
                the flag where it is started, naming ca.crt, and apply again; nothing was changed\n";
    desk.refuse(
        &apply("lab-g2-p1"),
        1,
        &format!(
            "error: kube-controller-manager's --cluster-signing-cert-file is nowhere to be found: there is no \
             etc/kubernetes/manifests/kube-controller-manager.yaml and no such service of systemd\n{hint}"
        ),
    );
    fs::create_dir_all(desk.path("root/etc/kubernetes/manifests")).unwrap();
    desk.write(&format!("root/{MANIFEST}"), crate::restart::stand_ins::manifest("kube-controller-manager", &[]));
    desk.refuse(
        &apply("lab-g2-p1"),
        1,
        &format!(
            "error: kube-controller-manager's --cluster-signing-cert-file is nowhere to be found: {MANIFEST} does not have \
             it\n{hint}"
        ),
    );
}

/// Without certferry no node goes through phases: the script says so, and changes nothing.
#[test]
fn the_script_does_not_install_a_phase() {
    let desk = built();
    let mut script = std::process::Command::new("sh");
    script
        .arg(desk.path("out/install.sh"))
        .arg(desk.path("out/lab-g2-p1.tar.gz"))
        .arg("--key")
        .arg(desk.path("out/lab.pub"));
    script.args(["--node", "cp-1", "--force-node", "--root"]).arg(desk.path("root"));
    let said = crate::common::fail(&mut script, 1);
    let reason = "lab-g2-p1.tar.gz is refused: it is of a phase of a rotation, which this script does not install: certferry apply \
                  does\n";
    assert!(said.contains(reason), "{said}");
    assert_eq!(files(&desk.path("root")), [""; 0]);
}

/// A phase that carries trust alone is not applied yet, and said to be so.
#[test]
fn trust_alone_is_not_applied() {
    let desk = super::sources::with_lost_keys();
    fs::create_dir(desk.path("root")).unwrap();
    desk.refuse(
        "apply new/lab-g2-p1.tar.gz --key new/lab.pub --node cp-1 --root root --force-node",
        1,
        "error: the bundle carries trust alone, because nobody has the old key: certferry does not apply it yet\n\
         hint: on each node put its trust files into /etc/kubernetes/pki by hand, and ca.crt into the kubeconfigs (`certferry \
         help rotation`, \"The key of the CA is lost\"); nothing was changed\n",
    );
}

/// A member of etcd on a node of its own has no CA of the cluster, and restarts all the same when it goes back.
#[test]
fn a_member_of_etcd_goes_through_the_phases_and_restarts_on_the_way_back() {
    let desk = Desk::in_memory();
    let of = |generation: u32, more: &str| {
        let member = "[[node]]\nname = \"etcd-1\"\nrole = \"etcd\"\naddresses = [\"192.168.10.8\"]\n";
        profile(generation, &format!("\n{member}{more}")).replace("\n[keys]", "etcd = \"external\"\n\n[keys]")
    };
    desk.write("lab.toml", of(1, ""));
    desk.succeed(BUILD);
    desk.write("lab.toml", of(2, ROTATES));
    desk.succeed(BUILD);
    fs::create_dir(desk.path("root")).unwrap();
    for bundle in ["lab-g1", "lab-g2-p1", "lab-g2-p2", "lab-g2-p3"] {
        let said = desk.succeed(&apply(bundle).replace("cp-1", "etcd-1"));
        assert!(bundle == "lab-g1" || said.contains("to restart on this node: etcd\n"), "{said}");
        let back = desk.succeed("rollback --root root --dry-run");
        assert!(bundle == "lab-g1" || back.contains("to restart on this node: etcd\n"), "{bundle}: {back}");
    }
}

/// Workers have no such flag.
#[test]
fn a_worker_goes_through_the_phases() {
    let desk = built();
    for bundle in ["lab-g1", "lab-g2-p1", "lab-g2-p2", "lab-g2-p3", "lab-g3"] {
        desk.succeed(&apply(bundle).replace("cp-1", "worker-1"));
    }
}

/// The manifest is edited between the stop and the start of its pod, comes back with a rollback, and never lies twice where
/// the kubelet looks.
#[test]
fn a_restart_edits_the_flag_and_a_rollback_undoes_it() {
    if lacks(&[Right::Machine]) {
        return;
    }
    let desk = built();
    let bundle = |name: &str| Bundle {
        folder: TempDir::new().unwrap(),
        archive: desk.path(&format!("out/{name}.tar.gz")),
        signature: desk.path(&format!("out/{name}.tar.gz.sig")),
        public_key: desk.path("out/lab.pub"),
        lock: desk.path("lab.lock.toml"),
        stdout: String::new(),
    };
    let bundles = ["lab-g1", "lab-g2-p1", "lab-g2-p2", "lab-g2-p3"].map(bundle);
    let node = Node::control_plane(true, &bundles.each_ref());
    node.add_manifest("kube-controller-manager", &[FLAG]);
    node.boot();
    let path = format!("/{MANIFEST}");
    let manifest = || fs::read_to_string(node.machine.path(&path)).unwrap();
    let before = manifest();
    for (number, expected) in [(2, EDITED), (3, EDITED), (4, FLAG)] {
        // Killed after the swap, when the edited manifest is still away: the next run brings it back.
        node.touch("/run/kill-at-restart");
        assert_ne!(node.apply("cp-1", number, "--restart").code, Some(0));
        assert_eq!(manifests(&node.machine.path("/")), [""; 0]);
        let applied = node.apply("cp-1", number, "--restart");
        assert_eq!(applied.code, Some(0), "{applied:?}");
        node.all_run();
        assert_eq!(manifest(), before.replace(FLAG, expected), "{number}");
        assert_eq!(manifests(&node.machine.path("/")).len(), 4);
    }
    // What somebody has written there since stays.
    let before = format!("{before}# by hand\n");
    fs::write(node.machine.path(&path), &before).unwrap();
    let back = node.say("rollback --restart");
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(manifest(), before.replace(FLAG, EDITED));
    node.all_run();
    let again = node.apply("cp-1", 4, "--restart");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(manifest(), before);
}
