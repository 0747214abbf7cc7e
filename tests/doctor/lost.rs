//! Every file and folder of a node is lost, emptied or taken from somewhere else, one at a time: what a program reads
//! is missed, and the first line names it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use certferry::bundle::KUBELET_CLIENT_LINK;
use certferry::doctor::{Question, examine};
use certferry::host::NodeRoot;
use certferry::kubernetes::CertificatesDir;
use certferry::tree::Tree;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::common::node::{FIRST, SECOND, applied};
use crate::common::{build, certferry, profile, run};
use crate::doctor::{AT, Node, put};
use crate::planting::{GENUINE, PKI};

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Deleted,
    Emptied,
    /// What lies at the same place elsewhere.
    Replaced,
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
            if entry.file_name() == ".certferry" {
                continue;
            }
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
        for harm in [Harm::Deleted, Harm::Emptied, Harm::Replaced] {
            let path = node.join(&place);
            let link = fs::read_link(&path).ok();
            let content = fs::read(&path).unwrap();
            match (harm, other(&place)) {
                (Harm::Deleted, _) => fs::remove_file(&path).unwrap(),
                (Harm::Emptied, _) if link.is_none() => fs::write(&path, "").unwrap(),
                (Harm::Replaced, Some(theirs)) if link.is_none() && theirs != content => {
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
            // The kubelet knows its store by the name of the link. What people may take away is a note.
            let is_link = place.contains("/kubelet-client-2") && said.contains(KUBELET_CLIENT_LINK);
            let is_note = code == Some(0) && said.starts_with("note: ") && place.ends_with("ca.key");
            if !(code == Some(1) || is_note) || !(said.contains(&place) || is_link) {
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

/// The rules about what is known of a node besides its files.
pub(crate) const RULES: [&str; 3] = ["changed-since-install", "taken-away", "api-server-since"];

/// With a record of what was installed, what an older generation or another node has is missed as well.
#[test]
fn nothing_is_changed_on_an_installed_node_without_a_word() {
    let (older, other) = (applied(&FIRST, "cp-1"), applied(&SECOND, "worker-1"));
    let node = applied(&SECOND, "cp-1");
    assert_eq!(first(node.path()).0, Some(0), "{}", first(node.path()).1);
    for theirs in [older.path(), other.path()] {
        let (count, wrong) = unmissed(node.path(), |place| fs::read(theirs.join(place)).ok());
        assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    }
    let ca = node.path().join(PKI).join("ca.crt");
    fs::write(&ca, fs::read(older.path().join(PKI).join("ca.crt")).unwrap()).unwrap();
    let (_, said) = first(node.path());
    assert!(said.starts_with("problem: etc/kubernetes/pki/ca.crt was "), "{said}");
    assert!(said.ends_with(" after generation 2 was installed"), "{said}");
}

#[test]
fn what_people_may_take_away_is_a_note() {
    let node = applied(&FIRST, "cp-1");
    fs::remove_file(node.path().join("etc/kubernetes/admin.conf")).unwrap();
    let output = run(certferry().arg("doctor").arg(node.path()).args(["--at", AT]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("note: etc/kubernetes/admin.conf was taken away, and no program on the node reads it\n"),
        "{said}"
    );
}

/// The certificate with which an API server calls itself ends a year after its start.
#[test]
fn an_api_server_that_has_run_for_too_long_is_told() {
    let node = Node::control_plane(|_, _| {});
    let tree = Tree::read(NodeRoot::new(node.path("")), CertificatesDir::default()).unwrap();
    let since = datetime!(2026-12-01 0:00 UTC);
    let told = |at: OffsetDateTime| {
        let question = Question {
            tree: Some(&tree),
            installed: None,
            is_copy: false,
            api_server_since: Some(since),
            objects: &[],
            at,
            expiring_by: at,
        };
        let findings = examine(&question).findings;
        let found = findings.into_iter().find(|finding| finding.rule.id == "api-server-since");
        found.map(|finding| (finding.severity.name(), finding.what))
    };
    assert_eq!(told(datetime!(2027-06-01 0:00 UTC)), None);
    let what = |verb: &str| {
        format!(
            "kube-apiserver has run since 2026-12-01T00:00:00Z, and its certificate for calls to itself {verb} at \
             2027-12-01T00:00:00Z"
        )
    };
    assert_eq!(told(datetime!(2027-07-01 0:00 UTC)), Some(("warning", what("ends"))));
    assert_eq!(told(datetime!(2027-12-02 0:00 UTC)), Some(("problem", what("ended"))));
}
