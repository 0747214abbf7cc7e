//! Changes of files without a change of a key or certificate: another server in a kubeconfig, a CA key no longer
//! shipped.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::changes::{Change, ChangeId, ChangeKind, ChangeReason, KUBERNETES_VERSION, change_of};
use crate::kubernetes::PartName;
use crate::plan::FileOutlines;

/// Returns the changes of files in parts that both sides have, beyond those that follow from `changes` of keys and
/// certificates, which are ordered by id. They come in the order of the new parts.
#[must_use]
pub fn file_changes(
    old: &BTreeMap<PartName, Cow<'_, FileOutlines>>,
    new: impl IntoIterator<Item = (PartName, FileOutlines)>,
    changes: &[Change],
) -> Vec<Change> {
    let is_told = |outline: &str| {
        let mut ids = outline.split([' ', ',']).filter_map(|word| word.parse().ok());
        ids.any(|id| change_of(changes, &id).is_some())
    };
    let mut found = Vec::new();
    for (part, files) in new {
        let Some(before) = old.get(&part) else { continue };
        if **before == files {
            continue;
        }
        let paths: BTreeSet<_> = before.keys().chain(files.keys()).collect();
        for path in paths {
            let row =
                |kind, reasons: Arc<[_]>| Change { id: ChangeId::File(part.clone(), path.to_string()), kind, reasons };
            found.extend(match (before.get(path), files.get(path)) {
                (Some(old), Some(new)) if old != new && !is_link(new) => {
                    Some(row(ChangeKind::Changed, Arc::new([difference(old, new)])))
                }
                (Some(old), None) if !is_link(old) && !is_told(old) => Some(row(ChangeKind::Removed, Arc::new([]))),
                (None, Some(new)) if !is_link(new) && !is_told(new) => Some(row(ChangeKind::Added, Arc::new([]))),
                _ => None,
            });
        }
    }
    found
}

/// Returns whether this is the kubelet's link. It changes only with its file, whose change is reported.
fn is_link(outline: &str) -> bool {
    outline.starts_with("link ")
}

fn difference(old: &str, new: &str) -> ChangeReason {
    let server = |outline: &str| {
        let (server, _) = outline.strip_prefix("kubeconfig ")?.split_once(" with ")?;
        Some(server.to_owned())
    };
    match (server(old), server(new)) {
        (Some(old), Some(new)) if old != new => ChangeReason::Value { field: "server", old, new },
        _ => {
            let (old, new) = if old.starts_with("kubeadm ") && new.starts_with("kubeadm ") {
                (only_in(old, new), only_in(new, old))
            } else {
                (old.to_owned(), new.to_owned())
            };
            match (version(&old), version(&new)) {
                (Some(old), Some(new)) => ChangeReason::Value { field: KUBERNETES_VERSION, old, new },
                _ => ChangeReason::Value { field: "content", old, new },
            }
        }
    }
}

/// Returns the version of Kubernetes, if that is the one setting.
fn version(settings: &str) -> Option<String> {
    settings.strip_prefix("Kubernetes ").filter(|version| !version.contains(',')).map(str::to_owned)
}

/// Returns what stands in one text and not in the other, of texts that list many settings.
fn only_in(text: &str, other: &str) -> String {
    let settings: BTreeSet<_> = other.split(", ").collect();
    let found: Vec<_> = text.split(", ").filter(|setting| !settings.contains(setting)).collect();
    if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::{Change, ChangeId, ChangeKind, ChangeReason, Cow, FileOutlines, PartName};

    fn node(name: &str) -> PartName {
        PartName::Node(name.to_owned())
    }

    fn files(name: &str, rows: &[(&str, &str)]) -> (PartName, FileOutlines) {
        (node(name), rows.iter().map(|&(path, outline)| (path.into(), outline.into())).collect())
    }

    fn file_changes(old: &(PartName, FileOutlines), new: &(PartName, FileOutlines), changes: &[Change]) -> Vec<Change> {
        let (part, files) = old;
        super::file_changes(&[(part.clone(), Cow::Borrowed(files))].into(), [new.clone()], changes)
    }

    #[test]
    fn only_what_no_certificate_tells_is_a_change_of_a_file() {
        let old = files("a", &[("ca.key", "key ca/etcd"), ("k", "kubeconfig https://a with x"), ("l", "link a")]);
        let new = files(
            "a",
            &[
                ("k", "kubeconfig https://b with x"),
                ("l", "link b"),
                ("n.crt", "certificate node/a/n"),
                ("p", "profile"),
            ],
        );
        assert_eq!(file_changes(&old, &old, &[]), []);
        assert_eq!(file_changes(&old, &files("b", &[("p", "profile")]), &[]), []);
        let row = |path: &str, kind, reasons: &[ChangeReason]| Change {
            id: ChangeId::File(node("a"), path.to_owned()),
            kind,
            reasons: reasons.into(),
        };
        let before = "kubeadm init of a at 1: v1beta3, Kubernetes 1.30.0, endpoint a, services b";
        let (before, after) = (
            files("a", &[("i", before)]),
            files("a", &[("i", "kubeadm init of a at 1: v1beta3, Kubernetes 1.30.1, endpoint a, SANs x, services b")]),
        );
        let content = ChangeReason::Value {
            field: "content",
            old: "Kubernetes 1.30.0".into(),
            new: "Kubernetes 1.30.1, SANs x".into(),
        };
        assert_eq!(file_changes(&before, &after, &[]), [row("i", ChangeKind::Changed, &[content])]);
        let told =
            "node/a/n".parse().map(ChangeId::Key).map(|id| Change { id, kind: ChangeKind::Added, reasons: [].into() });
        let server = ChangeReason::Value { field: "server", old: "https://a".into(), new: "https://b".into() };
        assert_eq!(
            file_changes(&old, &new, &Vec::from_iter(told)),
            [
                row("ca.key", ChangeKind::Removed, &[]),
                row("k", ChangeKind::Changed, &[server]),
                row("p", ChangeKind::Added, &[]),
            ]
        );
    }
}
