//! Checks modes and owners.

use super::finding::Findings;
use crate::kubernetes::{KUBERNETES, MANIFESTS, usual_place};
use crate::tree::Tree;

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
