//! The backups that only a person may drop: what certferry did not install, and what a repair replaced.

use super::NodeError;
use super::changes::Changes;
use super::place::{RECORD, Slot};
use super::state::{homes, look, read_previous, real};
use super::unit::Unit;
use crate::host::NodeTree;

/// Returns whether what certferry did not install goes from the previous generation to the original one.
///
/// # Errors
/// Fails when the state cannot be read.
pub(super) fn moves_original(tree: &NodeTree, changes: &Changes<'_>) -> Result<bool, NodeError> {
    Ok(changes.keep == Slot::Previous && !changes.is_nothing() && has_foreign_previous(tree, |_| true)?)
}

/// Returns the error for a backup that the changes would drop. Returns `None` when they drop none.
///
/// # Errors
/// Fails when the state cannot be read.
pub(super) fn at_stake(tree: &NodeTree, changes: &Changes<'_>) -> Result<Option<NodeError>, NodeError> {
    let (slot, what) = match changes.keep {
        Slot::Repaired => (Slot::Repaired, "what an earlier repair replaced"),
        _ if moves_original(tree, changes)? => (Slot::Original, "a PKI that certferry did not install"),
        _ => return Ok(None),
    };
    for place in homes(tree)?.iter().map(|home| slot.folder(home)) {
        if look(tree, &place)?.is_some() {
            return Ok(Some(NodeError::Backup { path: tree.path(&place), what }));
        }
    }
    Ok(None)
}

/// Returns whether the previous generation holds something that certferry did not install, in the folders that hold slots
/// and that are looked at.
///
/// # Errors
/// Fails when the list of its units cannot be read.
pub(super) fn has_foreign_previous(tree: &NodeTree, is_looked_at: impl Fn(&String) -> bool) -> Result<bool, NodeError> {
    let Some(units) = read_previous(tree)? else {
        // Nobody knows what it is, where its list is gone.
        for home in homes(tree)?.into_iter().filter(|home| is_looked_at(home)) {
            if look(tree, &Slot::Previous.folder(&home))?.is_some() {
                return Ok(true);
            }
        }
        return Ok(false);
    };
    if look(tree, &format!("{}/{RECORD}", Unit::installed().at(Slot::Previous)))?.is_some() {
        return Ok(false);
    }
    for unit in units {
        if is_looked_at(&real(tree, unit.home())?) && look(tree, &unit.at(Slot::Previous))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
