//! `rollback`: brings the previous generation back.

use crate::cli::args::RollbackArguments;
use crate::cli::failure::Failure;
use crate::cli::input::node_folder;
use crate::cli::text::{restart, status};
use crate::node;

pub(crate) fn run(arguments: &RollbackArguments) -> Result<String, Failure> {
    let tree = node_folder::open(&arguments.root)?;
    let done = node::rollback(&tree, arguments.restart.time(), &mut restart::write_progress(arguments.quiet))?;
    if arguments.quiet {
        return Ok(String::new());
    }
    let first = if done.has_recovered { "an interrupted run was brought to its end first\n" } else { "" };
    let restarts = restart::restarts(&done.effect, &done.restarted_by);
    Ok(format!("{first}{}{restarts}{}", status::text(&done.status), restart::in_cluster(&done.effect)))
}
