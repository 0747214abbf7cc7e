//! Brings the previous generation back.

use std::time::Duration;

use super::NodeError;
use super::apply::ApplyError;
use super::install;
use super::manifest_back::flags_after;
use super::place::Slot;
use super::restart::{self, Effect, Progress, RestartedBy};
use super::session::Session;
use super::signing_flag::SigningFlags;
use super::state::read_previous;
use super::status::{Status, status};
use crate::host::NodeTree;

/// The result of [`rollback`].
pub struct RolledBack {
    /// What is on the node now.
    pub status: Status,
    /// What the changes mean for the running components.
    pub effect: Effect,
    /// Who restarts them, or has restarted them.
    pub restarted_by: RestartedBy,
    /// Whether an interrupted run was completed first.
    pub has_recovered: bool,
    /// The places of what was taken away, because the previous generation has nothing there.
    pub taken_away: Vec<String>,
    /// The flags of kube-controller-manager that a person must edit, if there are any.
    pub signing: Option<SigningFlags>,
}

/// Completes an interrupted run, then brings the previous generation back. What was live becomes the previous
/// generation. With `restart`, restarts components around the change as [`apply`](super::apply()) does.
///
/// # Errors
/// Returns [`NodeError::NoPrevious`] when there is no previous generation, and [`NodeError::Link`] when a folder of its
/// files has become a link since. Otherwise fails like [`apply`](super::apply()).
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
    // Also after a failure, because what an earlier run stopped must not stay stopped.
    restart::put_back(&session, progress);
    result
}

/// What [`rollback`] would do.
pub struct RollbackForeseen {
    /// What is on the node. Its previous generation would come back.
    pub status: Status,
    /// What the changes mean for the running components.
    pub effect: Effect,
    /// Who would restart them.
    pub restarted_by: RestartedBy,
    /// The places of what would be taken away, because the previous generation has nothing there.
    pub taken_away: Vec<String>,
    /// The flags of kube-controller-manager that would have to be edited, if there are any.
    pub signing: Option<SigningFlags>,
}

/// Returns what [`rollback`] would do. Only reads, and changes nothing. Where an interrupted run waits, what comes after
/// it may be another.
///
/// # Errors
/// Fails like [`rollback`], as far as that is known without a change.
pub fn rollback_dry_run(tree: &NodeTree, restart: Option<Duration>) -> Result<RollbackForeseen, ApplyError> {
    if restart.is_some() {
        restart::check(tree)?;
    }
    install::check_rollback(tree)?;
    let effect = Effect::of_rollback(tree)?.ok_or(NodeError::NoPrevious)?;
    let signing = signing(tree, restart)?;
    let (status, taken_away) = (status(tree)?, install::taken_away(tree)?);
    Ok(RollbackForeseen { status, effect, restarted_by: RestartedBy::person(tree)?, taken_away, signing })
}

fn back(
    session: &Session<'_>,
    restart: Option<Duration>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<RolledBack, ApplyError> {
    install::check_rollback(session.tree())?;
    let mut effect = Effect::of_rollback(session.tree())?.ok_or(NodeError::NoPrevious)?;
    let signing = signing(session.tree(), restart)?.filter(|_| restart.is_none());
    let taken_away = install::taken_away(session.tree())?;
    let restarted_by = restart::around(session, restart, &mut effect, progress, |_| {
        install::back(session, Slot::Previous, restart.is_some())?;
        Ok(Slot::Previous)
    })?;
    let status = status(session.tree())?;
    let has_recovered = session.has_recovered();
    Ok(RolledBack { status, effect, restarted_by, has_recovered, taken_away, signing })
}

/// Returns the flags that do not fit what comes back. Refuses a restart with flags that nobody would edit.
fn signing(tree: &NodeTree, restart: Option<Duration>) -> Result<Option<SigningFlags>, ApplyError> {
    let units = read_previous(tree)?.unwrap_or_default();
    match flags_after(tree, Slot::Previous, &units)? {
        Some(flags) if restart.is_some() && flags.is_unedited() => Err(ApplyError::UneditedFlag { flags }),
        flags => Ok(flags),
    }
}
