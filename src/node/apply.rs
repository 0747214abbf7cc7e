//! Bringing a node from one generation to another, and back.

use super::NodeError;
use super::changes::{Changes, Content, Staged};
use super::installed::{Installed, installed, previously_installed};
use super::place::{STATE, Slot, UNITS, hidden, parent_and_name};
use super::restart::Unfinished;
use super::session::{ROOT, Session, look, make_folders, read_journal, read_previous};
use super::unit::{self, Unit};
use crate::host::NodeTree;
use crate::kubernetes::KUBERNETES;

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

/// The generation that [`rollback`] brings back.
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

/// Stages what changes and swaps it in; what was there is the previous generation then.
///
/// # Errors
/// What kept it from that: then all is as it was, or the error says that it is not.
pub fn install(session: &Session<'_>, changes: &Changes<'_>) -> Result<(), NodeError> {
    let units: Vec<_> = changes.staged.iter().map(|staged| staged.unit.clone()).collect();
    let done = stage(session.tree(), &changes.staged, &units).and_then(|()| session.swap(Slot::Next, &units));
    done.map_err(|error| after(session, error))
}

/// Swaps the previous generation in; what was there is the previous generation then.
///
/// # Errors
/// [`NodeError::NoPrevious`]; otherwise as [`install`].
pub fn rollback(session: &Session<'_>) -> Result<(), NodeError> {
    let units = read_previous(session.tree())?.ok_or(NodeError::NoPrevious)?;
    session.swap(Slot::Previous, &units).map_err(|error| after(session, error))
}

/// Leaves nothing staged after a run that changed nothing.
fn after(session: &Session<'_>, error: NodeError) -> NodeError {
    if !matches!(error, NodeError::Stuck { .. } | NodeError::Untidy { .. }) {
        // The next run would do it, too.
        let _ = session.clean();
    }
    error
}

/// Writes everything that shall be live into the slots, and has it on the disk.
fn stage(tree: &NodeTree, staged: &[Staged<'_>], units: &[Unit]) -> Result<(), NodeError> {
    let mut folders = Vec::new();
    let slot = Slot::Next.folder(KUBERNETES);
    make_slot(tree, KUBERNETES, &mut folders)?;
    for staged in staged {
        let unit = &staged.unit;
        make_slot(tree, unit.home(), &mut folders)?;
        let place = unit.at(Slot::Next);
        // In the slot, and where it will stand: a folder may be new there, too.
        let above = parent_and_name(&place).0;
        make_folders(tree, above, 0o700)?;
        folders.push(above.to_owned());
        make_folders(tree, parent_and_name(&unit.live).0, 0o755)?;
        for entry in &staged.entries {
            let place = if entry.path.is_empty() { place.clone() } else { format!("{place}/{}", entry.path) };
            let written = match &entry.content {
                Content::Folder { mode } => {
                    folders.push(place.clone());
                    tree.make_folder(&place, *mode, entry.owner)
                }
                Content::File { mode, bytes } => tree.create(&place, *mode, entry.owner, bytes),
                Content::Link { target } => tree.make_link(&place, target, entry.owner),
                Content::Copy { from, found } => tree.copy(from, &place, found),
            };
            written.map_err(|error| NodeError::io("write", tree, &place, error))?;
        }
    }
    let list = format!("{slot}/{UNITS}");
    tree.create(&list, 0o600, ROOT, unit::render(units).as_bytes())
        .map_err(|error| NodeError::io("write", tree, &list, error))?;
    folders.dedup();
    // What is deeper was made later.
    for folder in folders.iter().rev() {
        tree.sync_folder(folder).map_err(|error| NodeError::io("sync", tree, folder, error))?;
    }
    Ok(())
}

/// The folder of a slot, nobody's but the owner's.
fn make_slot(tree: &NodeTree, home: &str, folders: &mut Vec<String>) -> Result<(), NodeError> {
    let slot = Slot::Next.folder(home);
    if !folders.contains(&slot) {
        make_folders(tree, &hidden(home), 0o700)?;
        make_folders(tree, &slot, 0o700)?;
        folders.extend([hidden(home), slot]);
    }
    Ok(())
}
