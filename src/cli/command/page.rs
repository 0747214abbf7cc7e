//! Pages of paper with secrets on them: how they are drawn, and where they may go.

use std::io::Write;

use zeroize::Zeroizing;

use crate::cli::args::{Background, PageArguments};
use crate::cli::failure::{Failure, printed};
use crate::cli::text::qr;
use crate::host;
use crate::words;

/// How many letters of a code fit: what is printed has 80 columns.
const COLUMNS: usize = 80;

/// Where pages go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Terminal,
    Stdout,
    File,
}

impl Place {
    /// Refuses the standard output, when it is no terminal and nobody has said that it shall have the secret. `hint`
    /// says what writes it to a file.
    pub(super) fn of(arguments: &PageArguments, is_file: bool, what: &str, hint: &str) -> Result<Self, Failure> {
        match (is_file, arguments.to_stdout, host::is_stdout_terminal()) {
            (true, ..) => Ok(Self::File),
            (false, true, _) => Ok(Self::Stdout),
            (false, false, true) => Ok(Self::Terminal),
            (false, false, false) => {
                Err(Failure::cannot_run(format!("{what} are shown on a terminal, and the standard output is none"))
                    .hint(format!("{hint}, --to-stdout prints them all the same, as for `| lp`")))
            }
        }
    }
}

/// Returns the rows of words, and below them their QR code: the place of each in the list, in four digits.
pub(super) fn words_and_code(
    indices: &[u16],
    arguments: &PageArguments,
    place: Place,
) -> Result<Zeroizing<String>, Failure> {
    let mut digits = Zeroizing::new(String::with_capacity(indices.len() * 4));
    for index in indices {
        for power in [1000, 100, 10, 1] {
            digits.push(char::from(b'0' + u8::try_from(index / power % 10).unwrap_or_default()));
        }
    }
    let background = arguments.background.unwrap_or(match place {
        Place::Terminal => Background::Dark,
        Place::Stdout | Place::File => Background::Light,
    });
    let form = if host::is_utf8() { qr::Form::HalfBlocks } else { qr::Form::Ascii };
    let code = qr::render(&digits, form, background).map(Zeroizing::new);
    let code = code.map_err(|error| Failure::defect(&error.to_string()))?;
    if code.lines().any(|line| line.chars().count() > COLUMNS) {
        return Err(Failure::defect("a code is wider than a page"));
    }
    let rows = words::rows(indices);
    let mut text = Zeroizing::new(String::with_capacity(rows.len() + 1 + code.len()));
    text.push_str(&rows);
    text.push('\n');
    text.push_str(&code);
    Ok(text)
}

/// Writes a page to the standard output, past every buffer.
pub(super) fn print(page: &str) -> Result<(), Failure> {
    printed(host::stdout_file().and_then(|mut stdout| stdout.write_all(page.as_bytes())))
}
