//! Writes a tree of files that appears as a whole.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::file_io::{create_new, parent, sync_folder, sync_folder_of};
use super::interrupt::{self, Temporary, Watch};
use super::leftovers::{self, create_locked_folder};

/// An entry of a tree to be written. The path is relative to the root of the tree, and has passed the checks of the
/// bundle.
pub enum TreeEntry<'a> {
    /// A regular file.
    File {
        /// The path of the file.
        path: &'a str,
        /// The permission bits.
        mode: u32,
        /// The content.
        content: &'a [u8],
    },
    /// A symbolic link.
    Link {
        /// The path of the link.
        path: &'a str,
        /// The target of the link.
        target: &'a str,
    },
}

/// Writes a tree to a folder that does not exist or is empty.
///
/// The tree appears as a whole or not at all, and is on the disk when this returns. Folders get mode 0755 whatever the
/// umask, and the root gets 0700, because there are keys in it. A signal that ends the process removes what was written
/// by then.
///
/// # Errors
/// Returns [`io::ErrorKind::DirectoryNotEmpty`] when something is there, otherwise what the file system said. Nothing
/// is left behind.
pub fn write_tree(root: &Path, entries: &[TreeEntry<'_>]) -> io::Result<()> {
    if root.is_symlink() || (root.exists() && fs::read_dir(root)?.next().is_some()) {
        return Err(io::ErrorKind::DirectoryNotEmpty.into());
    }
    leftovers::sweep(parent(root));
    let _watch = Watch::begin()?;
    let (_lock, staged) = {
        let mut temporaries = interrupt::hold();
        let (lock, staged) = create_locked_folder(root)?;
        temporaries.add(Temporary::Tree(staged.clone()));
        (lock, staged)
    };
    let written = (|| {
        for entry in entries {
            // A signal ends the process between two files.
            let _held = interrupt::hold();
            write_entry(&staged, entry)?;
        }
        compare(&staged, entries)
    })();
    let mut temporaries = interrupt::hold();
    let before = root.metadata().ok();
    // A rename replaces an empty folder, and nothing else.
    let placed = written.and_then(|()| fs::rename(&staged, root)).and_then(|()| {
        sync_folder_of(root).inspect_err(|_| {
            let _ = fs::rename(root, &staged);
            if let Some(before) = &before {
                let _ = fs::create_dir(root).and_then(|()| fs::set_permissions(root, before.permissions()));
            }
        })
    });
    if placed.is_err() {
        let _ = fs::remove_dir_all(&staged);
    }
    temporaries.clear();
    placed
}

fn write_entry(root: &Path, entry: &TreeEntry<'_>) -> io::Result<()> {
    match entry {
        TreeEntry::File { path, mode, content } => {
            let path = make_folders(root, path)?;
            let mut file = create_new(&path, *mode)?;
            file.write_all(content)?;
            file.sync_all()
        }
        TreeEntry::Link { path, target } => symlink(target, make_folders(root, path)?),
    }
}

/// Creates the folders that hold `path`, and returns where it is on the disk.
fn make_folders(root: &Path, path: &str) -> io::Result<PathBuf> {
    let mut place = root.to_owned();
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        place.push(name);
        if names.peek().is_some() && !place.exists() {
            fs::create_dir(&place)?;
            fs::set_permissions(&place, PermissionsExt::from_mode(0o755))?;
        }
    }
    Ok(place)
}

/// Checks that exactly these entries were written, and writes the names in each folder to the disk.
fn compare(root: &Path, entries: &[TreeEntry<'_>]) -> io::Result<()> {
    let mut expected: Vec<&str> = entries
        .iter()
        .map(|entry| match entry {
            TreeEntry::File { path, .. } | TreeEntry::Link { path, .. } => *path,
        })
        .collect();
    let mut found = Vec::new();
    for entry in WalkDir::new(root) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            sync_folder(entry.path())?;
        } else if let Ok(path) = entry.path().strip_prefix(root) {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    expected.sort_unstable();
    found.sort_unstable();
    if expected == found { Ok(()) } else { Err(io::Error::other("the folder does not hold what was written to it")) }
}
