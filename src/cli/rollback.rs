//! `rollback`: the generation before comes back.

use super::args::RollbackArguments;
use super::failure::Failure;
use super::restart_text::{self, Hands};
use super::{apply, node_failure, restart, status};
use crate::host::NodeTree;
use crate::node::restart::Effect;
use crate::node::{self, NodeError, Session};

pub(super) fn run(arguments: &RollbackArguments) -> Result<String, Failure> {
    let tree = apply::tree(&arguments.root)?;
    restart::check(&arguments.restart, &arguments.root)?;
    let session = Session::resume(&tree).map_err(|error| node_failure::failure(&error))?;
    let result = back(arguments, &tree, session.as_ref());
    // Whatever became of this run: what an earlier one stopped must not stay so.
    restart::put_back(session.as_ref());
    result
}

fn back(arguments: &RollbackArguments, tree: &NodeTree, session: Option<&Session<'_>>) -> Result<String, Failure> {
    let failure = |error| node_failure::failure(&error);
    let session = session.ok_or_else(|| failure(NodeError::NoPrevious))?;
    let effect = Effect::of_rollback(tree).map_err(failure)?;
    let mut effect = effect.ok_or_else(|| failure(NodeError::NoPrevious))?;
    let mut hands = Hands::of_person(tree)?;
    let change = || node::rollback(session);
    restart::around(&arguments.restart, arguments.quiet, session, &mut effect, &mut hands, change)?;
    if arguments.quiet {
        return Ok(String::new());
    }
    let status = node::status(tree).map_err(failure)?;
    let first = if session.has_recovered() { "an interrupted run was brought to its end first\n" } else { "" };
    let (restarts, in_cluster) = (restart_text::restarts(&effect, &hands), restart_text::in_cluster(&effect));
    Ok(format!("{first}{}{restarts}{in_cluster}", status::text(&status)))
}
