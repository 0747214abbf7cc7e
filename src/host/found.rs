//! What stands at a place of a disk.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// What was found at a place. A link is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The kind of the entry.
    pub kind: FoundKind,
    /// The permission bits.
    pub mode: u32,
    /// The user and group that own the entry.
    pub owner: FileOwner,
    /// The time of the last change of the content.
    pub modified: SystemTime,
}

/// The kind of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, with its target.
    Link(String),
    /// A socket, a pipe or a device.
    Special,
}

/// The ids of a user and a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOwner {
    /// The id of the user.
    pub user: u32,
    /// The id of the group.
    pub group: u32,
}

/// Returns what is at a path, or `None` when nothing is there.
pub(super) fn look(path: &Path) -> io::Result<Option<Found>> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let kind = if metadata.is_file() {
        FoundKind::File
    } else if metadata.is_dir() {
        FoundKind::Folder
    } else if metadata.is_symlink() {
        let target = fs::read_link(path)?.into_os_string().into_string();
        FoundKind::Link(target.map_err(|_| io::ErrorKind::InvalidFilename)?)
    } else {
        FoundKind::Special
    };
    Ok(Some(Found {
        kind,
        mode: metadata.mode() & 0o7777,
        owner: FileOwner { user: metadata.uid(), group: metadata.gid() },
        modified: metadata.modified()?,
    }))
}
