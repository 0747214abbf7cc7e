//! Checks modes and owners.

use super::finding::{Findings, shell_words};
use super::words::listed_files;
use crate::kubernetes::{KUBERNETES, MANIFESTS, usual_place};
use crate::tree::{Tree, TreeFile};

/// The folder of etcd's files in kubeadm's own folder of certificates. Where etcd is not a static pod, its own unit
/// runs it as another user, who may own them.
const ETCD: &str = "etc/kubernetes/pki/etcd/";

/// Reports files and folders that users other than the owner may change, or that do not belong to the owner of
/// `etc/kubernetes`.
pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    let owner = tree.folders.get(KUBERNETES).map(|(_, user)| *user);
    let is_etcds =
        |place: &str| usual_place(place).starts_with(ETCD) && !tree.is_there(&format!("{MANIFESTS}/etcd.yaml"));
    let manifests = tree.texts.iter().filter(|(place, _)| place.starts_with(MANIFESTS));
    for (place, file) in tree.pki.iter().chain(manifests) {
        // A secret that other users may change is reported by `key-mode` already.
        let is_public = [".crt", ".pub", ".yaml"].iter().any(|ending| place.ends_with(ending));
        if is_public && file.mode & 0o022 != 0 {
            findings.add("writable", place, &[("mode", &format!("{:04o}", file.mode))]);
        }
        if let Some(expected) = owner.filter(|owner| *owner != file.user && !is_etcds(place)) {
            owned(place, file.user, expected, findings);
        }
    }
    for (place, (mode, user)) in &tree.folders {
        if mode & 0o022 != 0 {
            findings.add("writable", place, &[("mode", &format!("{mode:04o}"))]);
        }
        let is_etcds = is_etcds(&format!("{place}/"));
        if let Some(expected) = owner.filter(|owner| owner != user && !is_etcds && place.starts_with(KUBERNETES)) {
            owned(place, *user, expected, findings);
        }
    }
}

fn owned(place: &str, user: u32, expected: u32, findings: &mut Findings) {
    findings.add("owner", place, &[("user", &user.to_string()), ("expected", &expected.to_string())]);
}

/// The fewest files with a private key of which a copy can be known by their modes: of two, both may have been opened.
const FEWEST: usize = 3;

/// Says once that no private key is for its owner alone, in place of once for each. So the files lie in a copy that
/// keeps no modes, such as a checkout of git, and on the node they may be as they must be.
pub(super) fn check_copy(tree: &Tree, findings: &mut Findings) {
    let open = findings.files_of("key-mode");
    let is_private = |file: &TreeFile| file.mode & 0o077 == 0 && holds_a_private_key(&file.content);
    if open.len() < FEWEST || tree.pki.values().chain(tree.homes.values()).any(is_private) {
        return;
    }
    for file in &open {
        findings.withdraw("key-mode", file);
    }
    let (count, files, paths) = (open.len().to_string(), listed_files(&open), shell_words(&open));
    if let Some(first) = open.first() {
        findings.add("copied-modes", first, &[("count", &count), ("files", &files), ("paths", &paths)]);
    }
}

/// Returns whether there is a private key in PEM, or in a kubeconfig.
fn holds_a_private_key(content: &[u8]) -> bool {
    let has = |words: &[u8]| content.windows(words.len()).any(|window| window == words);
    has(b"PRIVATE KEY-----") || has(b"client-key-data")
}
