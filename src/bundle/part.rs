//! The files of one part, as the code that lays them out passes them on.

use zeroize::Zeroizing;

use super::error::RecordError;
use super::hex::Sha256;
use super::mode::Mode;
use super::name::compare_paths;
use super::record::PartOwner;
use super::rows::{self, Row};

/// The content of a file, which may be a key and is therefore wiped when dropped.
pub type Content = Zeroizing<Vec<u8>>;

/// A file to ship.
pub enum File {
    /// A regular file.
    Regular {
        /// The path relative to the part's tree: `etc/kubernetes/pki/ca.crt` for a node.
        path: String,
        /// The permissions.
        mode: Mode,
        /// The content, at most 4 MiB.
        content: Content,
    },
    /// The kubelet's link, [`super::KUBELET_CLIENT_LINK`].
    Link {
        /// The path relative to the part's tree.
        path: String,
        /// The name of a file in the same folder.
        target: String,
    },
}

/// The files of one node, or of the whole cluster, in archive order.
///
/// Only [`Self::new`] makes one, so that a record can always describe it.
pub struct Part {
    owner: PartOwner,
    rows: Vec<Row>,
    /// The content of each row, empty for a link.
    contents: Vec<Content>,
}

impl Part {
    /// Sorts and checks the files of a part.
    ///
    /// # Errors
    ///
    /// Fails when a record of this format cannot hold a name, address, path or size, and when two paths are equal or
    /// differ only in case.
    pub fn new(owner: PartOwner, files: Vec<File>) -> Result<Self, RecordError> {
        owner.check()?;
        let mut files: Vec<(Row, Content)> = files.into_iter().map(describe).collect();
        files.sort_by(|(left, _), (right, _)| compare_paths(left.path(), right.path()));
        let (rows, contents): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        rows::check(&owner.part(), &rows)?;
        Ok(Self { owner, rows, contents })
    }

    /// Returns the node or cluster whose files these are.
    #[must_use]
    pub const fn owner(&self) -> &PartOwner {
        &self.owner
    }

    /// Returns the rows of the record, in archive order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns each file with its content, in archive order. The content of a link is empty.
    pub fn files(&self) -> impl Iterator<Item = (&Row, &[u8])> {
        self.rows.iter().zip(self.contents.iter().map(|content| content.as_slice()))
    }
}

fn describe(file: File) -> (Row, Content) {
    match file {
        File::Regular { path, mode, content } => {
            (Row::File { path, mode, sha256: Sha256::of(&content), size: content.len() as u64 }, content)
        }
        File::Link { path, target } => (Row::Link { path, target }, Content::default()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::{Content, File, Mode, Part, PartOwner, RecordError, Row, Sha256};
    use crate::bundle::record::Node;
    use crate::kubernetes::{CertificatesDir, Role};

    fn file(path: &str, content: &[u8]) -> File {
        File::Regular { path: path.to_owned(), mode: Mode::Public, content: Content::new(content.to_vec()) }
    }

    #[test]
    fn sorts_files_and_describes_them() {
        let files = vec![file("b", b"2"), file("a.x", b"1"), file("a/b", b"0")];
        let part = Part::new(PartOwner::Cluster, files).ok().unwrap();
        let found: Vec<_> = part.files().map(|(row, content)| (row.path(), content)).collect();
        assert_eq!(found, [("a/b", &b"0"[..]), ("a.x", b"1"), ("b", b"2")]);
        let row = Row::File { path: "b".to_owned(), mode: Mode::Public, sha256: Sha256::of(b"2"), size: 1 };
        assert_eq!(part.rows()[2], row);
    }

    #[test]
    fn refuses_what_a_record_cannot_hold() {
        let problem = |owner, files| Part::new(owner, files).err();
        let twice = vec![file("a", b""), file("b", b""), file("a", b"")];
        assert!(matches!(problem(PartOwner::Cluster, twice), Some(RecordError::Doubled { .. })));
        let up = vec![file("../a", b"")];
        assert!(matches!(problem(PartOwner::Cluster, up), Some(RecordError::Path { .. })));
        let nameless = Node {
            name: "cp-1".to_owned(),
            role: Role::Worker,
            names: Vec::new(),
            addresses: Vec::new(),
            certificates_dir: CertificatesDir::default(),
        };
        let nameless = PartOwner::Node(nameless);
        assert!(matches!(problem(nameless, Vec::new()), Some(RecordError::Field { field: "names", .. })));
    }
}
