//! Changes of files without a change of a key or certificate: another server in a kubeconfig, a CA key no longer
//! shipped.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Change, ChangeId, ChangeKind, ChangeReason};
use crate::kubernetes::PartName;
use crate::plan::FileOutlines;

/// Returns the changes of files in parts that both sides have, beyond those that follow from `changes` of keys and
/// certificates. They come in the order of the new parts.
#[must_use]
pub fn file_changes(
    old: &BTreeMap<PartName, Cow<'_, FileOutlines>>,
    new: impl IntoIterator<Item = (PartName, FileOutlines)>,
    changes: &[Change],
) -> Vec<Change> {
    let told: BTreeSet<_> = changes.iter().map(|change| change.id.to_string()).collect();
    let is_told = |outline: &str| outline.split([' ', ',']).any(|word| told.contains(word));
    let mut found = Vec::new();
    for (part, files) in new {
        let Some(before) = old.get(&part) else { continue };
        let paths: BTreeSet<_> = before.keys().chain(files.keys()).collect();
        for path in paths {
            let row = |kind, reasons| Change { id: ChangeId::File(part.clone(), path.to_string()), kind, reasons };
            found.extend(match (before.get(path), files.get(path)) {
                (Some(old), Some(new)) if old != new && !is_link(new) => {
                    Some(row(ChangeKind::Changed, vec![difference(old, new)]))
                }
                (Some(old), None) if !is_link(old) && !is_told(old) => Some(row(ChangeKind::Removed, Vec::new())),
                (None, Some(new)) if !is_link(new) && !is_told(new) => Some(row(ChangeKind::Added, Vec::new())),
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
        _ => ChangeReason::Value { field: "content", old: old.to_owned(), new: new.to_owned() },
    }
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
        let row = |path: &str, kind, reasons| Change { id: ChangeId::File(node("a"), path.to_owned()), kind, reasons };
        let told = row("n", ChangeKind::Added, vec![]);
        let server = ChangeReason::Value { field: "server", old: "https://a".into(), new: "https://b".into() };
        assert_eq!(
            file_changes(&old, &new, &[told]),
            [
                row("ca.key", ChangeKind::Removed, vec![]),
                row("k", ChangeKind::Changed, vec![server]),
                row("p", ChangeKind::Added, vec![]),
            ]
        );
    }
}
