//! Takes folders apart into their files where the file system does not rename every folder.

use std::collections::BTreeSet;

use super::NodeError;
use super::fingerprint::describe;
use super::place::{Slot, parent_and_name};
use super::state::{look, make_folders};
use super::unit::{Unit, is_place};
use crate::host::{FoundKind, NodeTree};

/// Units of which none is a folder that may not be renamed.
pub(super) struct Apart {
    /// The units, in their order.
    pub(super) units: Vec<Unit>,
    /// The files in the slot that are the same as those that are live.
    redundant: Vec<String>,
}

impl Apart {
    /// Removes from the slot what is live already.
    ///
    /// # Errors
    /// Fails when the operating system refuses.
    pub(super) fn remove_redundant(&self, tree: &NodeTree) -> Result<(), NodeError> {
        let remove =
            |place: &String| tree.remove_file(place).map_err(|error| NodeError::io("remove", tree, place, error));
        self.redundant.iter().try_for_each(remove)
    }
}

/// Takes the units apart that are folders which may not be renamed. A folder that is not live yet stays whole.
///
/// # Errors
/// Fails when the files cannot be read, and when the journal cannot hold the name of one.
pub(super) fn take_apart(tree: &NodeTree, slot: Slot, units: Vec<Unit>) -> Result<Apart, NodeError> {
    let mut apart = Apart { units: Vec::new(), redundant: Vec::new() };
    for unit in units {
        let is_folder = look(tree, &unit.live)?.is_some_and(|found| found.kind == FoundKind::Folder);
        if !is_folder || tree.renames_folders(unit.home()) {
            apart.units.push(unit);
            continue;
        }
        // What is installed goes and comes back as a whole.
        let keeps_all = unit == Unit::installed();
        let (live, waits) = (describe(tree, &unit.live)?, describe(tree, &unit.at(slot))?);
        let paths: BTreeSet<&String> = live.keys().chain(waits.keys()).collect();
        for path in paths {
            let (here, there) = (live.get(path), waits.get(path));
            if here.or(there).is_none_or(|facts| facts.starts_with('d')) {
                continue;
            }
            let file = unit.below(path);
            if here == there && !keeps_all {
                apart.redundant.push(file.at(slot));
                continue;
            }
            if !is_place(&file.live) {
                return Err(NodeError::WhiteSpace { place: file.live });
            }
            make_folders(tree, parent_and_name(&file.live).0, 0o755)?;
            make_folders(tree, parent_and_name(&file.at(slot)).0, 0o700)?;
            apart.units.push(file);
        }
    }
    Ok(apart)
}
