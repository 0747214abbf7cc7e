//! `rollback`: the generation before comes back.

use crate::cli::args::RollbackArguments;
use crate::cli::command::apply;
use crate::cli::command::restart;
use crate::cli::command::status;
use crate::cli::failure::Failure;
use crate::cli::text;
use crate::cli::text::restart::Hands;
use crate::host::NodeTree;
use crate::node::restart::Effect;
use crate::node::{self, NodeError, Session};

pub(crate) fn run(arguments: &RollbackArguments) -> Result<String, Failure> {
    let tree = apply::tree(&arguments.root)?;
    restart::check(&arguments.restart, &arguments.root)?;
    let session = Session::resume(&tree).map_err(|error| text::node::failure(&error))?;
    let result = back(arguments, &tree, session.as_ref());
    // Whatever became of this run: what an earlier one stopped must not stay so.
    restart::put_back(session.as_ref());
    result
}

fn back(arguments: &RollbackArguments, tree: &NodeTree, session: Option<&Session<'_>>) -> Result<String, Failure> {
    let failure = |error| text::node::failure(&error);
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
    let (restarts, in_cluster) = (text::restart::restarts(&effect, &hands), text::restart::in_cluster(&effect));
    Ok(format!("{first}{}{restarts}{in_cluster}", status::text(&status)))
}
