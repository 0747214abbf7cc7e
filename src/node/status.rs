//! What certferry knows of a node.

use super::NodeError;
use super::installed::{Installed, installed, previously_installed};
use super::place::STATE;
use super::restart::Unfinished;
use super::session::{look, read_journal, read_previous};
use super::unit::Unit;
use crate::host::NodeTree;

/// What certferry knows of a node.
#[derive(Debug, PartialEq, Eq)]
pub struct Status {
    /// What is installed; nothing where certferry installed nothing.
    pub installed: Option<Installed>,
    /// The generation before.
    pub previous: Previous,
    /// Whether an interrupted run waits.
    pub is_interrupted: bool,
    /// What a run left that was cut short in its restart.
    pub unfinished: Unfinished,
}

/// The generation that [`rollback`](super::rollback()) brings back.
#[derive(Debug, PartialEq, Eq)]
pub enum Previous {
    /// There is none.
    None,
    /// What was on the node before certferry was.
    Foreign,
    /// One that certferry installed.
    Installed(Installed),
}

/// What certferry knows of a node. Reads; changes nothing.
///
/// # Errors
/// When it cannot be read.
pub fn status(tree: &NodeTree) -> Result<Status, NodeError> {
    if look(tree, STATE)?.is_none() {
        let unfinished = Unfinished::default();
        return Ok(Status { installed: None, previous: Previous::None, is_interrupted: false, unfinished });
    }
    let previous = match (read_previous(tree)?, previously_installed(tree)?) {
        (None, _) => Previous::None,
        // Files alone were mended: the generation stayed.
        (Some(units), None) if !units.iter().any(|unit| *unit == Unit::installed()) => {
            installed(tree)?.map_or(Previous::Foreign, Previous::Installed)
        }
        (Some(_), None) => Previous::Foreign,
        (Some(_), Some(previous)) => Previous::Installed(previous),
    };
    let (is_interrupted, unfinished) = (read_journal(tree)?.is_some(), Unfinished::of(tree)?);
    Ok(Status { installed: installed(tree)?, previous, is_interrupted, unfinished })
}
