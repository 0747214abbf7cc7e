//! `rollback`: brings the previous generation back.

use crate::cli::args::RollbackArguments;
use crate::cli::failure::Failure;
use crate::cli::input::node_folder;
use crate::cli::text::{restart, status};
use crate::node;
use crate::x509::escape_for_terminal;

pub(crate) fn run(arguments: &RollbackArguments) -> Result<String, Failure> {
    let tree = node_folder::open_to_change(&arguments.root)?;
    let done = node::rollback(&tree, arguments.restart.time(), &mut restart::write_progress(arguments.quiet))?;
    if arguments.quiet {
        return Ok(String::new());
    }
    let first = if done.has_recovered { "an interrupted run was brought to its end first\n" } else { "" };
    let mut taken_away = String::new();
    for (number, place) in done.taken_away.iter().enumerate() {
        let head = if number == 0 { "taken away, because the generation before has none:\n" } else { "" };
        taken_away += &format!("{head}  {}\n", escape_for_terminal(place));
    }
    let restarts = restart::restarts(&done.effect, &done.restarted_by);
    let in_cluster = restart::in_cluster(&done.effect);
    Ok(format!("{first}{taken_away}{}{restarts}{in_cluster}", status::text(&done.status)))
}
