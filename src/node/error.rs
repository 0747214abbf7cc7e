//! Why a node's files could not be changed.

use std::io;
use std::path::PathBuf;

use crate::host::NodeTree;

/// What kept a run from its work.
#[derive(Debug)]
pub enum NodeError {
    /// The machine said no.
    Io {
        /// What was tried: `read`, `create`.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// Another run has the lock.
    Locked,
    /// What certferry remembers of the node cannot be read.
    BrokenState {
        /// `journal`, `units`, `installed`.
        file: &'static str,
    },
    /// An interrupted run waits, and something else than it is at a place since.
    Foreign {
        /// The place.
        place: String,
    },
    /// Something under the PKI that cannot be carried over: a socket, a pipe, a device.
    Special {
        /// The place.
        place: String,
    },
    /// White space in the path of something that must be moved, which the journal cannot hold.
    WhiteSpace {
        /// The place.
        place: String,
    },
    /// There is no generation to go back to.
    NoPrevious,
    /// The swap failed half-way, and so did the way back.
    Stuck {
        /// What went wrong first.
        cause: Box<NodeError>,
    },
    /// All is swapped, but the run could not tidy up after itself.
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
