//! Every file and folder of a node is lost, emptied or taken from somewhere else, one at a time: what a program reads is
//! missed, and the first line names it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use certferry::bundle::KUBELET_CLIENT_LINK;

use crate::common::{build, certferry, profile, run};
use crate::doctor::{AT, Node, put};
use crate::planting::{GENUINE, PKI};

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Deleted,
    Emptied,
    OfAnotherCluster,
}

/// The files that no program on the node reads: people and kubeadm do.
const UNREAD: [&str; 6] = [
    "etc/hostname",
    "etc/kubernetes/admin.conf",
    "etc/kubernetes/super-admin.conf",
    "etc/kubernetes/pki/front-proxy-ca.key",
    "etc/kubernetes/pki/etcd/ca.key",
    // Only its absence says something: the kubelet then starts with what its flags say.
    "var/lib/kubelet/config.yaml",
];

fn files(root: &Path) -> Vec<String> {
    let mut open = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Returns the exit code, and the place that the first paragraph names.
fn first(root: &Path) -> (Option<i32>, String) {
    let output = run(certferry().arg("doctor").arg(root).args(["--at", AT]));
    let said = String::from_utf8(output.stdout).unwrap();
    let paragraph = said.split("\n  why:").next().unwrap_or_default();
    (output.status.code(), paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Does harm to each file of a node and says which were not missed.
fn unmissed(node: &Path, other: impl Fn(&str) -> Option<Vec<u8>>) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for place in files(node) {
        for harm in [Harm::Deleted, Harm::Emptied, Harm::OfAnotherCluster] {
            let path = node.join(&place);
            let link = fs::read_link(&path).ok();
            let content = fs::read(&path).unwrap();
            match (harm, other(&place)) {
                (Harm::Deleted, _) => fs::remove_file(&path).unwrap(),
                (Harm::Emptied, _) if link.is_none() => fs::write(&path, "").unwrap(),
                (Harm::OfAnotherCluster, Some(theirs)) if link.is_none() && theirs != content => {
                    fs::write(&path, theirs).unwrap();
                }
                _ => continue,
            }
            let (code, said) = first(node);
            match &link {
                Some(target) => {
                    let _ = fs::remove_file(&path);
                    std::os::unix::fs::symlink(target, &path).unwrap();
                }
                None if matches!(harm, Harm::Deleted) => {
                    put(&path, content);
                    let mode = if place.ends_with(".crt") { 0o644 } else { 0o600 };
                    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
                }
                None => fs::write(&path, content).unwrap(),
            }
            if UNREAD.contains(&place.as_str()) {
                continue;
            }
            count += 1;
            // The kubelet knows its store by the name of the link.
            let known_as = if place.contains("/kubelet-client-2") { KUBELET_CLIENT_LINK } else { &place };
            if code != Some(1) || !said.contains(known_as) {
                wrong.push(format!("{place} {harm:?}: {code:?} {said:.300}"));
            }
        }
    }
    (count, wrong)
}

fn folders(root: &Path) -> BTreeSet<String> {
    let files = files(root);
    let above = files.iter().flat_map(|file| file.match_indices('/').map(|(end, _)| file[..end].to_owned()));
    let own = ["etc", "var", "var/lib"];
    above.filter(|folder| !own.contains(&folder.as_str())).collect()
}

/// Moves each folder away and says which were not missed.
fn unmissed_folders(node: &Path) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for folder in folders(node) {
        let (path, away) = (node.join(&folder), node.with_extension("away"));
        fs::rename(&path, &away).unwrap();
        let (code, said) = first(node);
        fs::rename(&away, &path).unwrap();
        count += 1;
        if code == Some(0) || !(said.contains(&folder) || code == Some(2)) {
            wrong.push(format!("{folder}: {code:?} {said:.300}"));
        }
    }
    (count, wrong)
}

#[test]
fn nothing_is_lost_on_a_control_plane_without_a_word() {
    let node = Node::control_plane(|_, _| {});
    let [_, other] = GENUINE.clone();
    let theirs = |place: &str| {
        let mut other = other.clone();
        let tree = other.tree("node/cp-1");
        tree.files.get(place).map(|(_, content)| content.clone())
    };
    let (count, wrong) = unmissed(&node.path(""), theirs);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 60, "{count}");
    let (count, wrong) = unmissed_folders(&node.path(""));
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn nothing_is_lost_on_a_worker_without_a_word() {
    let node = Node::of("node/w-1", |_, _| {});
    let [_, other] = GENUINE.clone();
    let theirs = |place: &str| {
        let mut other = other.clone();
        other.tree("node/w-1").files.get(place).map(|(_, content)| content.clone())
    };
    let (count, wrong) = unmissed(&node.path(""), theirs);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    let (count, wrong) = unmissed_folders(&node.path(""));
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn nothing_is_lost_on_a_member_of_etcd_without_a_word() {
    let bundle = build(&profile("ha-external-etcd"));
    let nodes = fs::read_dir(bundle.untar().join("nodes")).unwrap().map(|node| node.unwrap().path());
    let is_etcds = |node: &std::path::PathBuf| {
        node.join(PKI).join("etcd/server.crt").exists() && !node.join(PKI).join("apiserver.crt").exists()
    };
    let name = nodes.filter(|node| node.is_dir()).find(is_etcds).unwrap();
    let node = bundle.unpack(name.file_name().unwrap().to_str().unwrap());
    let (count, wrong) = unmissed(&node, |_| None);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
