//! The files of one part, as its record lists them, and the entries that they become in the archive.

use super::error::RecordError;
use super::hex::Sha256;
use super::limits::{ENTRIES, FILE, PATH};
use super::mode::Mode;
use super::name::{compare_paths, folder, is_cluster_path, is_node_path};
use super::tar::Kind;
use crate::kubernetes::{PartName, usual_place};

/// The only symbolic link that a tree may hold. The kubelet's store of client certificates must be a link to be
/// rotated.
pub const KUBELET_CLIENT_LINK: &str = "var/lib/kubelet/pki/kubelet-client-current.pem";

/// The folders of a node's tree that get entries when they hold files; where its certificates lie in another folder than
/// kubeadm's own, that one. Entries for further folders would give the host's own folders another mode.
pub(crate) const FOLDERS: [&str; 4] =
    ["etc/kubernetes/", "etc/kubernetes/pki/", "etc/kubernetes/pki/etcd/", "var/lib/kubelet/pki/"];

/// One row of `files` in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A regular file.
    File {
        /// The path relative to the part's tree.
        path: String,
        /// The permissions.
        mode: Mode,
        /// The SHA-256 of the content.
        sha256: Sha256,
        /// The size in bytes.
        size: u64,
    },
    /// A symbolic link, [`KUBELET_CLIENT_LINK`].
    Link {
        /// The path relative to the part's tree.
        path: String,
        /// The name of a file in the same folder.
        target: String,
    },
}

impl Row {
    /// Returns the path relative to the part's tree.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. } | Self::Link { path, .. } => path,
        }
    }
}

/// Checks the rows of a part: paths, order, sizes, the link, the number of entries.
pub(super) fn check(part: &PartName, rows: &[Row]) -> Result<(), RecordError> {
    let path_allowed = match part {
        PartName::Node(_) => is_node_path,
        PartName::Cluster => is_cluster_path,
    };
    for row in rows {
        let path = row.path();
        if !path_allowed(path) {
            return Err(RecordError::Path { path: path.to_owned() });
        }
        if path.len() > PATH {
            return Err(RecordError::PathTooLong { path: path.to_owned(), limit: PATH });
        }
        if let Row::File { size, .. } = row
            && *size > FILE
        {
            return Err(RecordError::FileTooLarge { path: path.to_owned(), size: *size, limit: FILE });
        }
    }
    for (row, next) in rows.iter().zip(rows.iter().skip(1)) {
        if compare_paths(row.path(), next.path()).is_gt() {
            return Err(RecordError::Order { path: next.path().to_owned(), after: row.path().to_owned() });
        }
    }
    check_twins(rows)?;
    // This comes after the check for twins, so that a path which occurs once is searched for once.
    for row in rows {
        if let Row::Link { path, target } = row {
            check_link(part, path, target, rows)?;
        }
    }
    // The record and its signature are entries too.
    let count = entries("", part, rows).len() + 2;
    if count > ENTRIES { Err(RecordError::TooManyEntries { count, limit: ENTRIES }) } else { Ok(()) }
}

/// Checks that the link is in a node's tree, at its one place, and leads to a file beside it.
fn check_link(part: &PartName, path: &str, target: &str, rows: &[Row]) -> Result<(), RecordError> {
    let folder = path.trim_end_matches(|character| character != '/');
    let leads_to = |row: &Row| matches!(row, Row::File { path, .. } if path.strip_prefix(folder) == Some(target));
    if matches!(part, PartName::Node(_)) && path == KUBELET_CLIENT_LINK && rows.iter().any(leads_to) {
        Ok(())
    } else {
        Err(RecordError::Link { path: path.to_owned(), target: target.to_owned() })
    }
}

/// Checks that no path occurs twice, none is both a file and a folder, and no two paths, folders included, differ only
/// in case.
///
/// In an order that ignores case, paths that share a folder or a name stand together, so that comparing neighbours is
/// enough.
fn check_twins(rows: &[Row]) -> Result<(), RecordError> {
    // A slash sorts before every byte that a name may hold, so that paths are compared component by component.
    let fold = |byte: u8| if byte == b'/' { 0 } else { byte.to_ascii_lowercase() };
    let mut sorted: Vec<(usize, &str)> = rows.iter().map(Row::path).enumerate().collect();
    sorted.sort_by(|(_, left), (_, right)| left.bytes().map(fold).cmp(right.bytes().map(fold)));
    sorted.iter().zip(sorted.iter().skip(1)).try_for_each(|((left_row, left), (right_row, right))| {
        let (earlier, later) = if left_row < right_row { (left, right) } else { (right, left) };
        check_pair(earlier, later)
    })
}

