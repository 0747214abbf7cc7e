//! Compares what lies on a node with the record of what certferry installed there.
//!
//! **Why.** Other programs and people change a node's files after certferry: `kubeadm upgrade apply` renews every leaf,
//! a folder is deleted, a CA is exchanged. Until somebody compares, nobody knows.
//!
//! **Input.** A node's files below a root, which are only read.
//!
//! **Output.** A [`Drift`]: each file, link or folder of the record that is not as it was installed, and how it differs.
//! What healthy nodes do by themselves is not among it: the kubelet's rotation under the same CA and name, and a
//! kubeconfig that says the same in another layout. What people may take away is there as a note.
//!
//! **What it refuses.** To compare while an interrupted run waits, because then files of two generations are there.

mod certificates;
mod compare;
mod finding;
mod key_users;
mod rotation;
mod same_yaml;

use std::collections::BTreeSet;

use super::NodeError;
use super::accepted::accepted;
use super::installed::{Installed, installed_record};
use super::not_after::not_after;
use super::place::JOURNAL;
use crate::host::NodeRoot;
use compare::Comparison;
pub use finding::{Change, ChangedCertificate, Drifted, Signer, Weight};
pub use key_users::KeyUser;

/// The differences between what lies on a node and the record of what is installed.
#[derive(Debug)]
pub struct Drift {
    /// The generation that is installed.
    pub installed: Installed,
    /// Whether an interrupted run waits. Nothing was compared then.
    pub is_interrupted: bool,
    /// The places of the record's files and links.
    pub places: BTreeSet<String>,
    /// What differs, in the order of the record. A place may be in it twice: for its content, and for its permissions.
    pub drifted: Vec<Drifted>,
    /// The places that could not be read, each with the reason.
    pub unread: Vec<(String, String)>,
}

/// Compares what lies on a node with what is installed. Only reads, and changes nothing. Returns `None` when certferry
/// installed nothing.
///
/// # Errors
/// Fails when what is installed cannot be read. A file of the node that cannot be read is in [`Drift::unread`].
pub fn drift(root: &NodeRoot) -> Result<Option<Drift>, NodeError> {
    let Some((record, installed)) = installed_record(root)? else { return Ok(None) };
    let is_interrupted =
        root.look(JOURNAL).map_err(|error| NodeError::io_in("look at", root, JOURNAL, error))?.is_some();
    let places = record.rows.iter().map(|row| row.path().to_owned()).collect();
    let (drifted, unread) = if is_interrupted {
        Default::default()
    } else {
        let (accepted, not_after) = (accepted(root)?, not_after(root)?);
        Comparison::new(root, &record, &not_after)?.drifted(&accepted)
    };
    Ok(Some(Drift { installed, is_interrupted, places, drifted, unread }))
}

impl Drift {
    /// Returns what differs and is a problem.
    pub fn problems(&self) -> impl Iterator<Item = &Drifted> {
        self.with(Weight::Problem)
    }

    /// Returns what differs and is worth no more than a note.
    pub fn notes(&self) -> impl Iterator<Item = &Drifted> {
        self.with(Weight::Note)
    }

    fn with(&self, weight: Weight) -> impl Iterator<Item = &Drifted> {
        self.drifted.iter().filter(move |drifted| drifted.weight == weight)
    }
}
