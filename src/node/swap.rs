//! Moves units between their place and a slot, forwards or backwards, from wherever a crash has left them.

use super::NodeError;
use super::journal::{Journal, Step};
use super::place::parent_and_name;
use crate::host::NodeTree;

/// The suffix of a unit's old entry between the two renames on a kernel or file system without exchange.
const OUT: &str = ".out";

/// Completes every step.
///
/// # Errors
/// Fails with the first step that could not be completed. The steps before it are done.
pub(super) fn complete(tree: &NodeTree, journal: &Journal) -> Result<(), NodeError> {
    journal.steps.iter().try_for_each(|step| advance(tree, step))?;
    for folder in folders(journal) {
        // A slot that has been renamed since was synced before that.
        if tree.look(&folder).map_err(|error| NodeError::io("look at", tree, &folder, error))?.is_some() {
            tree.sync_folder(&folder).map_err(|error| NodeError::io("sync", tree, &folder, error))?;
        }
    }
    Ok(())
}

/// Undoes every step.
///
/// # Errors
/// Fails with the first step that could not be undone.
pub(super) fn undo(tree: &NodeTree, journal: &Journal) -> Result<(), NodeError> {
    let back = Journal { slot: journal.slot, steps: journal.steps.iter().rev().map(Step::reversed).collect() };
    complete(tree, &back)
}

/// Returns the folders whose entries the steps of a journal change, each once.
fn folders(journal: &Journal) -> Vec<String> {
    let places = journal.steps.iter().flat_map(|step| [&step.live, &step.slot]);
    let mut folders: Vec<_> = places.map(|place| parent_and_name(place).0.to_owned()).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

/// Completes one step from whatever state it is in. In the end, what arrives is live and what leaves is in the slot.
fn advance(tree: &NodeTree, step: &Step) -> Result<(), NodeError> {
    let out = format!("{}{OUT}", step.slot);
    let (live, slot) = (step.live.as_str(), step.slot.as_str());
    let inode = |place: &str| -> Result<Option<u64>, NodeError> {
        let found = tree.look(place).map_err(|error| NodeError::io("look at", tree, place, error))?;
        Ok(found.map(|found| found.inode))
    };
    let rename =
        |from: &str, to: &str| tree.rename(from, to).map_err(|error| NodeError::io("move to", tree, to, error));
    let (at_live, at_slot, at_out) = (inode(live)?, inode(slot)?, inode(&out)?);
    let (arrives, leaves) = (step.arrives, step.leaves);
    match (at_live, at_slot, at_out) {
        // Done. The slot may have been renamed since.
        (here, there, None) if here == arrives && (there == leaves || there.is_none()) => Ok(()),
        (here, None, parked) if here == arrives && parked == leaves => rename(&out, slot),
        // Not begun.
        (here, there, None) if here == leaves && there == arrives => match (leaves, arrives) {
            (Some(_), Some(_)) => {
                let done = tree.exchange(live, slot).map_err(|error| NodeError::io("exchange", tree, live, error))?;
                if done {
                    return Ok(());
                }
                rename(live, &out)?;
                rename(slot, live)?;
                rename(&out, slot)
            }
            (Some(_), None) => rename(live, slot),
            (None, _) => rename(slot, live),
        },
        // Between two renames, forwards or backwards.
        (None, there, parked) if there == arrives && parked == leaves => {
            rename(slot, live)?;
            rename(&out, slot)
        }
        (None, there, parked) if there == leaves && parked == arrives => rename(&out, live),
        (here, None, parked) if here == leaves && parked == arrives => {
            rename(live, slot)?;
            rename(&out, live)
        }
        _ => Err(NodeError::Foreign { place: step.live.clone() }),
    }
}
