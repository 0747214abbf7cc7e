//! What the environment says of letters, language and terminal.

use std::io;
use std::io::IsTerminal;

use rustix::termios::tcgetwinsize;

/// The columns of a terminal that does not say how many it has, and of whatever is no terminal.
const COLUMNS: usize = 80;
/// The rows of a terminal that does not say how many it has.
const ROWS: usize = 24;

/// Returns the value of a variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the locale of a category such as `LC_CTYPE` (POSIX.1-2017, XBD section 8.2).
fn locale(category: &str) -> Option<String> {
    ["LC_ALL", category, "LANG"].into_iter().find_map(variable)
}

/// Returns whether texts are in UTF-8. Where nothing is said they are in ASCII.
#[must_use]
pub fn is_utf8() -> bool {
    let locale = locale("LC_CTYPE").unwrap_or_default().to_lowercase();
    let (_, codeset) = locale.split_once('.').unwrap_or_default();
    let codeset = codeset.split('@').next().unwrap_or_default();
    matches!(codeset, "utf-8" | "utf8")
}

/// Returns the language in which a person wants to read, such as `ko`.
#[must_use]
pub fn language() -> Option<String> {
    let locale = locale("LC_MESSAGES")?;
    locale.split(['_', '.', '@']).next().map(str::to_owned)
}

/// Returns whether the standard output is the console of Linux itself, which has no more letters than its font: at most
/// 512 (console_codes(4)).
#[must_use]
pub fn is_linux_console() -> bool {
    io::stdout().is_terminal() && variable("TERM").as_deref() == Some("linux")
}

/// Returns how many columns texts may take: what `COLUMNS` says, else the terminal, else 80.
#[must_use]
pub fn columns() -> usize {
    let said = variable("COLUMNS").and_then(|value| value.parse().ok());
    said.filter(|columns| *columns > 0).or_else(|| size().map(|(columns, _)| columns)).unwrap_or(COLUMNS)
}

/// Returns how many rows the terminal has.
pub(super) fn rows() -> usize {
    size().map(|(_, rows)| rows).filter(|rows| *rows > 0).unwrap_or(ROWS)
}

/// Returns columns and rows of the terminal that the standard output is. A serial line knows neither.
fn size() -> Option<(usize, usize)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some((size.ws_col.into(), size.ws_row.into())).filter(|(columns, _)| *columns > 0)
}
