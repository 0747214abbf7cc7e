//! Links inside the folders of certificates: nothing is written through them. `apply`, its trial and install.sh refuse
//! them in the same words before anything changes, and so does the way back.

use std::fs;
use std::os::unix::fs::symlink;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::common::node::{apply, rollback};
use crate::common::{build_text, end, succeed};
use crate::install_sh::node::{FIRST, Node, SECOND, TOOLS, generation};

const PKI: &str = "etc/kubernetes/pki";
const KUBELET: &str = "var/lib/kubelet/pki";

/// Moves what is at a place elsewhere on the disk and leaves a link to it.
fn lead_away(node: &Node, place: &str, target: &str) {
    fs::create_dir_all(node.path("srv")).unwrap();
    fs::rename(node.path(place), node.path("srv/live")).unwrap();
    symlink(target, node.path(place)).unwrap();
}

fn text(place: &str, target: &str, end: &str) -> String {
    format!(
        "error: {place} is a link to {target}: the bundle's files are not written through it\nhint: what it leads to may be \
         somebody else's, such as a running etcd's; if the bundle's files belong here, remove the link (what it leads to \
         stays) and run this again; {end}\n"
    )
}

/// Asserts that both refuse, that a trial does, too, and that nothing on the disk changes.
#[track_caller]
fn refused(node: &Node, name: &str, by_apply: &str, by_script: &str) {
    for (bundle, further) in [(&*SECOND, &[][..]), (&*FIRST, &["--dry-run"])] {
        node.refuse(apply(bundle, name, node.root()).args(further), 2, by_apply);
        node.refuse(&mut node.command(&TOOLS, bundle, name, further), 2, by_script);
    }
}

#[track_caller]
fn link_is_refused(node: &Node, name: &str, place: &str, target: &str) {
    let by_apply = text(place, target, "the node's files are as they were");
    refused(node, name, &by_apply, &text(place, target, "nothing was changed"));
}

#[test]
fn a_link_where_the_bundle_has_a_folder_or_a_file_is_refused() {
    let installed = Node::with(&FIRST, "cp-1");
    let stored = fs::read_link(installed.path(KUBELET).join("kubelet-client-current.pem")).unwrap();
    let stored = format!("{KUBELET}/{}", stored.display());
    let cases = [
        // A folder of a running etcd; by its whole path below this root, and relative.
        ("etc/kubernetes/pki/etcd", "/srv/live"),
        ("etc/kubernetes/pki/etcd", "../../../srv/live"),
        ("etc/kubernetes/pki/etcd/ca.crt", "../../../../srv/live"),
        ("etc/kubernetes/pki/etcd/ca.key", "/srv/live"),
        ("etc/kubernetes/pki/ca.key", "/srv/live"),
        ("etc/kubernetes/pki/apiserver.crt", "/srv/live"),
        ("var/lib/kubelet/pki/kubelet.key", "/srv/live"),
        (&stored, "/srv/live"),
    ];
    cases.into_par_iter().for_each(|(place, target)| {
        let node = installed.copy();
        lead_away(&node, place, target);
        link_is_refused(&node, "cp-1", place, target);
        // As it says.
        fs::remove_file(node.path(place)).unwrap();
        succeed(&mut apply(&SECOND, "cp-1", node.root()));
        assert!(node.path("srv/live").exists(), "{place}");
    });
    // One that leads nowhere is a link all the same.
    let node = installed.copy();
    fs::remove_file(node.path("etc/kubernetes/pki/sa.key")).unwrap();
    symlink("nowhere", node.path("etc/kubernetes/pki/sa.key")).unwrap();
    link_is_refused(&node, "cp-1", "etc/kubernetes/pki/sa.key", "nowhere");
}

