//! Restarts the components that read a node's files, in the right order, or brings the files before back.
//!
//! **Why.** A container goes on seeing the folder that it was started with, and most programs read their files once.
//! When a control plane is stopped and started by hand in the wrong order, or on files that do not work, it stays down.
//!
//! **Input.** An [`Effect`], which says what a swap means for the running components, and the swap itself.
//!
//! **Output.** The manifests of static pods are taken away, and the kubelet, which goes on running, ends the pods:
//! controller manager and scheduler, the API server, etcd. Then comes the swap, and a restart of the kubelet. Then the
//! manifests are put back, etcd's first, and each stage begins when the stage before answers over TLS. A service of
//! systemd is restarted when its stage comes. The kubelet is never stopped for longer than its restart, so that it is
//! at work even after a run that is killed.
//!
//! If a component was well before and is not well again within the time, the generation before is brought back in the
//! same way. That is not done for a component that was not well before, nor for one that cannot be well before other
//! nodes have changed, such as members of etcd under a new CA.
//!
//! A run that is killed leaves a note of the components to start anew, and manifests that are away. At its end the next
//! run that takes the lock puts them back, whatever else it does.
//!
//! **What it refuses.** To begin when a component that must start anew is neither a static pod nor a service.

mod effect;
mod error;
mod health;
mod manifest;
mod plan;
mod progress;
mod run;
mod running;
mod stopped_manifests;

use std::collections::BTreeSet;
use std::time::Duration;

use super::place::Slot;
use super::{NodeError, Session};
use crate::host::{self, NodeTree};
use crate::kubernetes::Component;

pub use effect::Effect;
pub use error::{ProbeFailure, RestartError, StartFailure, Unwell};
pub use plan::Plan;
pub use progress::Progress;
use run::Restart;

/// What a run that was interrupted in its restart left behind. Empty when no run was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// The components that had to be started anew.
    pub restarts: BTreeSet<Component>,
    /// The components whose manifests are away, so that the kubelet does not run them.
    pub away: BTreeSet<Component>,
}

impl Unfinished {
    /// Returns what is left behind. Only reads, and changes nothing.
    ///
    /// # Errors
    /// Fails when it cannot be read.
    pub fn of(tree: &NodeTree) -> Result<Self, NodeError> {
        Ok(Self { restarts: stopped_manifests::noted(tree)?, away: stopped_manifests::away(tree)? })
    }

    /// Returns whether nothing is left behind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.restarts.is_empty() && self.away.is_empty()
    }
}

/// Who restarts the components that read a node's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestartedBy {
    /// A person restarts them.
    Person {
        /// The components that are static pods, by their manifests. All others are started in another way.
        pods: BTreeSet<Component>,
    },
    /// certferry has restarted all of them.
    Certferry {
        /// The components that will be well only once other nodes have changed, too.
        later: BTreeSet<Component>,
    },
}

impl RestartedBy {
    /// Returns [`Self::Person`] with the components that are static pods, which the person must know.
    pub(super) fn person(tree: &NodeTree) -> Result<Self, NodeError> {
        Ok(Self::Person { pods: stopped_manifests::static_pods(tree)? })
    }
}

/// Refuses a restart that is not possible on this host, before any file is looked at.
pub(super) fn check(tree: &NodeTree) -> Result<(), RestartError> {
    if !tree.is_host() {
        return Err(RestartError::OtherRoot);
    }
    if host::is_installed("systemctl") { Ok(()) } else { Err(RestartError::NoSystemctl) }
}

/// Makes a change, which returns the slot that keeps what was before. With `time`, stops and starts the components
/// that read the files around the change. Each of them may take that long to end, and again that long to be well.
/// `effect` grows by that of an earlier run that was interrupted in its restart.
pub(super) fn around(
    session: &Session<'_>,
    time: Option<Duration>,
    effect: &mut Effect,
    progress: &mut dyn FnMut(&Progress<'_>),
    change: impl FnOnce(&mut dyn FnMut(&Progress<'_>)) -> Result<Slot, NodeError>,
) -> Result<RestartedBy, RestartError> {
    let unfinished = Unfinished::of(session.tree())?;
    effect.restarts.extend(unfinished.restarts.iter().chain(&unfinished.away));
    let by_person = RestartedBy::person(session.tree())?;
    let restart = time.map(|time| Restart::prepare(session, effect, time)).transpose()?.flatten();
    match restart {
        None => {
            change(progress)?;
            Ok(by_person)
        }
        Some(restart) => {
            progress(&Progress::Effect(effect));
            Ok(RestartedBy::Certferry { later: restart.run(change, progress)? })
        }
    }
}

/// Puts back the manifests that an interrupted run has left away, and removes its note of the components to start anew.
pub(super) fn put_back(session: &Session<'_>, progress: &mut dyn FnMut(&Progress<'_>)) {
    let tree = session.tree();
    match Unfinished::of(tree).and_then(|unfinished| stopped_manifests::give_all(tree).map(|_| unfinished)) {
        Ok(unfinished) if unfinished.away.is_empty() => {}
        Ok(unfinished) => progress(&Progress::PutBack(&unfinished.away)),
        Err(error) => progress(&Progress::StillAway(&error)),
    }
}
