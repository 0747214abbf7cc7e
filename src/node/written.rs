//! What somebody writes to a node's files while a run is at work on them.

/// A file or folder that somebody wrote or removed after a run had looked at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The place of the file.
    pub place: String,
    /// The place where the file is kept as it was written. `None` when it was removed.
    pub kept: Option<String>,
}
