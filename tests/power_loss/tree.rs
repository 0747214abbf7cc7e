//! Trees of files: read from a disk, written to one, and told apart by a hash.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::trace::is_of;

/// What is at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) attributes: Attributes,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Folder,
    File(Arc<Vec<u8>>),
    Link(String),
}

/// What is below a root, by its place.
pub(crate) type Tree = BTreeMap<String, Seen>;

impl Seen {
    pub(crate) fn content(&self) -> &[u8] {
        match &self.what {
            What::File(content) => content,
            What::Folder | What::Link(_) => &[],
        }
    }
}

/// Reads what is below a root, and there in or above these folders, if any is named.
pub(crate) fn read(root: &Path, folders: &[&str]) -> Tree {
    let walk = WalkDir::new(root).min_depth(1).into_iter();
    let walk = walk.filter_entry(|entry| is_of(folders, entry.path().strip_prefix(root).unwrap().to_str().unwrap()));
    walk.map(|entry| {
        let entry = entry.unwrap();
        let path = entry.path();
        let metadata = path.symlink_metadata().unwrap();
        let what = if metadata.is_dir() {
            What::Folder
        } else if metadata.is_symlink() {
            What::Link(fs::read_link(path).unwrap().to_str().unwrap().to_owned())
        } else {
            What::File(Arc::new(fs::read(path).unwrap()))
        };
        let attributes = Attributes { mode: metadata.mode() & 0o7777, owner: (metadata.uid(), metadata.gid()) };
        let place = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        (place, Seen { attributes, what })
    })
    .collect()
}

/// Writes a tree to an empty folder.
pub(crate) fn write(root: &Path, tree: &Tree) {
    for (place, seen) in tree {
        let (path, mode) = (root.join(place), seen.attributes.mode);
        match &seen.what {
            What::Folder => fs::DirBuilder::new().mode(0o700).create(&path).unwrap(),
            What::Link(target) => symlink(target, &path).unwrap(),
            What::File(content) => {
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
                file.write_all(content).unwrap();
            }
        }
        let (user, group) = seen.attributes.owner;
        if (user, group) != (0, 0) {
            lchown(&path, Some(user), Some(group)).unwrap();
        }
        if !matches!(seen.what, What::Link(_)) {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
    }
}

/// The hash of a tree, which tells it from any other.
pub(crate) fn hash(tree: &Tree) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (place, Seen { attributes, what }) in tree {
        let (kind, content): (u8, &[u8]) = match what {
            What::Folder => (0, &[]),
            What::File(content) => (1, content),
            What::Link(target) => (2, target.as_bytes()),
        };
        let length = u64::try_from(content.len()).unwrap();
        hash.update(place);
        hash.update([0, kind]);
        hash.update(attributes.mode.to_le_bytes());
        hash.update(attributes.owner.0.to_le_bytes());
        hash.update(attributes.owner.1.to_le_bytes());
        hash.update(length.to_le_bytes());
        hash.update(content);
    }
    hash.finalize().into()
}
