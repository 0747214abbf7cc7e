//! The command line: its arguments, one file for each command, and the words of results. The words of errors stand
//! beside the errors in their rooms, and their hints and exit codes in `failure.rs`.
//!
//! The standard output is for results, the standard error for people. Exit codes: 0 done; 1 the check said no; 2 could
//! not run.

mod args;
mod command;
mod failure;
mod input;
pub mod text;
mod typed_key;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::ColorChoice;

use crate::host;
use failure::{Failure, printed};

/// Runs the command with which the process was started, and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    host::forbid_core_dumps();
    if command::completions::answer() {
        return ExitCode::SUCCESS;
    }
    let line: Vec<OsString> = std::env::args_os().collect();
    host::set_colors(match usage::color(&line) {
        ColorChoice::Auto => None,
        choice => Some(choice == ColorChoice::Always),
    });
    let arguments = match usage::read(line) {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap knows the exit code of help, which is no error, and of errors: 0 and 2. An error repeats arguments.
            if error.use_stderr() {
                host::write_stderr(&error.render().to_string());
            } else {
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match command::run(&arguments.command) {
        Ok(text) => write(&text).map_err(|failure| match arguments.command.writes_files() {
            true => failure.hint("everything is done all the same; only the result could not be printed"),
            false => failure,
        }),
        // Some failures come with results for the standard output.
        Err(mut failure) => write(&failure.take_output()).and(Err(failure)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            host::write_stderr(&failure.text());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Checks that a command line would be accepted. Its first word is the name of the program. Tests of what the manual
/// shows use this.
///
/// # Errors
/// Returns what the program would say to the command line. Only the words themselves are looked at, and nothing is run.
pub fn parses<Word: Into<OsString> + Clone>(line: impl IntoIterator<Item = Word>) -> Result<(), String> {
    match usage::read(line.into_iter().map(Into::into)) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        // To clap help and version are errors, but to a person they are answers.
        _ => Ok(()),
    }
}

fn write(text: &str) -> Result<(), Failure> {
    printed(host::write_stdout(text))
}
