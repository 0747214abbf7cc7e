//! `rollback`: brings the previous generation back.

use crate::cli::args::{ChangeArguments, OutputFormat, RollbackArguments};
use crate::cli::failure::Failure;
use crate::cli::input::node_folder;
use crate::cli::text::restart_json::{Failed, Recorder};
use crate::cli::text::{restart, rollback};
use crate::host::NodeTree;
use crate::node;

pub(crate) fn run(arguments: &RollbackArguments) -> Result<String, Failure> {
    let change = &arguments.change;
    let is_json = change.format.output == OutputFormat::Json;
    if change.dry_run {
        let tree = node_folder::open(&change.root)?;
        let foreseen = node::rollback_dry_run(&tree, change.restart.time())?;
        return if is_json { rollback::dry_run_json(&foreseen) } else { Ok(rollback::dry_run(&foreseen)) };
    }
    let tree = node_folder::open_to_change(&change.root)?;
    if is_json {
        return as_json(change, &tree);
    }
    let done = node::rollback(&tree, change.restart.time(), &mut restart::write_progress(change.quiet))?;
    Ok(if change.quiet { String::new() } else { rollback::done(&done) })
}

/// Also a run that fails in its restart has a document, which says what is on the node now.
fn as_json(change: &ChangeArguments, tree: &NodeTree) -> Result<String, Failure> {
    let (mut recorder, before) = (Recorder::default(), node::status(tree)?);
    match node::rollback(tree, change.restart.time(), &mut |event| recorder.note(event)) {
        Ok(done) => rollback::done_json(&done, recorder),
        Err(error) => match (Failed::of(&error), node::status(tree)) {
            (Some(failed), Ok(now)) => {
                let output = rollback::failed_json(&failed, &before, &now, recorder)?;
                Err(Failure::from(error).output(output))
            }
            _ => Err(error.into()),
        },
    }
}
