//! Why a node's files could not be changed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::host::{NodeTree, reason};

/// What kept a run from its work.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The machine said no.
    #[error("cannot {doing} {}: {}", path.display(), reason(error))]
    Io {
        /// What was tried: `read`, `create`.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// Another run has the lock.
    #[error("another certferry is at work on this node")]
    Locked,
    /// What certferry remembers of the node cannot be read.
    #[error("what certferry remembers of this node cannot be read: {file}")]
    BrokenState {
        /// `journal`, `units`, `installed`.
        file: &'static str,
    },
    /// An interrupted run waits, and something else than it is at a place since.
    #[error("an interrupted run cannot be brought to its end: somebody else has changed {place} since")]
    Foreign {
        /// The place.
        place: String,
    },
    /// Something under the PKI that cannot be carried over: a socket, a pipe, a device.
    #[error("{place} is a socket, a pipe or a device, and cannot be carried over")]
    Special {
        /// The place.
        place: String,
    },
    /// White space in the path of something that must be moved, which the journal cannot hold.
    #[error("there is white space in the path `{place}`")]
    WhiteSpace {
        /// The place.
        place: String,
    },
    /// There is no generation to go back to.
    #[error("there is no generation to go back to")]
    NoPrevious,
    /// The swap failed half-way, and so did the way back.
    #[error("the swap failed half-way, and so did the way back: {cause}")]
    Stuck {
        /// What went wrong first.
        cause: Box<NodeError>,
    },
    /// All is swapped, but the run could not tidy up after itself.
    #[error("the files are swapped, but what was before could not be put away: {cause}")]
    Untidy {
        /// What went wrong.
        cause: Box<NodeError>,
    },
}

impl NodeError {
    /// The machine said no.
    pub(super) fn io(doing: &'static str, tree: &NodeTree, place: &str, error: io::Error) -> Self {
        Self::Io { doing, path: tree.path(place), error }
    }
}
