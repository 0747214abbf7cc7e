//! The errors of changing a node's files.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::bundle::FORMAT;
use crate::host::{AttributeError, NodeRoot, NodeTree, reason};

/// The reason why a run failed.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The operating system refused.
    #[error("cannot {doing} {}: {}", path.display(), reason(error))]
    Io {
        /// What was tried, such as `read` or `create`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The answer of the operating system.
        error: io::Error,
    },
    /// A file has an extended attribute that its copy cannot have.
    #[error(
        "cannot copy {}: it has the extended attribute {}, which its file system lists and refuses to set: {}",
        .0.path.display(), .0.name, reason(&.0.error)
    )]
    Attribute(AttributeError),
    /// Another run has the lock.
    #[error("another certferry is at work on this node")]
    Locked,
    /// The state that certferry keeps on the node cannot be read.
    #[error("what certferry remembers of this node cannot be read: {file}")]
    BrokenState {
        /// The name of the file: `journal`, `units`, `installed`, `accepted`, `not_after` or `restart`.
        file: &'static str,
    },
    /// Another version of certferry, with another bundle format, has installed what is there.
    #[error("what is installed has the bundle format {found}, and this certferry knows the format {FORMAT}")]
    OtherFormat {
        /// The format that the record names.
        found: String,
    },
    /// An interrupted run cannot be completed before somebody moves away what another program has put at a place since.
    #[error("an interrupted run cannot be brought to its end: somebody else has put something at {place} since")]
    InTheWay {
        /// The place.
        place: String,
    },
    /// An interrupted run cannot be completed, because what it staged for a place is gone or damaged.
    #[error("an interrupted run cannot be brought to its end: what was to go to {place} is no longer as it was staged")]
    Lost {
        /// The place.
        place: String,
    },
    /// Somebody has written to a file before an interrupted run was completed. What was written is kept, and the next
    /// generation would drop it.
    #[error(
        "an interrupted run was brought to its end; before that somebody had written to {place}: it is {kept} now, and the \
         next generation would drop it"
    )]
    WrittenSince {
        /// The place.
        place: String,
        /// The place where it is kept.
        kept: String,
    },
    /// A backup that only a person may drop would be dropped.
    #[error("{} holds {what}, and would be dropped", path.display())]
    Backup {
        /// The path of its folder.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The PKI holds something that cannot be carried over: a socket, a pipe or a device.
    #[error("{place} is a socket, a pipe or a device, and cannot be carried over")]
    Special {
        /// The place.
        place: String,
    },
    /// A symbolic link stands where the bundle has a file or a folder. Nothing is written through it, because what it
    /// leads to may be another program's.
    #[error("{place} is a link to {target}: the bundle's files are not written through it")]
    Link {
        /// The place of the link.
        place: String,
        /// The text of the link.
        target: String,
    },
    /// A folder of the bundle is a symbolic link on the node, and what it leads to does not exist.
    #[error("{place} is a link that leads nowhere")]
    DanglingLink {
        /// The place of the link.
        place: String,
    },
    /// Something else stands where the bundle has a folder.
    #[error("{place} is not a folder")]
    NotAFolder {
        /// The place.
        place: String,
    },
    /// A path that must be moved contains white space, which the journal cannot hold.
    #[error("there is white space in the path `{}`", place.escape_debug())]
    WhiteSpace {
        /// The place.
        place: String,
    },
    /// A name is not UTF-8, which the record of an installation cannot hold.
    #[error("the name of {path:?} is not UTF-8")]
    NotUtf8 {
        /// The path of the entry.
        path: PathBuf,
    },
    /// The folder of certferry's state may be changed by others, so that nothing in it can be believed.
    #[error("{} {what}: nothing in it is believed", path.display())]
    StateOfOthers {
        /// The path of the folder.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is no generation to go back to.
    #[error("there is no generation to go back to")]
    NoPrevious,
    /// The swap failed half-way, and could not be undone.
    #[error("the swap failed half-way, and so did the way back: {cause}")]
    Stuck {
        /// The first error.
        cause: Box<NodeError>,
    },
    /// Everything is swapped, but the run could not tidy up after itself.
    #[error("the files are swapped, but what was before could not be put away: {cause}")]
    Untidy {
        /// The error.
        cause: Box<NodeError>,
    },
}

impl NodeError {
    /// Returns the error for what the operating system refused at a place.
    pub(super) fn io(doing: &'static str, tree: &NodeTree, place: &str, error: io::Error) -> Self {
        Self::io_in(doing, tree.reading(), place, error)
    }

    /// Returns the error for a folder whose names cannot be listed.
    pub(super) fn names((path, error): (PathBuf, io::Error)) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidFilename => Self::NotUtf8 { path },
            _ => Self::Io { doing: "read", path, error },
        }
    }

    /// Returns the error for what the operating system refused at a place below a root that is only read.
    pub(super) fn io_in(doing: &'static str, root: &NodeRoot, place: &str, error: io::Error) -> Self {
        let path = root.path(place);
        match error.downcast::<AttributeError>() {
            Ok(error) => Self::Attribute(error),
            Err(error) => Self::Io { doing, path, error },
        }
    }
}
