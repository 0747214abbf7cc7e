//! A node that somebody else has installed gets the same CAs, renewed, and goes back to what it was in every respect.

use std::fs;
use std::path::Path;

use crate::common::node::{RENEWED, apply, foreign, rollback};
use crate::common::rights::{Right, lacks};
use crate::common::{succeed, tool};

const PKI: &str = "etc/kubernetes/pki";

/// Every entry with its kind, mode, owner, group, time and link, and the content of files. Folders that hold slots of
/// certferry's have the time at which the last one came or went.
fn everything(root: &Path) -> Vec<String> {
    let mut find = tool("find");
    find.arg(root).args(["-name", ".certferry", "-prune", "-o", "-printf", "%y %m %U %G %T@ %l %P\n"]);
    let lines = succeed(&mut find);
    let holds_slots = |path: &str| ["", "etc", "etc/kubernetes", "var", "var/lib", "var/lib/kubelet"].contains(&path);
    let mut all: Vec<_> = lines
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.splitn(7, ' ').collect();
            let path = fields[6];
            let time = if holds_slots(path) { "" } else { fields[4] };
            let content = fs::read(root.join(path)).unwrap_or_default();
            let known = [fields[0], fields[1], fields[2], fields[3], time, fields[5], path].join(" ");
            format!("{known} {}", String::from_utf8_lossy(&content))
        })
        .collect();
    all.sort();
    all
}

fn hash(root: &Path, place: &str) -> Vec<u8> {
    fs::read(root.join(PKI).join(place)).unwrap()
}

#[test]
fn what_was_there_comes_back_in_every_respect() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let root = foreign();
    let place = |name: &str| root.path().join(PKI).join(name);
    // As people and other programs leave things.
    succeed(tool("chown").args(["4711:4712"]).arg(place("notes")));
    succeed(tool("chown").args(["-h", "4711:4712"]).arg(place("link")));
    succeed(tool("chmod").arg("0640").arg(place("apiserver.key")));
    succeed(tool("chmod").arg("0750").arg(place("etcd")));
    for file in ["notes", "ca.crt", "link", "etcd/server.key"] {
        succeed(tool("touch").args(["-h", "-d", "2001-02-03 04:05:06.789"]).arg(place(file)));
    }
    let before = everything(root.path());
    let [key, tokens, certificate] = ["ca.key", "sa.key", "ca.crt"].map(|file| hash(root.path(), file));

    succeed(&mut apply(&RENEWED, "cp-1", root.path()));
    assert_eq!(
        [hash(root.path(), "ca.key"), hash(root.path(), "sa.key")],
        [key, tokens],
        "the same CA, the same tokens"
    );
    assert_ne!(hash(root.path(), "ca.crt"), certificate);
    assert_eq!(hash(root.path(), "notes"), b"by hand", "what is nobody's business stays");
    assert_eq!(fs::read_link(place("link")).unwrap().to_str(), Some("notes"));
    assert!(!root.path().join("etc/kubernetes/bootstrap-kubelet.conf").exists());
    succeed(&mut rollback(root.path()));
    assert_eq!(everything(root.path()), before);
    // Forth and back again.
    succeed(&mut rollback(root.path()));
    assert_ne!(hash(root.path(), "ca.crt"), certificate);
    succeed(&mut rollback(root.path()));
    assert_eq!(everything(root.path()), before);
}
