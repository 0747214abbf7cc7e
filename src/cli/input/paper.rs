//! What stands on paper: words, from a file or from whoever types them, and the id that they must give.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::args::ExpectedArguments;
use crate::cli::failure::{Failure, named};
use crate::cli::input::{lock_file, misplaced_secret, sealed, source};
use crate::cli::notice::Notice;
use crate::host::{self, Exposure};
use crate::words::{self, Tolerated, Typed, WordsError};
use crate::x509::escape_for_terminal;

/// The most bytes of a file with words.
const LIMIT: u64 = 1 << 20;

/// The most bytes of a line that is typed.
const LINE: usize = 4096;

/// The number of hex digits of a seed's id.
const ID_DIGITS: usize = 16;

/// The id that a seed must have, and who says so.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) id: String,
    pub(crate) source: String,
}

impl Expected {
    /// Returns what the arguments say. `record` is what a record says. All of them must say the same.
    pub(crate) fn of(arguments: &ExpectedArguments, record: Option<Self>) -> Result<Option<Self>, Failure> {
        let given = arguments.id.as_deref().map(|id| Self::typed(id, "--id")).transpose()?;
        let locked = match &arguments.lock {
            None => None,
            Some(path) => {
                let lock = lock_file::read(path)?;
                let lock = lock.ok_or_else(|| Failure::cannot_run(format!("there is no lock {}", path.display())))?;
                Some(Self { id: lock.seed_id, source: path.display().to_string() })
            }
        };
        let mut known: Option<Self> = None;
        for next in [given, locked, record].into_iter().flatten() {
            match &known {
                Some(before) if before.id != next.id => {
                    return Err(Failure::cannot_run(format!(
                        "{} says the seed id {}, and {} says {}",
                        before.source, before.id, next.source, next.id
                    )));
                }
                Some(_) => {}
                None => known = Some(next),
            }
        }
        Ok(known)
    }

    /// Reads an id as people write it: in any case, with blanks between.
    pub(crate) fn typed(text: &str, source: &str) -> Result<Self, Failure> {
        let id: String = text.split_whitespace().collect::<String>().to_lowercase();
        if id.len() != ID_DIGITS || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            // Never the text, which may be the words.
            return Err(Failure::cannot_run(format!("{source} is no seed id, which has 16 hex digits")).hint(
                "it stands on the page of the words, in the lock as `seed_id`, and `certferry seed id` prints it",
            ));
        }
        Ok(Self { id, source: source.to_owned() })
    }

    /// Asks for the id on the terminal.
    pub(crate) fn ask() -> Result<Self, Failure> {
        let line = host::read_shown("Seed id, from the page: ", LINE).map_err(|error| no_terminal(&error))?;
        Self::typed(&String::from_utf8_lossy(&line), "what was typed")
    }

    /// Returns the failure of whoever does not say which seed it must be.
    pub(crate) fn missing() -> Failure {
        Failure::cannot_run(
            "which seed shall it be? Words alone do not tell: one wrong one in 256 passes their checksum",
        )
        .hint("--id ID is the id on the same page, --lock FILE the lock of a cluster that was built with the seed")
    }
}

/// Reads a file with words.
pub(crate) fn read_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    misplaced_secret::refuse_argument(path)?;
    let read = match source::is_standard(path) {
        true => host::read_stdin(LIMIT).map(|bytes| (bytes, Exposure::default())),
        false => host::read_secret(path, LIMIT),
    };
    let (bytes, exposure) = read.map_err(|error| {
        let failure = Failure::io("read the words", path, &error);
        match error.kind() {
            io::ErrorKind::NotFound if path.to_str().is_some_and(words::is_word) => {
                failure.hint("words are no arguments, which others see: they come from a file, or are asked for")
            }
            _ => failure,
        }
    })?;
    sealed::warn_of(path, exposure.can_be_read);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::cannot_run(format!("{} is not UTF-8", named(path))))?;
    if !has_words(text) {
        return Err(Failure::cannot_run(format!("{}: hardly a word in it is one of a seed or a share", named(path)))
            .hint("nothing of it is shown here; were two arguments exchanged?"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Returns whether at least half of what could be words are words. What else is there, such as a passphrase, is not to
/// be quoted.
fn has_words(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.contains(':'));
    let tokens = lines.flat_map(str::split_whitespace).filter(|token| token.starts_with(char::is_alphabetic));
    let (words, others): (Vec<_>, Vec<_>) = tokens.partition(|token| words::is_like_word(token));
    words.len() >= others.len()
}

/// Returns the failure for a text that is not the words that it should be.
pub(crate) fn no_words(name: &str, error: &WordsError) -> Failure {
    let failure = Failure::cannot_run(format!("{name}: {error}"));
    match error {
        WordsError::Unknown { .. } | WordsError::Number { .. } => failure.hint("compare it with the paper"),
        _ => failure,
    }
}

/// Says what was taken as it was meant.
pub(crate) fn tell(name: &str, tolerated: &Tolerated) {
    if *tolerated != Tolerated::default() {
        Notice::new(format!("{name}: taken as it is meant: {tolerated}")).give();
    }
}

/// Asks on the terminal for words, as many in a line as a person likes, until there are `count`. A word that is not in
/// the list is asked for again. `said` stands before the first question.
pub(crate) fn ask(said: &str, what: &str, count: usize) -> Result<(Zeroizing<Vec<u16>>, Tolerated), Failure> {
    let mut indices = Zeroizing::new(Vec::with_capacity(count));
    let mut tolerated = Tolerated::default();
    let mut said = said.to_owned();
    while indices.len() < count {
        let prompt = format!("{said}{what}word {} of {count}: ", indices.len() + 1);
        said.clear();
        let line = host::read_shown(&prompt, LINE).map_err(|error| no_terminal(&error))?;
        if line.is_empty() {
            return Err(Failure::cannot_run(format!("the terminal ended before word {}", indices.len() + 1)));
        }
        let text = Zeroizing::new(String::from_utf8_lossy(&line).into_owned());
        match Typed::parse(&text, count, indices.len()) {
            Ok(typed) if indices.len() + typed.indices.len() > count => {
                said = format!("these would be {} words: once more\n", indices.len() + typed.indices.len());
            }
            Ok(typed) => {
                indices.extend(typed.indices.iter());
                tolerated.extend(&typed.tolerated);
            }
            Err(error) => said = format!("{}\n", escape_for_terminal(&error.to_string())),
        }
    }
    // What is typed with a blank too much is nothing to speak of.
    tolerated.blanks = false;
    Ok((indices, tolerated))
}

fn no_terminal(error: &io::Error) -> Failure {
    match sealed::is_no_terminal(error) {
        true => Failure::cannot_run("there is no terminal on which to ask for the words")
            .hint("name a file that has them, or - for the standard input"),
        false => Failure::io("read from", Path::new("/dev/tty"), error),
    }
}
