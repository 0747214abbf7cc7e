//! `seed from-words`: a seed's file of its 24 words.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::args::{FromWordsArguments, OutputFormat};
use crate::cli::command::seed_file;
use crate::cli::command::seed_keeping::Keep;
use crate::cli::failure::{Failure, named};
use crate::cli::input::paper::{self, Expected};
use crate::cli::notice::Notice;
use crate::cli::text::json;
use crate::host;
use crate::keys::{Seed, wipe_stack};
use crate::shares;
use crate::words::{self, Slip, Typed, WordsError};

#[derive(Serialize)]
struct Json {
    changed: bool,
    dry_run: bool,
    file: String,
    id: Option<String>,
    sealed: Option<&'static str>,
    gitignore: Option<String>,
}

pub(crate) fn run(arguments: &FromWordsArguments) -> Result<String, Failure> {
    let FromWordsArguments { words, out, expected, keep, dry_run, format } = arguments;
    let keep = Keep::from(keep);
    check_new(out, keep)?;
    let expected = Expected::of(expected, None)?;
    tell_place(out);
    let made = if *dry_run { None } else { Some(make(words.as_deref(), out, expected, keep)?) };
    if format.output == OutputFormat::Json {
        let (id, gitignore) = made.map_or((None, None), |(id, gitignore)| (Some(id), gitignore));
        let gitignore = gitignore.map(|path| path.display().to_string());
        let file = out.display().to_string();
        let document = Json { changed: true, dry_run: *dry_run, file, id, sealed: keep.word(), gitignore };
        return json::document("seed-from-words", &document);
    }
    Ok(match made {
        None => format!("{} would be made; nothing was written\n", out.display()),
        Some((id, gitignore)) => {
            let head = seed_file::made_head(out, &id, keep, gitignore.as_deref());
            format!("{head}It is the seed of the words. Whoever reads them can make every key of the cluster.\n")
        }
    })
}

/// Refuses a place or a keeping that would be refused after everything was typed.
pub(super) fn check_new(out: &Path, keep: Keep<'_>) -> Result<(), Failure> {
    seed_file::check_new(out)?;
    keep.recipients()?;
    let checked = host::check_new_file(out);
    checked.map_err(|error| seed_file::cannot_create(Failure::io("create", out, &error), &error))
}

/// Says that others can put another file in the place of the seed's.
pub(super) fn tell_place(out: &Path) {
    if let Some((what, hint)) = seed_file::weak_place(out) {
        Notice::new(what).hint(hint).give();
    }
}

fn make(
    from: Option<&Path>,
    out: &Path,
    expected: Option<Expected>,
    keep: Keep<'_>,
) -> Result<(String, Option<PathBuf>), Failure> {
    let (name, indices, expected) = match from {
        Some(path) => {
            let (text, name) = (paper::read_text(path)?, named(path).to_string());
            let typed = Typed::parse(&text, words::COUNT, 0).map_err(|error| paper::no_words(&name, &error))?;
            let on_page = typed.seed_id.as_deref().map(|id| Expected::typed(id, &format!("the page in {name}")));
            let expected = expected.or(on_page.transpose()?).ok_or_else(Expected::missing)?;
            paper::tell(&name, &typed.tolerated);
            (name, typed.indices, expected)
        }
        None => {
            let (indices, tolerated) = paper::ask("", "", words::COUNT)?;
            paper::tell("the words", &tolerated);
            (String::from("the words"), indices, expected.map_or_else(Expected::ask, Ok)?)
        }
    };
    let seed = seed(&name, &indices, &expected)?;
    wipe_stack();
    Ok((seed.id(), seed_file::create(out, &seed, keep)?))
}

/// Returns the seed of these words, which has the expected id.
fn seed(name: &str, indices: &[u16], expected: &Expected) -> Result<Seed, Failure> {
    let read = |indices: &[u16]| words::checked(indices).ok().and_then(|bytes| Seed::from_bytes(*bytes).ok());
    let failure = match words::checked(indices) {
        Err(error @ WordsError::Count { .. }) => {
            let failure = paper::no_words(name, &error);
            return Err(if indices.len() == shares::COUNT {
                failure.hint("31 words are a share: `certferry seed combine` takes it, with others")
            } else {
                failure
            });
        }
        Err(error) => paper::no_words(name, &error),
        Ok(bytes) => {
            let bytes = Zeroizing::new(*bytes);
            let seed = Seed::from_bytes(*bytes).map_err(|error| Failure::cannot_run(format!("{name}: {error}")))?;
            if seed.id() == expected.id {
                return Ok(seed);
            }
            let (found, Expected { id, source }) = (seed.id(), expected);
            Failure::says_no(format!("{name}: the words give the seed id {found}, and {source} says {id}"))
        }
    };
    let slip = Slip::find(indices, |tried| read(tried).is_some_and(|seed| seed.id() == expected.id));
    Err(match slip {
        Some(slip) => failure.hint(format!("{slip}: but for that they give the seed id {}", expected.id)),
        None => failure.hint("no one slip explains it: compare every word with the paper, and the id"),
    })
}
