//! The state of a node, as certferry knows it.

use super::NodeError;
use super::backups::is_previous_foreign;
use super::installed::{Installed, installed, previously_installed};
use super::place::{STATE, Slot};
use super::restart::Unfinished;
use super::state::{homes, look, read_journal, read_previous};
use crate::host::NodeTree;
use crate::kubernetes::UNIT_FOLDERS;

/// The state of a node, as certferry knows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Status {
    /// The installed generation. `None` when certferry installed nothing.
    pub installed: Option<Installed>,
    /// The previous generation.
    pub previous: Previous,
    /// The folders that keep what only a person removes. Those called `original` hold what certferry did not
    /// install, those called `repaired` what the last repair replaced.
    pub kept: Vec<String>,
    /// Whether an interrupted run waits.
    pub is_interrupted: bool,
    /// What a run that was interrupted in its restart left behind.
    pub unfinished: Unfinished,
}

/// The generation that [`rollback`](super::rollback()) brings back.
#[derive(Debug, PartialEq, Eq)]
pub enum Previous {
    /// There is no previous generation.
    None,
    /// The files that were on the node and that certferry did not install.
    Foreign,
    /// A generation that certferry installed.
    Installed(Box<Installed>),
}

/// Returns the state of a node. Only reads, and changes nothing.
///
/// # Errors
/// Fails when the state cannot be read.
pub fn status(tree: &NodeTree) -> Result<Status, NodeError> {
    if look(tree, STATE)?.is_none() {
        let unfinished = Unfinished::default();
        let (previous, kept) = (Previous::None, Vec::new());
        return Ok(Status { installed: None, previous, kept, is_interrupted: false, unfinished });
    }
    let previous = match (read_previous(tree)?, previously_installed(tree)?) {
        (None, _) => Previous::None,
        (Some(_), Some(previous)) if !is_previous_foreign(tree)? => Previous::Installed(Box::new(previous)),
        (Some(_), _) => Previous::Foreign,
    };
    let (is_interrupted, unfinished) = (read_journal(tree)?.is_some(), Unfinished::of(tree)?);
    Ok(Status { installed: installed(tree)?, previous, kept: kept(tree), is_interrupted, unfinished })
}

/// Returns the folders that keep what only a person removes.
pub(super) fn kept(tree: &NodeTree) -> Vec<String> {
    // Where the links of a folder cannot be followed, the comparison of the files says so.
    let known = || UNIT_FOLDERS.iter().map(|row| row.slots.to_owned()).collect();
    let homes = homes(tree).unwrap_or_else(|_| known());
    let slots = [Slot::Original, Slot::Repaired].into_iter();
    let mut folders: Vec<_> = slots.flat_map(|slot| homes.iter().map(move |home| slot.folder(home))).collect();
    folders.retain(|place| tree.is_folder(place));
    folders
}
