//! Arguments, one file per command, and every word a person reads.
//!
//! stdout is for results, stderr for people. Exit codes: 0 done; 1 the check said no; 2 could not run.

mod apply;
mod apply_text;
mod args;
mod build;
mod bundle_text;
mod changes_text;
mod completions;
mod doctor;
mod doctor_text;
mod engine;
mod failure;
mod findings;
mod help;
mod init;
mod inspect;
mod inspect_lint;
mod inspect_text;
#[cfg(test)]
mod install_facts;
pub mod install_parts;
mod install_script;
mod lock_file;
mod man;
mod node_failure;
mod plan;
mod plan_json;
mod plan_tree;
pub mod problems;
mod restart;
mod restart_text;
mod rollback;
mod secret;
mod seed;
mod shell;
mod since_lock;
mod split;
mod status;
mod summary;
mod trust;
mod unpack;
mod verify;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::host;
use args::{Arguments, Command};
use failure::Failure;

/// Runs the command that the process was started with and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    host::forbid_core_dumps();
    let result = match Arguments::try_parse() {
        Ok(arguments) => dispatch(&arguments.command),
        Err(error) => {
            // clap prints help to stdout and errors to stderr, and knows the exit code of both: 0 and 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match result {
        Ok(text) => write(&text),
        // Some answers are results and a no.
        Err(mut failure) => write(&failure.take_output()).and(Err(failure)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = io::stderr().write_all(failure.text().as_bytes());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Whether a command line would be taken, its first word the program's name: for tests of what the manual shows.
///
/// # Errors
/// What the program would say to it. Nothing is run or looked at but the words themselves.
pub fn parses<Word: Into<OsString> + Clone>(line: impl IntoIterator<Item = Word>) -> Result<(), String> {
    match Arguments::try_parse_from(line) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        // Help and version are errors to clap, but answers to a person.
        _ => Ok(()),
    }
}

fn write(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        // A reader that has seen enough is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io("write", Path::new("the standard output"), &error))
        }
        _ => Ok(()),
    }
}

/// The text for the standard output, or the failure.
fn dispatch(command: &Command) -> Result<String, Failure> {
    match command {
        Command::Init(arguments) => init::run(arguments),
        Command::Seed(command) => seed::run(command),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Unpack(arguments) => unpack::run(arguments),
        Command::Apply(arguments) => apply::run(arguments),
        Command::Rollback(arguments) => rollback::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Split(arguments) => split::run(arguments),
        Command::Help(arguments) => help::run(arguments),
        Command::Completions(arguments) => Ok(completions::run(arguments)),
        Command::Man(arguments) => man::run(arguments),
    }
}
