//! Arguments, one file per command, and every word a person reads.
//!
//! stdout is for results, stderr for people. Exit codes: 0 done; 1 the check said no; 2 could not run.

mod args;
mod command;
mod failure;
mod input;
pub mod text;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::host;
use args::Arguments;
use failure::Failure;

/// Runs the command that the process was started with and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    host::forbid_core_dumps();
    let result = match Arguments::try_parse() {
        Ok(arguments) => command::run(&arguments.command),
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
