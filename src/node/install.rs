//! Stages what changes, swaps it in, and swaps it back.

use std::collections::BTreeSet;

use super::NodeError;
use super::by_file::{Apart, take_apart};
use super::change::{Content, Staged};
use super::changes::Changes;
use super::fingerprint::{Description, describe};
use super::manifest_back;
use super::place::{STATE, Slot, UNITS, hidden, parent_and_name};
use super::session::Session;
use super::state::{ROOT, look, make_folders, read_previous, read_units};
use super::unit::{self, Unit};
use super::written::Written;
use crate::host::{Found, FoundKind, NodeTree, Staging};
use crate::kubernetes::{KUBERNETES, UNIT_FOLDERS};

/// Stages what changes and swaps it in. What was live goes to the slot that keeps it. Returns what somebody wrote
/// meanwhile.
///
/// # Errors
/// Returns the [`NodeError`] that prevented it. Everything is as it was then, unless the error says otherwise.
pub(super) fn install(session: &Session<'_>, changes: &Changes<'_>) -> Result<Vec<Written>, NodeError> {
    let tree = session.tree();
    let staging = Staging::begin().map_err(|error| NodeError::io("stage in", tree, STATE, error))?;
    let staged = stage(tree, &staging, &changes.staged);
    // From the journal on a signal would only leave work to the next run.
    staging.complete(|| {
        let swap = |apart: Apart| {
            session.swap(Slot::Next, changes.keep, &apart.units)?;
            let written = written(tree, changes, &apart.units);
            // What a restart may have to go back to stays until that is over.
            let cleaned = if changes.keep == Slot::Discard { Ok(()) } else { session.clean() };
            let untidy = |cause| NodeError::Untidy { cause: Box::new(cause) };
            cleaned.map_err(untidy)?;
            written.map_err(untidy)
        };
        staged.and_then(swap).map_err(|error| after(session, error))
    })
}

/// Swaps what a slot keeps in, with what is live. With `edits_manifest`, the flags of kube-controller-manager's manifest
/// become such as fit those files, and whatever else somebody has written there since stays.
///
/// # Errors
/// Returns [`NodeError::NoPrevious`] when there is none, and otherwise fails like [`install`].
pub(super) fn back(session: &Session<'_>, slot: Slot, edits_manifest: bool) -> Result<(), NodeError> {
    let tree = session.tree();
    let listed = read_units(tree, slot)?.ok_or(NodeError::NoPrevious)?;
    let swap = || {
        let units = manifest_back::units(tree, slot, &listed, edits_manifest)?;
        let apart = take_apart(tree, slot, units)?;
        if apart.units != listed {
            let list = format!("{}/{UNITS}", slot.folder(KUBERNETES));
            let new = format!("{list}.new");
            tree.remove_file(&new)
                .and_then(|()| tree.create(&new, 0o600, ROOT, unit::render(&apart.units).as_bytes()))
                .and_then(|()| tree.replace(&new, &list))
                .and_then(|()| tree.sync_folder(&slot.folder(KUBERNETES)))
                .map_err(|error| NodeError::io("write", tree, &list, error))?;
        }
        apart.remove_redundant(tree)?;
        session.swap(slot, slot, &apart.units)
    };
    swap().map_err(|error| after(session, error))?;
    let tidied = match slot {
        // What it holds now is the bundle's.
        Slot::Repaired => session.remove(&[slot]),
        _ => session.clean(),
    };
    tidied.map_err(|cause| NodeError::Untidy { cause: Box::new(cause) })
}

/// Returns the files that are not in the slot as they were when they were compared.
fn written(tree: &NodeTree, changes: &Changes<'_>, units: &[Unit]) -> Result<Vec<Written>, NodeError> {
    let is_file = |facts: &String| !facts.starts_with('d');
    let mut written = Vec::new();
    for unit in units.iter().filter(|unit| !Unit::installed().holds(&unit.live)) {
        let now: Description = describe(tree, &unit.at(changes.keep))?
            .into_iter()
            .map(|(path, facts)| (if path == "." { unit.live.clone() } else { format!("{}/{path}", unit.live) }, facts))
            .collect();
        let before = changes.before.keys().filter(|place| unit.holds(place));
        let places: BTreeSet<&String> = before.chain(now.keys()).collect();
        for place in places {
            let (before, now) = (changes.before.get(place), now.get(place));
            if before != now && before.or(now).is_some_and(is_file) {
                let kept = now.map(|_| place.replacen(&unit.live, &unit.at(changes.keep), 1));
                written.push(Written { place: place.clone(), kept });
            }
        }
    }
    Ok(written)
}

