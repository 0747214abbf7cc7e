//! The three bundles of a rotation: what each changes, byte for byte, what openssl takes of them, and what is refused.

mod node;
mod refused;
mod sources;

use std::collections::BTreeMap;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::common::desk::{Desk, PROFILE};
use crate::common::{files, succeed, tool};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";
/// Everything that can rotate, from the keys of generation 1.
const ROTATES: &str = "
[ca.kubernetes]
generation = 2
previous = { generation = 1 }

[ca.etcd]
generation = 2
previous = { generation = 1 }

[ca.front-proxy]
generation = 2
previous = { generation = 1 }

[service_account]
generation = 2
previous = { generation = 1 }
";
const TRUST: [&str; 3] = ["ca.crt", "front-proxy-ca.crt", "etcd/ca.crt"];
const KUBECONFIGS: [&str; 4] = ["admin.conf", "controller-manager.conf", "kubelet.conf", "scheduler.conf"];

/// The desk's profile with a worker and an etcd client, at a generation.
fn profile(generation: u32, more: &str) -> String {
    let profile = PROFILE.replace("\n[keys]", &format!("generation = {generation}\n\n[keys]"));
    let worker = "[[node]]\nname = \"worker-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.6\"]\n";
    format!("{profile}\n{worker}\n[[etcd_client]]\nname = \"backup\"\n{more}")
}

/// A desk on which generation 1 was built, and whose profile rotates.
fn rotating() -> Desk {
    let desk = Desk::in_memory();
    desk.write("lab.toml", profile(1, ""));
    desk.succeed(BUILD);
    desk.write("lab.toml", profile(2, ROTATES));
    desk
}

/// Every file of a bundle by its path below the top folder.
fn unpacked(desk: &Desk, bundle: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    succeed(tool("tar").arg("-xzf").arg(desk.path(bundle)).args(["--strip-components=1", "-C"]).arg(folder.path()));
    let read = |path: &String| fs::read(folder.path().join(path)).ok();
    files(folder.path()).into_iter().filter_map(|path| Some((path.clone(), read(&path)?))).collect()
}

/// The file of a node below etc/kubernetes/pki.
fn pki<'a>(files: &'a BTreeMap<String, Vec<u8>>, name: &str) -> &'a [u8] {
    files.get(&format!("nodes/cp-1/etc/kubernetes/pki/{name}")).unwrap_or_else(|| panic!("no {name}"))
}

/// The certificates that a kubeconfig trusts, and the kubeconfig without them.
fn trusted(kubeconfig: &[u8]) -> (Vec<u8>, String) {
    let text = str::from_utf8(kubeconfig).unwrap();
    let is_trust = |line: &&str| line.trim_start().starts_with("certificate-authority-data: ");
    let line = text.lines().find(is_trust).unwrap();
    let data = STANDARD.decode(line.split_once(": ").unwrap().1).unwrap();
    (data, text.lines().filter(|line| !is_trust(line)).collect::<Vec<_>>().join("\n"))
}

fn is_record(path: &str) -> bool {
    !path.contains("/etc/") && !path.contains("/var/") && !path.starts_with("cluster/")
}

#[test]
fn phase_1_changes_trust_and_nothing_else() {
    let desk = rotating();
    desk.succeed(BUILD);
    let [before, first, last] =
        ["lab-g1", "lab-g2-p1", "lab-g2-p3"].map(|name| unpacked(&desk, &format!("out/{name}.tar.gz")));
    for name in TRUST {
        assert_eq!(pki(&first, name), [pki(&before, name), pki(&last, name)].concat(), "{name}");
    }
    assert_eq!(pki(&first, "sa.pub"), [pki(&before, "sa.pub"), pki(&last, "sa.pub")].concat());
    assert_eq!(pki(&first, "ca-signing.crt"), pki(&before, "ca.crt"));
    for name in KUBECONFIGS {
        let path = format!("nodes/cp-1/etc/kubernetes/{name}");
        let ((now, rest), (_, rest_before)) = (trusted(&first[&path]), trusted(&before[&path]));
        assert_eq!((now, rest), (pki(&first, "ca.crt").to_vec(), rest_before), "{name}");
    }
    let is_trust = |path: &str| {
        TRUST.iter().any(|name| path.ends_with(&format!("pki/{name}")))
            || path.ends_with(".conf")
            || ["pki/sa.pub", "pki/ca-signing.crt", "backup/ca.crt", "cluster/profile.toml", "rotation/phase-1.sh"]
                .iter()
                .any(|end| path.ends_with(end))
    };
    let others = |files: &BTreeMap<String, Vec<u8>>| {
        let is_other = |(path, _): &(&String, &Vec<u8>)| !is_record(path) && !is_trust(path);
        files.iter().filter(is_other).map(|(path, content)| (path.clone(), content.clone())).collect::<Vec<_>>()
    };
    let (mine, theirs) = (others(&first), others(&before));
    assert!(mine.len() > 20, "{}", mine.len());
    assert_eq!(mine, theirs);
}

