//! Long texts on a terminal: a page after the other.

use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGQUIT};

use super::locale;
use super::terminal::{write, write_stdout};

/// What a shell ends with when it cannot start a program (POSIX.1-2017, XCU section 2.8.2).
const NOT_STARTED: [i32; 2] = [126, 127];

/// Writes a text like [`write_stdout`], and lets a pager show it where the standard output is a terminal on which it does
/// not fit: `$PAGER`, else less, else more. Without any it is written as it is.
///
/// A pager that cannot be started, or that ends before it has read everything, is no failure.
///
/// # Errors
/// Fails when the standard output does.
pub fn write_paged(text: &str) -> io::Result<()> {
    let is_dumb = std::env::var_os("TERM").is_none_or(|kind| kind.is_empty() || kind == "dumb");
    if !io::stdout().is_terminal() || is_dumb || text.lines().count() < locale::rows() {
        return write_stdout(text);
    }
    let chosen = std::env::var("PAGER").ok();
    if matches!(chosen.as_deref(), Some("" | "cat")) {
        return write_stdout(text);
    }
    let was_shown = chosen.as_deref().into_iter().chain(["less", "more"]).any(|pager| show(text, pager));
    if was_shown { Ok(()) } else { write_stdout(text) }
}

/// Returns whether the pager, which may have options, was started.
fn show(text: &str, pager: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    if pager != "less" && pager != "more" {
        return run(text, &mut command);
    }
    // Ours alone, which nobody has asked for, may be missing without a word.
    let mut command = Command::new(pager);
    command.stdin(Stdio::piped());
    run(text, &mut command)
}

fn run(text: &str, command: &mut Command) -> bool {
    if std::env::var_os("LESS").is_none() {
        // As git does: end when the text fits, obey colours, leave the text on the screen.
        command.env("LESS", "FRX");
    }
    // Ctrl-C is for the pager, which leaves the terminal as it was. What catches a signal here does not reach its program.
    let caught = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGQUIT] {
        let _ = signal_hook::flag::register(signal, Arc::clone(&caught));
    }
    let Ok(mut pager) = command.spawn() else { return false };
    if let Some(pipe) = pager.stdin.take() {
        // It fails when the person has read enough.
        let _ = write(text, pipe);
    }
    match pager.wait() {
        Ok(status) => status.code().is_none_or(|code| !NOT_STARTED.contains(&code)),
        Err(_) => true,
    }
}
