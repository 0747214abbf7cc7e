//! Stages what changes, swaps it in, and swaps it back.

use super::NodeError;
use super::changes::{Changes, Content, Staged};
use super::place::{Slot, UNITS, hidden, parent_and_name};
use super::session::{ROOT, Session, look, make_folders, read_previous};
use super::unit::{self, Unit};
use crate::host::{Found, FoundKind, NodeTree};
use crate::kubernetes::{KUBELET_PKI, KUBERNETES};

/// Stages what changes and swaps it in. What was live becomes the previous generation.
///
/// # Errors
/// Returns the [`NodeError`] that prevented it. Everything is as it was then, unless the error says otherwise.
pub(super) fn install(session: &Session<'_>, changes: &Changes<'_>) -> Result<(), NodeError> {
    let units: Vec<_> = changes.staged.iter().map(|staged| staged.unit.clone()).collect();
    let done = stage(session.tree(), &changes.staged, &units).and_then(|()| session.swap(Slot::Next, &units));
    done.map_err(|error| after(session, error))
}

/// Swaps the previous generation in. What was live becomes the previous generation.
///
/// # Errors
/// Returns [`NodeError::NoPrevious`] when there is none, and otherwise fails like [`install`].
pub(super) fn rollback(session: &Session<'_>) -> Result<(), NodeError> {
    let units = read_previous(session.tree())?.ok_or(NodeError::NoPrevious)?;
    session.swap(Slot::Previous, &units).map_err(|error| after(session, error))
}

/// Refuses to bring the previous generation back when a folder above one of its units has become a link since. The
/// files would be written through the link.
///
/// # Errors
/// Returns [`NodeError::Link`] then, and fails when the list of units cannot be read.
pub(super) fn check_rollback(tree: &NodeTree) -> Result<(), NodeError> {
    // Where these are links, install.sh has named its units by them.
    let known = [KUBERNETES, parent_and_name(KUBELET_PKI).0].map(|folder| format!("{folder}/"));
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

/// Removes what was staged after a run that changed nothing. Returns the error of that run.
fn after(session: &Session<'_>, error: NodeError) -> NodeError {
    if !matches!(error, NodeError::Stuck { .. } | NodeError::Untidy { .. }) {
        // A failure here does no harm, because the next run removes it, too.
        let _ = session.clean();
    }
    error
}

/// Writes everything that is to become live into the slots, and syncs it to the disk.
fn stage(tree: &NodeTree, staged: &[Staged<'_>], units: &[Unit]) -> Result<(), NodeError> {
    let mut folders = Vec::new();
    let slot = Slot::Next.folder(KUBERNETES);
    make_slot(tree, KUBERNETES, &mut folders)?;
    for staged in staged {
        let unit = &staged.unit;
        make_slot(tree, unit.home(), &mut folders)?;
        let place = unit.at(Slot::Next);
        // Makes the folders in the slot and at the live place, where a folder may be new, too.
        let above = parent_and_name(&place).0;
        make_folders(tree, above, 0o700)?;
        folders.push(above.to_owned());
        make_folders(tree, parent_and_name(&unit.live).0, 0o755)?;
        for entry in &staged.entries {
            let place = if entry.path.is_empty() { place.clone() } else { format!("{place}/{}", entry.path) };
            let written = match &entry.content {
                Content::Folder { mode, .. } => {
                    folders.push(place.clone());
                    tree.make_folder(&place, *mode, entry.owner)
                }
                Content::File { mode, bytes } => tree.create(&place, *mode, entry.owner, bytes),
                Content::Link { target } => tree.make_link(&place, target, entry.owner),
                Content::Copy { from, found } => tree.copy(from, &place, found),
            };
            written.map_err(|error| NodeError::io("write", tree, &place, error))?;
        }
        // Last, because files would inherit a folder's default list.
        for entry in &staged.entries {
            if let Content::Folder { like: Some(like), .. } = &entry.content {
                let place = if entry.path.is_empty() { place.clone() } else { format!("{place}/{}", entry.path) };
                tree.copy_rights(like, &place).map_err(|error| NodeError::io("write", tree, &place, error))?;
            }
        }
    }
    let list = format!("{slot}/{UNITS}");
    tree.create(&list, 0o600, ROOT, unit::render(units).as_bytes())
        .map_err(|error| NodeError::io("write", tree, &list, error))?;
    folders.dedup();
    // Deeper folders were made later.
    for folder in folders.iter().rev() {
        tree.sync_folder(folder).map_err(|error| NodeError::io("sync", tree, folder, error))?;
    }
    Ok(())
}

/// Makes the folder of a slot, which only its owner can use.
fn make_slot(tree: &NodeTree, home: &str, folders: &mut Vec<String>) -> Result<(), NodeError> {
    let slot = Slot::Next.folder(home);
    if !folders.contains(&slot) {
        make_folders(tree, &hidden(home), 0o700)?;
        make_folders(tree, &slot, 0o700)?;
        folders.extend([hidden(home), slot]);
    }
    Ok(())
}