fn check_pair(earlier: &str, later: &str) -> Result<(), RecordError> {
    let mut end = 0;
    for (name, twin) in later.split('/').zip(earlier.split('/')) {
        end += name.len();
        if name != twin {
            if !name.eq_ignore_ascii_case(twin) {
                return Ok(());
            }
            let upto = |path: &str| path.get(..end).unwrap_or_default().to_owned();
            return Err(RecordError::CaseTwins { path: upto(later), twin: upto(earlier) });
        }
        end += 1;
    }
    // One path ends here. It is the other path, or a folder of the other.
    let path = if later.len() < earlier.len() { later } else { earlier };
    Err(RecordError::Doubled { path: path.to_owned() })
}

/// An entry of a part's tree in the archive.
pub(super) enum Entry<'a> {
    /// A folder.
    Folder,
    /// A file or the link.
    Row(&'a Row),
}

impl<'a> Entry<'a> {
    /// Returns what the header of the entry says.
    pub(super) fn kind(&self) -> Kind<'a> {
        match self {
            Self::Folder => Kind::Folder,
            Self::Row(Row::File { mode, size, .. }) => Kind::File { mode: *mode, size: *size },
            Self::Row(Row::Link { target, .. }) => Kind::Link { target },
        }
    }
}

/// Returns the entries of a part's tree in archive order, with their full paths.
///
/// The writer writes them after a record and its signature, and the reader expects them there.
pub(super) fn entries<'a>(top: &str, part: &PartName, rows: &'a [Row]) -> Vec<(String, Entry<'a>)> {
    let tree = format!("{top}/{}/", folder(part));
    let mut entries = Vec::with_capacity(rows.len() + FOLDERS.len() + 1);
    let mut folders: &[&str] = &[];
    if let PartName::Node(_) = part {
        entries.push((tree.clone(), Entry::Folder));
        folders = &FOLDERS;
    }
    let mut made = [false; FOLDERS.len()];
    for row in rows {
        for (folder, made) in folders.iter().zip(&mut made) {
            if !*made && let Some(folder) = folder_of(row.path(), folder) {
                *made = true;
                entries.push((format!("{tree}{folder}"), Entry::Folder));
            }
        }
        entries.push((format!("{tree}{}", row.path()), Entry::Row(row)));
    }
    entries
}

/// Returns the folder on the way to a file that is one of [`FOLDERS`], as the part calls it.
fn folder_of<'a>(path: &'a str, folder: &'a str) -> Option<&'a str> {
    if path.starts_with(folder) {
        return Some(folder);
    }
    let rest = usual_place(path).strip_prefix(folder)?.len();
    path.get(..path.len().checked_sub(rest)?)
}

#[cfg(test)]
mod tests {
    use super::{Entry, KUBELET_CLIENT_LINK, Mode, PartName, Row, check, entries};
    use crate::bundle::error::RecordError;
    use crate::bundle::hex::Sha256;

    fn node() -> PartName {
        PartName::Node("cp-1".to_owned())
    }

    fn file(path: &str) -> Row {
        Row::File { path: path.to_owned(), mode: Mode::Public, sha256: Sha256::of(b""), size: 0 }
    }

    fn files(paths: &[&str]) -> Vec<Row> {
        paths.iter().map(|path| file(path)).collect()
    }

    fn link(path: &str, target: &str) -> Row {
        Row::Link { path: path.to_owned(), target: target.to_owned() }
    }

