//! The standard output and the standard error. Whatever the program says to people and programs passes here.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

use crate::x509::is_unseen;

/// The words at the beginning of a line that have a colour, and how they begin on a terminal (ECMA-48, section 8.3.117): bold
/// red, yellow, cyan.
const HEADS: [(&str, &str); 3] = [("error:", "\x1b[1;31m"), ("warning:", "\x1b[1;33m"), ("hint:", "\x1b[1;36m")];
const PLAIN: &str = "\x1b[0m";

/// Whether messages have colours.
static HAS_COLORS: AtomicBool = AtomicBool::new(false);

/// Decides whether messages on the standard error have colours. `is_wanted` is what the user has said. Where nothing was
/// said, a terminal has them, unless `NO_COLOR` or `TERM` say otherwise: the same rule as that of clap.
pub fn set_colors(is_wanted: Option<bool>) {
    let by_rule = || AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    HAS_COLORS.store(is_wanted.unwrap_or_else(by_rule), Ordering::Relaxed);
}

/// Writes a result to the standard output.
///
/// What a terminal would obey or not show is [escaped](is_unseen), save the ends of lines, because a part of every text
/// comes from files that somebody else made.
///
/// # Errors
/// Fails when the standard output does.
pub fn write_stdout(text: &str) -> io::Result<()> {
    write(text, io::stdout().lock())
}

/// Returns the standard output for bytes that are secret, which no buffer keeps.
///
/// # Errors
/// Fails when it is closed.
pub fn stdout_file() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Returns whether the standard output is a terminal.
#[must_use]
pub fn is_stdout_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes a message for a person to the standard error, escaped like [`write_stdout`]. A closed standard error is not a
/// failure.
pub fn write_stderr(text: &str) {
    let stream = io::stderr().lock();
    let _ = if HAS_COLORS.load(Ordering::Relaxed) { write_colored(text, stream) } else { write(text, stream) };
}

fn write_colored(text: &str, mut stream: impl Write) -> io::Result<()> {
    for line in text.split_inclusive('\n') {
        let head = HEADS.iter().find_map(|(head, begin)| Some((head, begin, line.strip_prefix(head)?)));
        let rest = match head {
            None => line,
            Some((head, begin, rest)) => {
                write!(stream, "{begin}{head}{PLAIN}")?;
                rest
            }
        };
        write(rest, &mut stream)?;
    }
    Ok(())
}

pub(super) fn write(text: &str, stream: impl Write) -> io::Result<()> {
    // The text may have many lines, and the standard output would write each of them by itself.
    let mut stream = BufWriter::with_capacity(64 << 10, stream);
    let is_escaped = |letter: char| letter != '\n' && is_unseen(letter);
    let mut rest = text;
    while let Some((before, letter)) = rest.find(is_escaped).map(|place| rest.split_at(place)) {
        stream.write_all(before.as_bytes())?;
        let mut letters = letter.chars();
        write!(stream, "{}", letters.next().unwrap_or_default().escape_unicode())?;
        rest = letters.as_str();
    }
    stream.write_all(rest.as_bytes())?;
    stream.flush()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{write, write_colored};

    #[test]
    fn only_the_first_word_has_a_color() {
        let mut bytes = Vec::new();
        write_colored("error: a\u{1b}[1A error: b\nhint: c\n  hint: d\nwarning: e", &mut bytes).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\u{1b}[1;31merror:\u{1b}[0m a\\u{1b}[1A error: b\n\u{1b}[1;36mhint:\u{1b}[0m c\n  hint: d\n\
             \u{1b}[1;33mwarning:\u{1b}[0m e"
        );
    }

    #[test]
    fn lines_stay_and_nothing_else_reaches_the_terminal() {
        let shown = |text: &str| {
            let mut bytes = Vec::new();
            write(text, &mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(
            shown("a\u{1b}[1A\u{1b}[2K\n\u{9b}b\r\u{202e}\n"),
            "a\\u{1b}[1A\\u{1b}[2K\n\\u{9b}b\\u{d}\\u{202e}\n"
        );
        for same in ["", "\n", "├── Zürich\n\n", "\\u{1b}"] {
            assert_eq!(shown(same), same);
        }
    }
}
