//! Records that a person has taken files away for good.

use thiserror::Error;

use super::NodeError;
use super::accepted::{accepted, write_accepted};
use super::drift::{Change, Drift, Weight, drift};
use super::place::{LOCK, parent_and_name};
use crate::host::{NodeRoot, NodeTree};

/// Why a file cannot be accepted as taken away.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// The state of the node could not be read or written.
    #[error("{0}")]
    Node(#[from] NodeError),
    /// certferry installed nothing, so that nothing can be missing.
    #[error("certferry installed nothing here")]
    NothingInstalled,
    /// An interrupted run waits, so that it is not known what belongs here.
    #[error("an interrupted run waits to be brought to its end")]
    Interrupted,
    /// The installed generation has no such file.
    #[error("generation {generation} has no file {place}")]
    NotInstalled {
        /// The place.
        place: String,
        /// The number of the generation.
        generation: u32,
    },
    /// The file is there.
    #[error("{place} was not taken away")]
    NotMissing {
        /// The place.
        place: String,
    },
    /// The node needs the file.
    #[error("{place} must not be missing{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Needed {
        /// The place.
        place: String,
        /// Who needs it, if that is known.
        reason: Option<String>,
    },
}

/// Accepts that these files of the installed generation were taken away. Returns whether one of them was not accepted
/// before.
///
/// # Errors
/// Returns an [`AcceptError`] for the first place that is not in the record, is not missing, or may not be. Nothing is
/// accepted then.
pub fn accept(tree: &NodeTree, places: &[String]) -> Result<bool, AcceptError> {
    let root = tree.reading();
    // Looks before it locks, so that it leaves no trace where certferry never was.
    accept_dry_run(tree, places)?;
    let _lock = tree.lock(LOCK).map_err(|error| NodeError::io("lock", tree, LOCK, error))?.ok_or(NodeError::Locked)?;
    check_all(&drift(root)?.ok_or(AcceptError::NothingInstalled)?, places, root)?;
    let mut all = accepted(root)?;
    let before = all.len();
    all.extend(places.iter().cloned());
    write_accepted(tree, &all)?;
    Ok(all.len() != before)
}

/// Returns what [`accept`] would return. Only reads, and changes nothing.
///
/// # Errors
/// Fails like [`accept`], as far as that is known without a change.
pub fn accept_dry_run(tree: &NodeTree, places: &[String]) -> Result<bool, AcceptError> {
    let root = tree.reading();
    check_all(&drift(root)?.ok_or(AcceptError::NothingInstalled)?, places, root)?;
    let known = accepted(root)?;
    Ok(places.iter().any(|place| !known.contains(place)))
}

fn check_all(found: &Drift, places: &[String], root: &NodeRoot) -> Result<(), AcceptError> {
    if found.is_interrupted {
        return Err(AcceptError::Interrupted);
    }
    places.iter().try_for_each(|place| check(found, place, root))
}

fn check(found: &Drift, place: &str, root: &NodeRoot) -> Result<(), AcceptError> {
    if !found.places.contains(place) {
        return Err(AcceptError::NotInstalled { place: place.to_owned(), generation: found.installed.generation });
    }
    let is_there = root.look(place).map_err(|error| NodeError::io_in("look at", root, place, error))?.is_some();
    if is_there {
        return Err(AcceptError::NotMissing { place: place.to_owned() });
    }
    let drifted = found.drifted.iter().find(|drifted| drifted.place == place);
    match drifted {
        Some(drifted) if drifted.weight != Weight::Problem => Ok(()),
        other => {
            let user = other.and_then(|drifted| match &drifted.change {
                Change::Missing { needed_by } => needed_by.as_ref(),
                _ => None,
            });
            let reason = user.map(|user| format!("{} names it in {}", parent_and_name(&user.manifest).1, user.flag));
            Err(AcceptError::Needed { place: place.to_owned(), reason })
        }
    }
}
