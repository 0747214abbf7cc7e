//! What becomes of kube-controller-manager's manifest when the files of a slot come back.

use super::NodeError;
use super::installed::{installed, read};
use super::place::{Slot, parent_and_name};
use super::signing_flag::{SigningFlags, manifest_place, signing_flags};
use super::state::{look, make_folders, real};
use super::unit::Unit;
use crate::host::NodeTree;
use crate::kubernetes::{CA_SIGNING, CertificatesDir, KUBERNETES};

/// Returns the flags that would not fit the files once those of a slot are live, as far as the rotation of a CA is
/// concerned. Returns `None` when there are none.
///
/// # Errors
/// Fails when the files cannot be looked at.
pub(super) fn flags_after(tree: &NodeTree, slot: Slot, units: &[Unit]) -> Result<Option<SigningFlags>, NodeError> {
    let folder = folder(tree, slot)?;
    let place = folder.place(CA_SIGNING);
    let after = is_there_after(tree, slot, units, &real(tree, &place)?)?;
    // Outside of a rotation a manifest is nobody's concern here.
    if !after && !tree.reading().is_there(&place) {
        return Ok(None);
    }
    Ok(signing_flags(tree.reading(), &folder, after).filter(|flags| !flags.edits.is_empty()))
}

/// Returns the folder of certificates of what comes back. What certferry did not install lies where it has put its own.
fn folder(tree: &NodeTree, slot: Slot) -> Result<CertificatesDir, NodeError> {
    let comes = read(tree.reading(), &Unit::installed().at(slot)).ok().flatten().map(|(_, installed)| installed);
    Ok(comes.or(installed(tree).ok().flatten()).map(|found| found.certificates_dir).unwrap_or_default())
}

fn is_there_after(tree: &NodeTree, slot: Slot, units: &[Unit], place: &str) -> Result<bool, NodeError> {
    let at = match units.iter().find(|unit| unit.holds(place)) {
        Some(unit) => place.replacen(&unit.live, &unit.at(slot), 1),
        None => place.to_owned(),
    };
    Ok(look(tree, &at)?.is_some())
}

/// Returns the units of a slot with that of the manifest, when its flags are to be edited, and without it otherwise: the
/// manifest that the slot keeps may lack what somebody has written since. Writes the edited one into the slot.
///
/// # Errors
/// Fails when the operating system refuses.
pub(super) fn units(
    tree: &NodeTree,
    slot: Slot,
    listed: &[Unit],
    edits_manifest: bool,
) -> Result<Vec<Unit>, NodeError> {
    let mut units: Vec<_> = listed.iter().filter(|unit| !unit.is_manifest()).cloned().collect();
    let flags = if edits_manifest { flags_after(tree, slot, &units)? } else { None };
    let Some(edited) = flags.and_then(|flags| flags.text) else { return Ok(units) };
    let Some(found) = look(tree, &edited.place)? else { return Ok(units) };
    let unit = Unit::manifest(&manifest_place(tree)?, &real(tree, KUBERNETES)?);
    let place = unit.at(slot);
    let folder = parent_and_name(&place).0;
    make_folders(tree, folder, 0o700)?;
    let new = format!("{place}.new");
    tree.remove_file(&new)
        .and_then(|()| tree.create(&new, found.mode, found.owner, edited.after.as_bytes()))
        .and_then(|()| tree.replace(&new, &place))
        .and_then(|()| tree.sync_folder(folder))
        .map_err(|error| NodeError::io("write", tree, &place, error))?;
    units.insert(0, unit);
    Ok(units)
}
