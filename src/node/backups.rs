//! The backups that only a person may drop: what certferry did not install, and what a repair replaced.

use std::collections::BTreeSet;

use super::NodeError;
use super::changes::Changes;
use super::fingerprint::{Description, describe};
use super::installed;
use super::place::{RECORD, Slot, UNITS};
use super::registries::places_in;
use super::state::{content, homes, look, read_previous, real};
use super::unit::Unit;
use crate::bundle::{Record, Row, Sha256};
use crate::host::NodeTree;
use crate::kubernetes::is_shared;

/// Returns whether what certferry did not install goes from the previous generation to the original one.
///
/// # Errors
/// Fails when the state cannot be read.
pub(super) fn moves_original(tree: &NodeTree, changes: &Changes<'_>) -> Result<bool, NodeError> {
    Ok(changes.keep == Slot::Previous && !changes.is_nothing() && has_foreign_previous(tree, |_| true)?)
}

/// Returns the folders in which the changes would keep what only a person removes, as [`Status`](super::Status) has them,
/// and the folders of this kind whose content now would be dropped for it.
///
/// # Errors
/// Fails when the state cannot be read.
pub(super) fn foreseen(tree: &NodeTree, changes: &Changes<'_>) -> Result<(Vec<String>, Vec<String>), NodeError> {
    let (mut kept, mut dropped) = (BTreeSet::new(), BTreeSet::new());
    if changes.keeps_repaired() {
        for staged in &changes.staged {
            kept.insert(Slot::Repaired.folder(&real(tree, staged.unit.home())?));
        }
        // That of the repair before goes everywhere.
        dropped.extend(homes(tree)?.iter().map(|home| Slot::Repaired.folder(home)));
    } else if moves_original(tree, changes)? {
        for home in homes(tree)? {
            if holds_something(&describe(tree, &Slot::Previous.folder(&home))?) {
                kept.insert(Slot::Original.folder(&home));
            }
        }
        dropped.clone_from(&kept);
    }
    dropped.retain(|folder| tree.is_folder(folder));
    Ok((kept.into_iter().collect(), dropped.into_iter().collect()))
}

/// Returns whether a slot that is described holds more than folders and the list of its units.
pub(super) fn holds_something(slot: &Description) -> bool {
    !slot.iter().all(|(path, facts)| facts.starts_with('d') || path == UNITS)
}

/// Returns the error for a backup that the changes would drop. Returns `None` when they drop none.
///
/// # Errors
/// Fails when the state cannot be read.
pub(super) fn at_stake(tree: &NodeTree, changes: &Changes<'_>) -> Result<Option<NodeError>, NodeError> {
    let (slot, what) = match changes.keep {
        Slot::Repaired => (Slot::Repaired, "what an earlier repair replaced"),
        _ if moves_original(tree, changes)? => (Slot::Original, "what certferry did not install"),
        _ => return Ok(None),
    };
    for place in homes(tree)?.iter().map(|home| slot.folder(home)) {
        if look(tree, &place)?.is_some() {
            return Ok(Some(NodeError::Backup { path: tree.path(&place), what }));
        }
    }
    Ok(None)
}

/// Returns whether the previous generation is one that certferry did not install. Files for registries do not count: where
/// somebody else wrote one of them, the generation is certferry's all the same.
///
/// # Errors
/// Fails like [`has_foreign_previous`].
pub(super) fn is_previous_foreign(tree: &NodeTree) -> Result<bool, NodeError> {
    holds_foreign(tree, |_| true, false)
}

/// Returns whether the previous generation holds something that certferry did not install, in the folders that hold slots
/// and that are looked at. That may have come in the place of what certferry had installed (`kubeadm reset`, `kubeadm
/// init`): its CAs or its keys of service accounts are others than those of the record then. A file for a
/// registry may be there that somebody else wrote.
///
/// # Errors
/// Fails when the list of its units, or one of its files, cannot be read.
pub(super) fn has_foreign_previous(tree: &NodeTree, is_looked_at: impl Fn(&String) -> bool) -> Result<bool, NodeError> {
    holds_foreign(tree, is_looked_at, true)
}

fn holds_foreign(
    tree: &NodeTree,
    is_looked_at: impl Fn(&String) -> bool,
    with_registries: bool,
) -> Result<bool, NodeError> {
    let Some(units) = read_previous(tree)? else {
        // Nobody knows what it is, where its list is gone.
        for home in homes(tree)?.into_iter().filter(|home| is_looked_at(home)) {
            if look(tree, &Slot::Previous.folder(&home))?.is_some() {
                return Ok(true);
            }
        }
        return Ok(false);
    };
    let record = match installed::read(tree.reading(), &Unit::installed().at(Slot::Previous)) {
        // Nobody knows what belongs to it.
        Err(NodeError::BrokenState { .. } | NodeError::OtherFormat { .. }) => None,
        read => read?.map(|(record, _)| record),
    };
    let folder = record.as_ref().map(|record| record.owner.certificates_dir()).unwrap_or_default();
    let folder = folder.folder();
    // Where its links lead nowhere, none of the units is there.
    let certificates = tree.resolve(folder).unwrap_or_else(|_| folder.to_owned());
    for unit in units {
        if !is_looked_at(&real(tree, unit.home())?) || look(tree, &unit.at(Slot::Previous))?.is_none() {
            continue;
        }
        let Some(record) = &record else { return Ok(true) };
        if with_registries && has_others_registry(tree, &unit, record)? {
            return Ok(true);
        }
        for row in &record.rows {
            let Row::File { path, sha256, .. } = row else { continue };
            let Some(name) = path.strip_prefix(folder).filter(|_| is_shared(path)) else { continue };
            let Some(rest) = format!("{certificates}{name}").strip_prefix(&unit.live).map(str::to_owned) else {
                continue;
            };
            if rest.is_empty() || rest.starts_with('/') {
                let bytes = content(tree, &format!("{}{rest}", unit.at(Slot::Previous)))?;
                if !bytes.is_empty() && Sha256::of(&bytes) != *sha256 {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Returns whether the previous generation keeps a file for a registry that is not as its record has it.
fn has_others_registry(tree: &NodeTree, unit: &Unit, record: &Record) -> Result<bool, NodeError> {
    for (place, below) in places_in(tree, unit)? {
        let bytes = content(tree, &format!("{}{below}", unit.at(Slot::Previous)))?;
        let is_installed = |row: &Row| matches!(row, Row::File { path, sha256, .. } if *path == place && Sha256::of(&bytes) == *sha256);
        if !bytes.is_empty() && !record.rows.iter().any(is_installed) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the record of what certferry installed where the previous generation is something else. Without it, a run
/// that is interrupted while folder after folder is kept knows what the rest is.
///
/// # Errors
/// Fails when the operating system refuses.
pub(super) fn forget_record(tree: &NodeTree) -> Result<(), NodeError> {
    let folder = Unit::installed().at(Slot::Previous);
    if look(tree, &folder)?.is_none() {
        return Ok(());
    }
    let record = format!("{folder}/{RECORD}");
    tree.remove_file(&record)
        .and_then(|()| tree.sync_folder(&folder))
        .and_then(|()| tree.remove_folder(&folder))
        .map_err(|error| NodeError::io("remove", tree, &record, error))
}
