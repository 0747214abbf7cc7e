//! The list of files that a person has taken away for good, so that nobody is told of them any more.
//!
//! The list belongs to the installed generation: it is in the folder that says what is installed, and goes and comes
//! back with it.

use std::collections::BTreeSet;

use super::NodeError;
use super::place::{ACCEPTED, INSTALLED};
use super::state::ROOT;
use crate::host::{NodeRoot, NodeTree};

const HEAD: &str = "certferry-accepted-1";
const END: &str = "end";
/// The most bytes of the list. A record has some thirty files.
const LIMIT: u64 = 1 << 20;

/// Returns the places that a person has accepted as missing.
///
/// # Errors
/// Fails when the list cannot be read or is not such a list.
pub(super) fn accepted(root: &NodeRoot) -> Result<BTreeSet<String>, NodeError> {
    let io = |doing, error| NodeError::io_in(doing, root, ACCEPTED, error);
    if root.look(ACCEPTED).map_err(|error| io("look at", error))?.is_none() {
        return Ok(BTreeSet::new());
    }
    let text = root.read(ACCEPTED, LIMIT).map_err(|error| io("read", error))?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix('\n')?.strip_suffix(&format!("{END}\n")));
    let lines = lines.filter(|lines| lines.is_empty() || lines.ends_with('\n'));
    Ok(lines.ok_or(NodeError::BrokenState { file: "accepted" })?.lines().map(str::to_owned).collect())
}

/// Writes the list.
///
/// # Errors
/// Fails when it cannot be written. The list is as it was then.
pub(super) fn write_accepted(tree: &NodeTree, places: &BTreeSet<String>) -> Result<(), NodeError> {
    let lines: String = places.iter().map(|place| format!("{place}\n")).collect();
    let new = format!("{ACCEPTED}.new");
    tree.remove_file(&new)
        .and_then(|()| tree.create(&new, 0o644, ROOT, format!("{HEAD}\n{lines}{END}\n").as_bytes()))
        .and_then(|()| tree.replace(&new, ACCEPTED))
        .and_then(|()| tree.sync_folder(INSTALLED))
        .map_err(|error| NodeError::io("write", tree, ACCEPTED, error))
}
