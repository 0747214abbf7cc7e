//! The state of certferry on a node, as it lies on the disk, and the folders in which it lies.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use zeroize::Zeroizing;

use super::NodeError;
use super::journal::{Journal, Step};
use super::place::{JOURNAL, Slot, UNITS, parent_and_name};
use super::unit::{self, Unit};
use crate::host::{FileOwner, FoundKind, NodeTree};
use crate::kubernetes::{CertificatesDir, FILE_LIMIT, KUBERNETES, PKI, Swaps, UNIT_FOLDERS, UnitFolder};

/// The most bytes of a state file, which has some hundred lines of two paths.
const LIMIT: u64 = 1 << 20;
pub(super) const ROOT: FileOwner = FileOwner { user: 0, group: 0 };

/// Returns the journal of an interrupted run, if there is one.
///
/// # Errors
/// Fails when the file cannot be read or is not a journal.
pub(super) fn read_journal(tree: &NodeTree) -> Result<Option<Journal>, NodeError> {
    match read_text(tree, JOURNAL)? {
        Some(text) => Journal::parse(&text).map(Some),
        None => Ok(None),
    }
}

/// Returns the units of the previous generation, if there is one.
///
/// # Errors
/// Fails when the list cannot be read or is not such a list.
pub(super) fn read_previous(tree: &NodeTree) -> Result<Option<Vec<Unit>>, NodeError> {
    read_units(tree, Slot::Previous)
}

/// Returns the units of a slot, if it has a list of them.
///
/// # Errors
/// Fails like [`read_previous`].
pub(super) fn read_units(tree: &NodeTree, slot: Slot) -> Result<Option<Vec<Unit>>, NodeError> {
    match read_text(tree, &format!("{}/{UNITS}", slot.folder(KUBERNETES)))? {
        Some(text) => unit::parse(&text).map(Some),
        None => Ok(None),
    }
}

fn read_text(tree: &NodeTree, place: &str) -> Result<Option<String>, NodeError> {
    if look(tree, place)?.is_none() {
        return Ok(None);
    }
    let bytes = tree.read(place, LIMIT).map_err(|error| NodeError::io("read", tree, place, error))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns where a folder is once every link is followed. Its name may be from before somebody moved it and left a link.
pub(super) fn real(tree: &NodeTree, folder: &str) -> Result<String, NodeError> {
    tree.resolve(folder).map_err(|error| NodeError::io("follow links of", tree, folder, error))
}

/// Returns the folders that may hold a folder of slots: those of the units now, and those of the previous units. Each
/// stands there once, however many links lead to it.
pub(super) fn homes(tree: &NodeTree) -> Result<BTreeSet<String>, NodeError> {
    let mut homes = BTreeSet::from([real(tree, KUBERNETES)?]);
    for UnitFolder { folder, swaps, .. } in UNIT_FOLDERS {
        match swaps {
            Swaps::Whole if folder == PKI => {
                for folder in certificates_folders(tree) {
                    homes.insert(home_of(tree, &folder)?.0);
                }
            }
            Swaps::Whole => {
                homes.insert(home_of(tree, folder)?.0);
            }
            Swaps::Folders => {
                homes.insert(real(tree, folder)?);
            }
            Swaps::Files if folder == KUBERNETES => {}
            Swaps::Files => {
                homes.insert(parent_and_name(&real(tree, folder)?).0.to_owned());
            }
        }
    }
    if let Some(units) = read_previous(tree)? {
        for unit in units {
            homes.insert(real(tree, unit.home())?);
        }
    }
    if let Some(journal) = read_journal(tree)? {
        for home in journal.steps.iter().filter_map(Step::home) {
            homes.insert(real(tree, home)?);
        }
    }
    Ok(homes)
}

/// Returns the folders that may be that of the certificates and that are not simply in [`KUBERNETES`], and kubeadm's own.
/// Whichever it is, a run that was killed may have staged beside what it leads to.
fn certificates_folders(tree: &NodeTree) -> Vec<String> {
    let names = tree.names(KUBERNETES).unwrap_or_default();
    let folders = names.into_iter().map(|name| format!("{KUBERNETES}/{name}"));
    let is_elsewhere = |folder: &String| {
        folder != PKI
            && CertificatesDir::parse(&format!("/{folder}")).is_ok()
            && tree.resolve(folder).is_ok_and(|leads_to| {
                tree.is_folder(&leads_to) && (leads_to != *folder || tree.is_mount_point(&leads_to))
            })
    };
    folders.filter(is_elsewhere).chain([PKI.to_owned()]).collect()
}

/// Returns the folder that holds the slots of a unit, the name of the unit in that folder, and whether the unit is a
/// mount point. No rename moves a mount point, so its slots are inside it and its name is empty.
pub(super) fn home_of(tree: &NodeTree, place: &str) -> Result<(String, String, bool), NodeError> {
    let resolved = tree.resolve(place).map_err(|error| NodeError::io("follow links of", tree, place, error))?;
    let is_folder = look(tree, &resolved)?.is_some_and(|found| found.kind == FoundKind::Folder);
    if is_folder && tree.is_mount_point(&resolved) {
        return Ok((resolved, String::new(), true));
    }
    let (home, name) = parent_and_name(&resolved);
    Ok((home.to_owned(), name.to_owned(), false))
}

/// Makes a folder with this mode, and the missing folders above it with mode 0755.
pub(super) fn make_folders(tree: &NodeTree, place: &str, mode: u32) -> Result<(), NodeError> {
    let mut path = String::new();
    for name in place.split('/').filter(|name| !name.is_empty()) {
        let above = path.clone();
        path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        if !tree.is_folder(&path) {
            let mode = if path == place { mode } else { 0o755 };
            tree.make_folder(&path, mode, ROOT)
                .and_then(|()| tree.sync_folder(&above))
                .map_err(|error| NodeError::io("make", tree, &path, error))?;
        }
    }
    Ok(())
}

pub(super) fn look(tree: &NodeTree, place: &str) -> Result<Option<crate::host::Found>, NodeError> {
    tree.look(place).map_err(|error| NodeError::io("look at", tree, place, error))
}

/// Returns the bytes of a file. Returns no bytes when the file is missing or too long to matter.
pub(super) fn content(tree: &NodeTree, place: &str) -> Result<Zeroizing<Vec<u8>>, NodeError> {
    match tree.read(place, FILE_LIMIT) {
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::FileTooLarge) =>
        {
            Ok(Zeroizing::default())
        }
        read => read.map_err(|error| NodeError::io("read", tree, place, error)),
    }
}