#[test]
fn phase_2_uses_the_new_ones_and_phase_3_is_what_a_build_without_phases_makes() {
    let desk = rotating();
    desk.succeed(BUILD);
    let [before, second, last] =
        ["lab-g1", "lab-g2-p2", "lab-g2-p3"].map(|name| unpacked(&desk, &format!("out/{name}.tar.gz")));
    for name in TRUST {
        assert_eq!(pki(&second, name), [pki(&last, name), pki(&before, name)].concat(), "{name}");
        let key = name.replace(".crt", ".key");
        assert_eq!(pki(&second, &key), pki(&last, &key), "{key}");
        assert_ne!(pki(&second, &key), pki(&before, &key), "{key}");
    }
    assert_eq!(pki(&second, "sa.pub"), [pki(&last, "sa.pub"), pki(&before, "sa.pub")].concat());
    assert_eq!(pki(&second, "ca-signing.crt"), pki(&last, "ca.crt"));
    assert!(!last.contains_key("nodes/cp-1/etc/kubernetes/pki/ca-signing.crt"));
    for name in ["apiserver.crt", "etcd/peer.crt", "front-proxy-client.crt", "sa.key"] {
        assert_eq!(pki(&second, name), pki(&last, name), "{name}");
    }
    // People get the kubeconfig of phase 2, which works from phase 1 on.
    assert_eq!(trusted(&second["cluster/users/alice.conf"]).0, pki(&second, "ca.crt"));

    let plain = Desk::in_memory();
    plain.write("lab.toml", profile(2, &ROTATES.replace("previous = { generation = 1 }\n", "")));
    plain.succeed(BUILD);
    let whole = unpacked(&plain, "out/lab-g2.tar.gz");
    let content = |files: &BTreeMap<String, Vec<u8>>| {
        let is_own = |path: &str| path == "cluster/profile.toml" || path == "cluster/rotation/phase-3.sh";
        let files = files.iter().filter(|(path, _)| !is_record(path) && !is_own(path));
        files.map(|(path, content)| (path.clone(), content.clone())).collect::<Vec<_>>()
    };
    assert_eq!(content(&last), content(&whole));
}

/// What has the trust of one phase takes at least what is issued in that phase, in the one before and in the one after.
#[test]
fn openssl_takes_the_leaves_of_neighbouring_phases() {
    let desk = rotating();
    desk.succeed(BUILD);
    let names = ["lab-g1", "lab-g2-p1", "lab-g2-p2", "lab-g2-p3"];
    let phases = names.map(|name| unpacked(&desk, &format!("out/{name}.tar.gz")));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    for (ca, leaf) in [
        ("ca.crt", "apiserver.crt"),
        ("etcd/ca.crt", "etcd/server.crt"),
        ("front-proxy-ca.crt", "front-proxy-client.crt"),
    ] {
        for (number, trusting) in phases.iter().enumerate() {
            for (other, issued) in phases.iter().enumerate() {
                let (trust, leaf) = (write("trust", pki(trusting, ca)), write("leaf", pki(issued, leaf)));
                let mut verify = tool("openssl");
                verify.args(["verify", "-no-CApath", "-no-CAstore", "-CAfile"]).arg(trust).arg(leaf);
                let is_taken = verify.output().unwrap().status.success();
                // Phases 0 and 1 issue under the old one, 2 and 3 under the new one.
                let expected = matches!((number, other), (1 | 2, _) | (0, 0 | 1) | (3, 2 | 3));
                assert_eq!(is_taken, expected, "{ca} of {number}, and what is issued in {other}");
            }
        }
    }
}

