//! The command line: its arguments, one file for each command, and the words of results. The words of errors stand
//! beside the errors in their rooms, and their hints and exit codes in `failure.rs`.
//!
//! The standard output is for results, the standard error for people. Exit codes: 0 done; 1 the check said no; 2 could
//! not run.

mod args;
mod command;
mod document;
mod failure;
mod fleet_args;
mod input;
mod notice;
pub mod text;
mod typed_key;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::ColorChoice;

use crate::host;
use crate::keys::wipe_stack;
use failure::{Failure, printed};

/// Runs the command with which the process was started, and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    host::forbid_core_dumps();
    host::with_stack(run_line).unwrap_or_else(|error| {
        let failure = Failure::cannot_run(format!("cannot start a thread: {}", host::reason(&error)));
        failure.tell();
        ExitCode::from(failure.exit_code())
    })
}

fn run_line() -> ExitCode {
    if command::completions::answer() {
        return ExitCode::SUCCESS;
    }
    let line: Vec<OsString> = std::env::args_os().collect();
    host::set_colors(match usage::color(&line) {
        ColorChoice::Auto => None,
        choice => Some(choice == ColorChoice::Always),
    });
    if let Err(failure) = input::misplaced_secret::refuse_line(&line) {
        if wants_json(line.into_iter().skip(1)) {
            notice::collect();
        }
        failure.tell();
        return ExitCode::from(failure.exit_code());
    }
    let arguments = match usage::read(line) {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap knows the exit code of help, which is no error, and of errors: 0 and 2. An error repeats arguments.
            if !error.use_stderr() {
                let _ = error.print();
            } else if wants_json(std::env::args_os().skip(1)) {
                notice::collect();
                Failure::usage(&error.render().to_string()).tell();
            } else {
                host::write_stderr(&error.render().to_string());
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if arguments.command.is_for_programs() {
        notice::collect();
    }
    host::keep_for_taking_back();
    host::tell_leftovers(notice::give_leftover);
    let ended = command::run(&arguments.command);
    // Whatever a command did with keys: from here on there is nothing to do but to print.
    wipe_stack();
    let result = match ended {
        Ok(text) => write(&text).map_err(|failure| untold(failure, arguments.command.writes_files())),
        // Some failures come with results for the standard output.
        Err(mut failure) => write(&failure.take_output()).and(Err(failure)),
    };
    match result {
        Ok(()) => {
            host::settle();
            ExitCode::SUCCESS
        }
        Err(failure) => {
            // Nothing, unless a command failed after it had placed something.
            let _ = host::take_back();
            failure.tell();
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Adds what became of the files of a run whose result could not be told: new ones are taken back, and what was
/// installed on a node stays.
fn untold(failure: Failure, writes_files: bool) -> Failure {
    match host::take_back() {
        Some(left) if left.is_empty() => failure.hint("nothing was changed: what this run had written is taken back"),
        Some(left) => {
            let left: Vec<_> = left.iter().map(|path| path.display().to_string()).collect();
            failure.hint(format!("new all the same: {}; everything else is as it was", left.join(", ")))
        }
        None if writes_files => failure.hint("everything is done all the same; only the result could not be printed"),
        None => failure,
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

/// Returns whether a command line that clap refuses asks for JSON, as far as it can be told.
fn wants_json(words: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).take_while(|word| word != "--").collect();
    let is_json = |place: usize, word: &String| {
        let value = match word.strip_prefix("--") {
            Some(long) => long.strip_prefix("output").filter(|value| value.is_empty() || value.starts_with('=')),
            // Before it in one word only options without a value can stand, such as -q.
            None => word.strip_prefix('-').and_then(|short| short.trim_start_matches(['q', 'v']).strip_prefix('o')),
        };
        match value {
            Some("") => words.get(place + 1).is_some_and(|next| next == "json"),
            Some(value) => value.trim_start_matches('=') == "json",
            None => false,
        }
    };
    words.iter().enumerate().any(|(place, word)| is_json(place, word))
}

fn write(text: &str) -> Result<(), Failure> {
    printed(host::write_stdout(text))
}

#[cfg(test)]
mod tests {
    use super::wants_json;

    #[test]
    fn json_is_seen_in_every_spelling() {
        let wants = |line: &str| wants_json(line.split(' ').map(Into::into));
        for line in ["-o json", "apply -ojson x", "-o=json", "--output json", "--output=json", "x -qo json", "-vojson"]
        {
            assert!(wants(line), "{line}");
        }
        for line in ["", "json", "-o text", "-o", "--output", "--out json", "-- -o json", "-xo json", "--output=jsonl"]
        {
            assert!(!wants(line), "{line}");
        }
    }
}
