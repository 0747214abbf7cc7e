//! What changes on a node: files, folders and units, as data.

use std::borrow::Cow;

use super::unit::Unit;
use crate::host::{FileOwner, Found};

/// A file of the part that differs from the node's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The place of the file.
    pub place: String,
    /// The difference.
    pub difference: Difference,
}

/// The difference between a file of the part and the node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The node has no such file.
    New,
    /// The bytes or the kind of entry differ.
    Content,
    /// The permissions or the owner differ.
    Mode,
}

/// A file on the node that is kept only in the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The place of the file.
    pub place: String,
    /// The reason.
    pub reason: Reason,
}

/// The reason why a file is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It belongs to the CA at this place, which is replaced.
    Replaced(String),
    /// The kubelet would use it in place of what the part brings.
    Stale,
    /// The installed generation brought it, and the part does not have it: a root that is not to be trusted any more.
    NotInPart,
}

/// The way in which the files of a folder change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The folder is exchanged as a whole.
    Folder,
    /// Each file is exchanged by itself. Under the same CAs a running API server reads them again in the folder that it
    /// sees.
    Files,
    /// Each file is exchanged by itself, because the folder is a mount point, which cannot be moved.
    MountPoint,
    /// Each file is exchanged by itself, because the file system may not rename the folder.
    Overlay,
}

/// A unit, and what is to be live in it.
pub(super) struct Staged<'a> {
    pub(super) unit: Unit,
    /// No entry, one entry, or a folder and everything in it. Paths are relative to the unit, and folders come before
    /// their files.
    pub(super) entries: Vec<Entry<'a>>,
}

/// An entry to be staged.
pub(super) struct Entry<'a> {
    /// The path relative to the unit. It is empty for the unit itself.
    pub(super) path: String,
    pub(super) owner: FileOwner,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    /// A folder, with the access control lists of the one at a place when it takes its place.
    Folder {
        mode: u32,
        like: Option<String>,
    },
    File {
        mode: u32,
        bytes: Cow<'a, [u8]>,
    },
    Link {
        target: String,
    },
    /// A copy of the entry at this place.
    Copy {
        from: String,
        found: Found,
    },
}