    #[test]
    fn makes_folder_entries_only_where_files_follow() {
        let rows = files(&[
            "etc/kubernetes/admin.conf",
            "etc/kubernetes/pki/etcd/ca.crt",
            "etc/kubernetes/pki/etcd.x",
            "etc/other/x",
            "var/lib/kubelet/config.yaml",
        ]);
        assert_eq!(check(&node(), &rows), Ok(()));
        let paths: Vec<_> = entries("t-g1", &node(), &rows)
            .into_iter()
            .map(|(path, entry)| {
                assert_eq!(path.ends_with('/'), matches!(entry, Entry::Folder));
                path
            })
            .collect();
        assert_eq!(
            paths,
            [
                "t-g1/nodes/cp-1/",
                "t-g1/nodes/cp-1/etc/kubernetes/",
                "t-g1/nodes/cp-1/etc/kubernetes/admin.conf",
                "t-g1/nodes/cp-1/etc/kubernetes/pki/",
                "t-g1/nodes/cp-1/etc/kubernetes/pki/etcd/",
                "t-g1/nodes/cp-1/etc/kubernetes/pki/etcd/ca.crt",
                "t-g1/nodes/cp-1/etc/kubernetes/pki/etcd.x",
                "t-g1/nodes/cp-1/etc/other/x",
                "t-g1/nodes/cp-1/var/lib/kubelet/config.yaml",
            ]
        );
        let elsewhere = files(&["etc/kubernetes/ssl/ca.crt", "etc/kubernetes/ssl/etcd/ca.crt"]);
        let paths: Vec<_> = entries("t-g1", &node(), &elsewhere).into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "t-g1/nodes/cp-1/",
                "t-g1/nodes/cp-1/etc/kubernetes/",
                "t-g1/nodes/cp-1/etc/kubernetes/ssl/",
                "t-g1/nodes/cp-1/etc/kubernetes/ssl/ca.crt",
                "t-g1/nodes/cp-1/etc/kubernetes/ssl/etcd/",
                "t-g1/nodes/cp-1/etc/kubernetes/ssl/etcd/ca.crt",
            ]
        );
        let cluster = entries("t-g1", &PartName::Cluster, &rows[..1]);
        assert_eq!(
            cluster.into_iter().map(|(path, _)| path).collect::<Vec<_>>(),
            ["t-g1/cluster/etc/kubernetes/admin.conf"]
        );
    }

    #[test]
    fn refuses_paths_of_the_wrong_part() {
        let rows = files(&["users/a@b.conf"]);
        assert_eq!(check(&PartName::Cluster, &rows), Ok(()));
        assert_eq!(check(&node(), &rows), Err(RecordError::Path { path: "users/a@b.conf".to_owned() }));
        assert!(matches!(check(&node(), &files(&["../x"])), Err(RecordError::Path { .. })));
    }

    #[test]
    fn refuses_other_orders_doubles_and_twins() {
        let check = |paths: &[&str]| check(&node(), &files(paths));
        assert!(matches!(check(&["b", "a"]), Err(RecordError::Order { .. })));
        assert!(matches!(check(&["a.x", "a/b"]), Err(RecordError::Order { .. })));
        assert!(matches!(check(&["a", "a"]), Err(RecordError::Doubled { .. })));
        assert!(matches!(check(&["a", "a/b"]), Err(RecordError::Doubled { .. })));
        assert!(matches!(check(&["A", "a"]), Err(RecordError::CaseTwins { .. })));
        assert!(matches!(check(&["A/x", "a/y"]), Err(RecordError::CaseTwins { .. })));
        assert!(matches!(check(&["A", "a/y"]), Err(RecordError::CaseTwins { .. })));
        assert_eq!(check(&["A/x", "A/y", "a.b"]), Ok(()));
        // Between the twins there is another file, in a folder that differs before them.
        let twins = check(&["etc/PKI/x", "etc/a", "etc/pki/y"]);
        assert_eq!(twins, Err(RecordError::CaseTwins { path: "etc/pki".to_owned(), twin: "etc/PKI".to_owned() }));
        // A folder of another name sorts between a file and its twin, unless a slash sorts first.
        assert!(matches!(check(&["a", "a-b", "a.b/x", "a/b"]), Err(RecordError::Order { .. })));
        assert_eq!(check(&["a", "a-b", "a.b/x"]), Ok(()));
        assert_eq!(check(&["X/y", "x-y"]), Ok(()));
    }

    /// The length of a path is limited, so that long paths and many folders cost no more than the rows themselves.
    #[test]
    fn limits_the_length_of_a_path() {
        let path = |names: usize| vec!["a"; names].join("/");
        assert_eq!(check(&node(), &files(&[&path(128)])), Ok(()));
        let longer = [&path(128), "bc"].concat();
        let expected = Err(RecordError::PathTooLong { path: longer.clone(), limit: 256 });
        assert_eq!(check(&node(), &files(&[&longer])), expected);
    }

    #[test]
    fn takes_the_one_link_only() {
        let target = "var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem";
        let good = [file(target), link(KUBELET_CLIENT_LINK, "kubelet-client-2026-11-22-00-00-00.pem")];
        assert_eq!(check(&node(), &good), Ok(()));
        assert!(matches!(check(&PartName::Cluster, &good), Err(RecordError::Link { .. })));
        for (path, to) in [
            (KUBELET_CLIENT_LINK, "absent.pem"),
            (KUBELET_CLIENT_LINK, "../pki/kubelet-client-2026-11-22-00-00-00.pem"),
            (KUBELET_CLIENT_LINK, "/var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem"),
            (KUBELET_CLIENT_LINK, "kubelet-client-current.pem"),
            (KUBELET_CLIENT_LINK, ""),
            ("var/lib/kubelet/pki/other.pem", "kubelet-client-2026-11-22-00-00-00.pem"),
        ] {
            let rows = [file(target), link(path, to)];
            assert!(matches!(check(&node(), &rows), Err(RecordError::Link { .. })), "{path} -> {to}");
        }
    }

    #[test]
    fn limits_sizes_and_entries() {
        let large = |size| [Row::File { path: "a".to_owned(), mode: Mode::Private, sha256: Sha256::of(b""), size }];
        assert_eq!(check(&node(), &large(4 << 20)), Ok(()));
        assert!(matches!(check(&node(), &large((4 << 20) + 1)), Err(RecordError::FileTooLarge { .. })));
        // The record, its signature and the folder of the node are three more entries.
        let rows: Vec<_> = (0..4094).map(|number| file(&format!("{number:04}"))).collect();
        assert_eq!(check(&node(), &rows[..4093]), Ok(()));
        assert_eq!(check(&node(), &rows), Err(RecordError::TooManyEntries { count: 4097, limit: 4096 }));
    }
}
