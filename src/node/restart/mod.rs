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

pub(crate) mod effect;
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

use super::{NodeError, Session};
use crate::host::{self, NodeTree};
use crate::kubernetes::Component;

pub use effect::Effect;
pub use error::{ProbeFailure, RestartError, StartFailure, Unwell};
pub use plan::Plan;
pub use progress::Progress;
use run::Restart;

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
        Ok(Self { restarts: stopped_manifests::noted(tree)?, away: stopped_manifests::away(tree)? })
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.restarts.is_empty() && self.away.is_empty()
    }
}

/// Who restarts the components that read a node's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestartedBy {
    /// A person: these are static pods, and what is none is started in another way.
    Person {
        /// The components that have a manifest.
        pods: BTreeSet<Component>,
    },
    /// certferry, and all has restarted.
    Certferry {
        /// Who will be well only once other nodes have changed, too.
        later: BTreeSet<Component>,
    },
}

impl RestartedBy {
    /// A person, who must know which components are static pods.
    pub(super) fn person(tree: &NodeTree) -> Result<Self, NodeError> {
        Ok(Self::Person { pods: stopped_manifests::static_pods(tree)? })
    }
}

/// Refuses a restart that cannot be on this host, before anything is looked at.
pub(super) fn check(tree: &NodeTree) -> Result<(), RestartError> {
    if !tree.is_host() {
        return Err(RestartError::OtherRoot);
    }
    if host::is_installed("systemctl") { Ok(()) } else { Err(RestartError::NoSystemctl) }
}

/// Makes a change. With a time for it, stops and starts around the change whoever reads the files; each may take that
/// long to end, and to be well again. The effect grows by that of an earlier run whose restart was cut short.
pub(super) fn around(
    session: &Session<'_>,
    time: Option<Duration>,
    effect: &mut Effect,
    progress: &mut dyn FnMut(&Progress<'_>),
    change: impl FnOnce() -> Result<(), NodeError>,
) -> Result<RestartedBy, RestartError> {
    let unfinished = Unfinished::of(session.tree())?;
    effect.restarts.extend(unfinished.restarts.iter().chain(&unfinished.away));
    let by_person = RestartedBy::person(session.tree())?;
    let restart = time.map(|time| Restart::prepare(session, effect, time)).transpose()?.flatten();
    match restart {
        None => {
            change()?;
            Ok(by_person)
        }
        Some(restart) => Ok(RestartedBy::Certferry { later: restart.run(change, progress)? }),
    }
}

/// Puts manifests back that a run that was cut short has left away, etcd's first, and forgets who had to be started anew.
pub(super) fn put_back(session: &Session<'_>, progress: &mut dyn FnMut(&Progress<'_>)) {
    let tree = session.tree();
    match Unfinished::of(tree).and_then(|unfinished| stopped_manifests::give_all(tree).map(|_| unfinished)) {
        Ok(unfinished) if unfinished.away.is_empty() => {}
        Ok(unfinished) => progress(&Progress::PutBack(&unfinished.away)),
        Err(error) => progress(&Progress::StillAway(&error)),
    }
}
