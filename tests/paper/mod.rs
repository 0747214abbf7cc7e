//! A seed on paper: 24 words, or shares of 31 words each; and the ceremony at which two people do that.

mod ceremony;
mod chapter;
mod combine;
mod format;
mod misplaced;
mod split;
mod terminal;
mod words;

use certferry::words::{Typed, word};

use crate::common::desk::Desk;

/// A desk with a seed in two lines on it, and its id.
fn desk() -> (Desk, String) {
    let desk = Desk::new();
    let id = desk.succeed("seed id lab.seed").trim_end().to_owned();
    (desk, id)
}

/// The words on a page, one after the other.
fn words_of(page: &str, count: usize) -> Vec<&'static str> {
    let typed = Typed::parse(page, count, 0).unwrap_or_else(|error| panic!("{error}\n{page}"));
    assert_eq!(typed.indices.len(), count, "{page}");
    typed.indices.iter().map(|index| word(*index)).collect()
}

/// What a page says behind a name and a colon.
fn field<'p>(page: &'p str, name: &str) -> &'p str {
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("{name}: {page}"))
}

/// The lines of the code, which stand behind the words and an empty line.
fn code(page: &str) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let words = lines.iter().rposition(|line| line.trim_start().starts_with(|letter: char| letter.is_ascii_digit()));
    lines[words.unwrap() + 2..].iter().map(|line| format!("{line}\n")).collect()
}

/// The places of words in four digits each, as the code has them.
fn digits(words: &[&str]) -> String {
    let typed = Typed::parse(&words.join(" "), words.len(), 0).unwrap();
    typed.indices.iter().map(|index| format!("{index:04}")).collect()
}