/// A node that certferry never was on: the folder of a running etcd, and a link to it.
#[test]
fn a_live_etcd_is_left_alone_on_a_fresh_node() {
    let node = Node::new();
    for folder in ["srv/live", PKI] {
        fs::create_dir_all(node.path(folder)).unwrap();
    }
    fs::write(node.path("srv/live/member-key.pem"), "a key of somebody else's").unwrap();
    symlink("/srv/live", node.path("etc/kubernetes/pki/etcd")).unwrap();
    link_is_refused(&node, "cp-1", "etc/kubernetes/pki/etcd", "/srv/live");
    // A worker has no files for etcd: the link stays, and the way back leads past it.
    let before = node.live();
    for by_script in [true, false] {
        let node = node.copy();
        if by_script {
            assert_eq!(node.install(&TOOLS, &FIRST, "worker-1", &[]).code, Some(0));
        } else {
            succeed(&mut apply(&FIRST, "worker-1", node.root()));
        }
        let link = fs::read_link(node.path("etc/kubernetes/pki/etcd")).unwrap();
        assert_eq!(link.to_str(), Some("/srv/live"));
        assert_eq!(fs::read_dir(node.path("srv/live")).unwrap().count(), 1);
        succeed(&mut rollback(node.root()));
        let after = node.live();
        assert!(before.iter().all(|(path, seen)| after.get(path) == Some(seen)), "by the script: {by_script}");
    }
}

/// kubespray leads pki to ssl: that folder is exchanged. A link in it is refused by its name in pki.
#[test]
fn the_folder_itself_may_be_a_link() {
    let node = Node::with(&FIRST, "cp-1");
    fs::rename(node.path(PKI), node.path("etc/kubernetes/ssl")).unwrap();
    symlink("ssl", node.path(PKI)).unwrap();
    let before = node.live();
    for by_script in [true, false] {
        let node = node.copy();
        if by_script {
            assert_eq!(node.install(&TOOLS, &SECOND, "cp-1", &[]).code, Some(0));
            assert_eq!(node.rollback(&TOOLS).code, Some(0));
        } else {
            succeed(&mut apply(&SECOND, "cp-1", node.root()));
            assert!(node.path(PKI).is_symlink());
            succeed(&mut rollback(node.root()));
        }
        assert!(node.live() == before, "by the script: {by_script}");
    }
    lead_away(&node, "etc/kubernetes/ssl/etcd", "/srv/live");
    link_is_refused(&node, "cp-1", "etc/kubernetes/pki/etcd", "/srv/live");
    // What it leads to may be on a disk that is not mounted.
    fs::remove_file(node.path(PKI)).unwrap();
    symlink("/gone", node.path(PKI)).unwrap();
    let hint = "hint: make the folder it leads to, mount its disk, or remove the link;";
    let place = node.path(PKI).display().to_string();
    refused(
        &node,
        "cp-1",
        &format!("error: {PKI} is a link that leads nowhere\n{hint} the node's files are as they were\n"),
        &format!("error: {place} is a link that leads nowhere\n{hint} nothing was changed\n"),
    );
}

#[test]
fn a_file_where_the_bundle_has_a_folder_is_refused() {
    let node = Node::with(&FIRST, "cp-1");
    fs::remove_dir_all(node.path("etc/kubernetes/pki/etcd")).unwrap();
    fs::write(node.path("etc/kubernetes/pki/etcd"), "").unwrap();
    let text = |end: &str| format!("error: {PKI}/etcd is not a folder\nhint: move it elsewhere; {end}\n");
    refused(&node, "cp-1", &text("the node's files are as they were"), &text("nothing was changed"));
}

/// Under the same CAs files are exchanged one by one; a folder above them that became a link since leads elsewhere.
#[test]
fn the_way_back_does_not_lead_through_a_link() {
    let node = Node::with(&FIRST, "cp-1");
    let leaves = build_text(&generation(2, |profile| {
        profile["node"][0].as_table_mut().unwrap().insert("generation".to_owned(), 2.into());
    }));
    let report = succeed(&mut apply(&leaves, "cp-1", node.root()));
    assert!(report.contains("etc/kubernetes/pki changes file by file"), "{report}");
    lead_away(&node, "etc/kubernetes/pki/etcd", "/srv/live");
    let place = "etc/kubernetes/pki/etcd";
    node.refuse(&mut rollback(node.root()), 2, &text(place, "/srv/live", "the node's files are as they were"));
    let before = node.live();
    let ended = end(&mut node.other_command(&TOOLS, "--rollback"));
    assert_eq!((ended.code, ended.stderr), (Some(2), text(place, "/srv/live", "nothing was changed")));
    assert!(node.live() == before);
    fs::remove_file(node.path(place)).unwrap();
    fs::rename(node.path("srv/live"), node.path(place)).unwrap();
    succeed(&mut rollback(node.root()));
}