#[test]
fn each_bundle_verifies_and_a_rebuild_is_the_same() {
    let desk = rotating();
    desk.succeed(BUILD);
    for number in 1..=3 {
        let bundle = format!("out/lab-g2-p{number}.tar.gz");
        desk.succeed(&format!("verify {bundle} --key out/lab.pub"));
    }
    let state = desk.state();
    desk.succeed(BUILD);
    assert_eq!(desk.state(), state, "a build is the same each time");
    desk.succeed("build lab.toml --seed lab.seed --out again --locked");
    for number in 1..=3 {
        let read = |folder: &str| fs::read(desk.path(&format!("{folder}/lab-g2-p{number}.tar.gz"))).unwrap();
        assert_eq!(read("out"), read("again"), "phase {number}");
    }
}

/// What each phase changes and who restarts stands in `plan`, before and after the build.
#[test]
fn a_plan_shows_each_phase() {
    let desk = rotating();
    let plan = desk.succeed("plan lab.toml --changes");
    let each = "\nphase 1, every node trusts the new one, too:\n  + ca/etcd/trusted\n  + ca/front-proxy/trusted\n  + ca/kubernetes/trusted\n  \
                + sa/trusted\n\nto restart when it is installed:\n  \
                etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet  on cp-1\n  kubelet  on worker-1\n";
    assert!(plan.starts_with(each), "{plan}");
    let last = "\nphase 3, the old one ends:\n  - ca/etcd/trusted\n";
    assert!(
        plan.contains("\nphase 2, every node uses the new one:\n  ~ ca/etcd  generation 1 -> 2\n")
            && plan.contains(last)
    );
    assert!(!plan.contains("would be refused"), "{plan}");
    desk.succeed(BUILD);
    let after = desk.succeed("plan lab.toml --changes");
    assert!(after.starts_with(each) && after.ends_with("\nsince the lock: nothing changes\n"), "{after}");
    let document: serde_json::Value = serde_json::from_str(&desk.succeed("plan lab.toml -o json")).unwrap();
    let numbers: Vec<_> = document["phases"].as_array().unwrap().iter().map(|phase| phase["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    // What a build would refuse is said before.
    desk.write(
        "lab.toml",
        profile(2, &ROTATES.replacen("{ generation = 1 }", "{ generation = 1, algorithm = \"ecdsa-p384\" }", 1)),
    );
    let refused = desk.succeed("plan lab.toml --changes");
    assert!(refused.contains("\na build would be refused:\n"), "{refused}");
}

/// With the last phase everywhere, the profile loses `previous`: the same files, and no phase.
#[test]
fn the_rotation_ends_with_a_bundle_of_no_phase() {
    let desk = rotating();
    desk.succeed(BUILD);
    desk.write("lab.toml", profile(3, &ROTATES.replace("previous = { generation = 1 }\n", "")));
    desk.succeed(BUILD);
    let [last, after] = ["lab-g2-p3", "lab-g3"].map(|name| unpacked(&desk, &format!("out/{name}.tar.gz")));
    for (path, content) in after.iter().filter(|(path, _)| path.starts_with("nodes/") && !is_record(path)) {
        assert_eq!(last.get(path), Some(content), "{path}");
    }
    assert!(!desk.text("lab.lock.toml").contains("[[rotation]]"));
}

/// A node that comes in the midst of a rotation gets its part of each phase.
#[test]
fn a_node_can_come_in_the_midst() {
    let desk = rotating();
    desk.succeed(BUILD);
    let node = "\n[[node]]\nname = \"worker-2\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]\n";
    desk.write("lab.toml", profile(2, &format!("{ROTATES}{node}")));
    desk.succeed("build lab.toml --seed lab.seed --out new --only worker-2");
    let mut built: Vec<_> = fs::read_dir(desk.path("new")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    built.sort();
    let built: Vec<_> = built.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let phases: Vec<_> = built.iter().filter(|name| name.ends_with(".tar.gz")).map(|name| &name[..15]).collect();
    assert_eq!(phases, ["lab-g2-p1-only-", "lab-g2-p2-only-", "lab-g2-p3-only-"]);
    let lock = desk.text("lab.lock.toml");
    assert_eq!(lock.matches("\"node/worker-2\" = ").count(), 3, "{lock}");
    desk.succeed("build lab.toml --seed lab.seed --out locked --only worker-2 --locked");
}
