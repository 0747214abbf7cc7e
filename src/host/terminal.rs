//! The standard output and the standard error. Whatever the program says to people and programs passes here.

use std::io::{self, BufWriter, Write};

use crate::x509::is_unseen;

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

/// Writes a message for a person to the standard error, escaped like [`write_stdout`]. A closed standard error is not a
/// failure.
pub fn write_stderr(text: &str) {
    let _ = write(text, io::stderr().lock());
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
    use super::write;

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