/// Refuses to bring the previous generation back when a folder above one of its units has become a link since. The
/// files would be written through the link.
///
/// # Errors
/// Returns [`NodeError::Link`] then, and fails when the list of units cannot be read.
pub(super) fn check_rollback(tree: &NodeTree) -> Result<(), NodeError> {
    // Where these are links, install.sh has named its units by them.
    let known = UNIT_FOLDERS.map(|row| format!("{}/", row.slots));
    let may_be_link = |folder: &str| known.iter().any(|known| known.starts_with(&format!("{folder}/")));
    for unit in read_previous(tree)?.unwrap_or_default() {
        for (end, _) in unit.live.match_indices('/') {
            let folder = unit.live.get(..end).unwrap_or_default();
            if !may_be_link(folder)
                && let Some(Found { kind: FoundKind::Link(target), .. }) = look(tree, folder)?
            {
                return Err(NodeError::Link { place: folder.to_owned(), target });
            }
        }
    }
    Ok(())
}

/// Returns the places of what is live and not in the previous generation, but for the record of what is installed.
///
/// # Errors
/// Fails when the state cannot be read.
pub(super) fn taken_away(tree: &NodeTree) -> Result<Vec<String>, NodeError> {
    let mut places = Vec::new();
    for unit in read_previous(tree)?.unwrap_or_default() {
        let is_gone = look(tree, &unit.at(Slot::Previous))?.is_none() && look(tree, &unit.live)?.is_some();
        if is_gone && !Unit::installed().holds(&unit.live) {
            places.push(unit.live);
        }
    }
    Ok(places)
}

/// Removes what was staged after a run that changed nothing. Returns the error of that run.
fn after(session: &Session<'_>, error: NodeError) -> NodeError {
    if !matches!(error, NodeError::Stuck { .. } | NodeError::Untidy { .. }) {
        // A failure here does no harm, because the next run removes it, too.
        let _ = session.clean();
    }
    error
}

/// Writes everything that is to become live into the slots, and syncs it to the disk. Returns the units to be swapped.
///
/// A signal ends the process between two steps, and removes the slots.
fn stage(tree: &NodeTree, staging: &Staging, staged: &[Staged<'_>]) -> Result<Apart, NodeError> {
    let mut folders = Vec::new();
    make_slot(tree, staging, KUBERNETES, &mut folders)?;
    for staged in staged {
        make_slot(tree, staging, staged.unit.home(), &mut folders)?;
        stage_unit(tree, staging, staged, &mut folders)?;
    }
    staging.step(|| {
        let apart = take_apart(tree, Slot::Next, staged.iter().map(|staged| staged.unit.clone()).collect())?;
        apart.remove_redundant(tree)?;
        let list = format!("{}/{UNITS}", Slot::Next.folder(KUBERNETES));
        tree.create(&list, 0o600, ROOT, unit::render(&apart.units).as_bytes())
            .map_err(|error| NodeError::io("write", tree, &list, error))?;
        folders.dedup();
        // Deeper folders were made later.
        for folder in folders.iter().rev() {
            tree.sync_folder(folder).map_err(|error| NodeError::io("sync", tree, folder, error))?;
        }
        Ok(apart)
    })
}

/// Writes what is to become live of one unit.
fn stage_unit(
    tree: &NodeTree,
    staging: &Staging,
    staged: &Staged<'_>,
    folders: &mut Vec<String>,
) -> Result<(), NodeError> {
    let unit = &staged.unit;
    let place = unit.at(Slot::Next);
    let at = |path: &str| if path.is_empty() { place.clone() } else { format!("{place}/{path}") };
    // Makes the folders in the slot and at the live place, where a folder may be new, too.
    let above = parent_and_name(&place).0;
    staging.step(|| make_folders(tree, above, 0o700))?;
    folders.push(above.to_owned());
    make_folders(tree, parent_and_name(&unit.live).0, 0o755)?;
    for entry in &staged.entries {
        let place = at(&entry.path);
        let written = staging.step(|| match &entry.content {
            Content::Folder { mode, .. } => tree.make_folder(&place, *mode, entry.owner),
            Content::File { mode, bytes } => tree.create(&place, *mode, entry.owner, bytes),
            Content::Link { target } => tree.make_link(&place, target, entry.owner),
            Content::Copy { from, found } => tree.copy(from, &place, found),
        });
        written.map_err(|error| NodeError::io("write", tree, &place, error))?;
        if matches!(entry.content, Content::Folder { .. }) {
            folders.push(place);
        }
    }
    // Last, because files would inherit a folder's default list.
    for entry in &staged.entries {
        if let Content::Folder { like: Some(like), .. } = &entry.content {
            let place = at(&entry.path);
            staging
                .step(|| tree.copy_rights(like, &place))
                .map_err(|error| NodeError::io("write", tree, &place, error))?;
        }
    }
    Ok(())
}

/// Makes the folder of a slot, which only its owner can use.
fn make_slot(tree: &NodeTree, staging: &Staging, home: &str, folders: &mut Vec<String>) -> Result<(), NodeError> {
    let slot = Slot::Next.folder(home);
    if !folders.contains(&slot) {
        make_folders(tree, &hidden(home), 0o700)?;
        staging.add(tree, &slot).map_err(|error| NodeError::io("follow links of", tree, &slot, error))?;
        staging.step(|| make_folders(tree, &slot, 0o700))?;
        folders.extend([hidden(home), slot]);
    }
    Ok(())
}
