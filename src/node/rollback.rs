//! The generation before comes back.

use std::time::Duration;

use super::NodeError;
use super::apply::ApplyError;
use super::install;
use super::restart::{self, Effect, Progress, RestartedBy};
use super::session::Session;
use super::status::{Status, status};
use crate::host::NodeTree;

/// What [`rollback`] did.
pub struct RolledBack {
    /// What is on the node now.
    pub status: Status,
    /// What that means for those who run.
    pub effect: Effect,
    /// Who restarts them, or has.
    pub restarted_by: RestartedBy,
    /// Whether an interrupted run was brought to its end first.
    pub has_recovered: bool,
}

/// Brings an interrupted run to its end, then the generation before back; what was there is the generation before then.
/// With a time for it, restarts around the change as [`apply`](super::apply()) does.
///
/// # Errors
/// [`NodeError::NoPrevious`], and as [`apply`](super::apply()).
pub fn rollback(
    tree: &NodeTree,
    restart: Option<Duration>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<RolledBack, ApplyError> {
    if restart.is_some() {
        restart::check(tree)?;
    }
    let session = Session::resume(tree)?.ok_or(NodeError::NoPrevious)?;
    let result = back(&session, restart, progress);
    // Whatever became of this run: what an earlier one stopped must not stay so.
    restart::put_back(&session, progress);
    result
}

fn back(
    session: &Session<'_>,
    restart: Option<Duration>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<RolledBack, ApplyError> {
    let mut effect = Effect::of_rollback(session.tree())?.ok_or(NodeError::NoPrevious)?;
    let restarted_by = restart::around(session, restart, &mut effect, progress, || install::rollback(session))?;
    let status = status(session.tree())?;
    Ok(RolledBack { status, effect, restarted_by, has_recovered: session.has_recovered() })
}
