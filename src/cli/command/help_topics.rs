//! What `help` says to a topic that it does not know.

use std::collections::BTreeMap;

use crate::cli::failure::Failure;
use crate::manual::CHAPTERS;
use crate::markdown::{Block, parse, search, titles, words};

/// The fewest letters of a word for which another one of the manual is looked for.
const LEAST_LETTERS: usize = 4;
/// How many chapters are named.
const NAMED: usize = 3;

/// Returns the failure for a topic that is neither a chapter nor a command: a name that is nearly the same, the chapters
/// in which the topic is, or a word of the manual that is nearly the same.
pub(crate) fn unknown(topic: &str, topics: &[String]) -> Failure {
    let failure = Failure::cannot_run(format!("there is no chapter and no command `{topic}`"));
    if let Some(name) = nearest(topic, topics.iter().map(String::as_str)) {
        return failure.hint(format!("did you mean `{name}`?"));
    }
    if let Some(chapters) = chapters_with(topic) {
        return failure.hint(format!("{} of it: {}", chapters, command(topic)));
    }
    match nearest_word(topic) {
        Some(word) => failure.hint(format!("did you mean `{word}`? {}", command(&word))),
        None => failure.hint("`certferry help` lists the chapters, `certferry --help` the commands"),
    }
}

/// Returns the failure for a name that should be a chapter's.
pub(crate) fn no_chapter(name: &str) -> Failure {
    let failure = Failure::cannot_run(format!("there is no chapter `{name}`"));
    match nearest(name, CHAPTERS.iter().map(|(name, _, _)| *name)) {
        Some(name) => failure.hint(format!("did you mean `{name}`?")),
        None => failure.hint("`certferry help` lists the chapters"),
    }
}

/// Returns the failure for a section that a chapter does not have.
pub(crate) fn no_section(chapter: &str, wanted: &str, blocks: &[Block]) -> Failure {
    let failure = Failure::cannot_run(format!("the chapter `{chapter}` has no section `{wanted}`"));
    let titles: Vec<_> = titles(blocks).collect();
    if titles.is_empty() {
        return failure.hint("it has no sections");
    }
    failure.hint(format!("give the number, or words of a title: {}", titles.join("; ")))
}

/// Returns the failure for a text that is nowhere in the manual, or not in the one chapter that was asked for.
pub(crate) fn nothing_found(wanted: &str, chapter: &[String]) -> Failure {
    let place = chapter.first().map_or_else(|| "the manual".to_owned(), |name| format!("the chapter `{name}`"));
    let failure = Failure::says_no(format!("`{wanted}` is nowhere in {place}"));
    match nearest_word(wanted) {
        Some(word) => failure.hint(format!("did you mean `{word}`?")),
        None if !chapter.is_empty() && chapters_with(wanted).is_some() => {
            failure.hint(format!("without the chapter: {}", command(wanted)))
        }
        None => failure.hint("give a shorter text; `certferry help` lists the chapters"),
    }
}

fn command(wanted: &str) -> String {
    let quote = if wanted.contains(' ') { "'" } else { "" };
    format!("`certferry help --search {quote}{wanted}{quote}`")
}

/// Returns the known word that is nearest, if it is near.
fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (strsim::damerau_levenshtein(wanted, known), known)).min();
    // Of two or three letters most words are near.
    let slips = if wanted.chars().count() < LEAST_LETTERS { 1 } else { 2 };
    near.filter(|(distance, _)| *distance <= slips).map(|(_, known)| known)
}

/// Returns which chapters say something, those that say it most often first.
fn chapters_with(wanted: &str) -> Option<String> {
    let hits = |text: &str| search(&parse(text), wanted).len();
    let mut chapters: Vec<_> = CHAPTERS.iter().map(|(name, _, text)| (hits(text), *name)).collect();
    chapters.retain(|(hits, _)| *hits > 0);
    // Stable: of equals the one that comes first in the manual.
    chapters.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
    let names: Vec<_> = chapters.iter().take(NAMED).map(|(_, name)| format!("`{name}`")).collect();
    let (others, verb) = match (chapters.len().saturating_sub(NAMED), names.len()) {
        (0, 1) => (String::new(), "speaks"),
        (0, _) => (String::new(), "speak"),
        (more, _) => (format!(" and {more} more"), "speak"),
    };
    (!names.is_empty()).then(|| format!("{}{others} {verb}", names.join(", ")))
}

/// Returns the word of the manual that is nearest, if it is near; of equals the one that is most frequent.
fn nearest_word(wanted: &str) -> Option<String> {
    let wanted = wanted.to_lowercase();
    if wanted.chars().count() < LEAST_LETTERS {
        return None;
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in CHAPTERS.iter().flat_map(|(_, _, text)| words(&parse(text)).collect::<Vec<_>>()) {
        *counts.entry(word).or_default() += 1;
    }
    let slips = if wanted.chars().count() < 2 * LEAST_LETTERS { 1 } else { 2 };
    let near = counts.into_iter().map(|(word, count)| (strsim::damerau_levenshtein(&wanted, &word), word, count));
    let near = near.filter(|(distance, word, _)| *distance > 0 && *distance <= slips && word.len() >= LEAST_LETTERS);
    near.min_by_key(|(distance, _, count)| (*distance, std::cmp::Reverse(*count))).map(|(_, word, _)| word)
}
