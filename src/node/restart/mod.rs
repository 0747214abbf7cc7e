//! Who reads a node's files starts anew with them, in the right order, or the files before come back.
//!
//! **Why.** A container goes on seeing the folder that it was started with, and most programs read their files once.
//! Stopped and started by hand, in the wrong order or on files that do not work, a control plane stays down.
//!
//! **Input.** [`Effect`], what a swap means for those who run; the swap itself, to be done in between.
//!
//! **Output.** The manifests of static pods go away and the kubelet, which runs on, ends them: controller manager and
//! scheduler, the API server, etcd. Then the swap, and a restart of the kubelet; then the manifests come back, etcd's
//! first, each stage when the one before answers over TLS. A service of systemd is restarted when its stage comes. The
//! kubelet is never stopped for longer than its restart, so that a run that is killed leaves it at work.
//!
//! Who was well before and is not within the time leads back: the same way with the generation before. Who was not
//! well before does not, nor who cannot be well before other nodes have changed: members of etcd under a new CA.
//!
//! A run that is killed leaves a note of who must start anew, and manifests that are away; the next run that has the
//! lock puts them back at its end, whatever it does.
//!
//! **What it refuses.** To begin when somebody must start anew that is neither a static pod nor a service.

mod away;
pub(crate) mod effect;
mod health;
mod manifest;
mod plan;
mod run;
mod running;

use std::collections::BTreeSet;

use super::{NodeError, Session};
use crate::host::NodeTree;
use crate::kubernetes::Component;

pub use effect::Effect;
pub use health::{Silence, Unwell};
pub use plan::Plan;
pub use run::{Progress, Restart, RestartError, Restarted, Trouble};

/// What a run that was cut short in its restart left: nothing when none was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Who had to be started anew.
    pub restarts: BTreeSet<Component>,
    /// Whose manifests are away, so that the kubelet does not run them.
    pub away: BTreeSet<Component>,
}

impl Unfinished {
    /// What is left. Reads; changes nothing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(tree: &NodeTree) -> Result<Self, NodeError> {
        Ok(Self { restarts: away::noted(tree)?, away: away::away(tree)? })
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.restarts.is_empty() && self.away.is_empty()
    }
}

/// Puts manifests back that a run that was cut short has left away, etcd's first, and forgets who had to be started anew.
///
/// # Errors
/// When they cannot be moved.
pub fn put_back(session: &Session<'_>) -> Result<Unfinished, NodeError> {
    let tree = session.tree();
    let unfinished = Unfinished::of(tree)?;
    away::give_all(tree)?;
    Ok(unfinished)
}

/// Components whose manifests the kubelet of a node has.
///
/// # Errors
/// When they cannot be looked at.
pub fn static_pods(tree: &NodeTree) -> Result<BTreeSet<Component>, NodeError> {
    away::static_pods(tree)
}
