//! The list of 2,048 words (<https://github.com/bitcoin/bips/blob/master/bip-0039/english.txt>).

use std::borrow::Cow;
use std::sync::LazyLock;

use super::error::WordsError;

/// The list, sorted: one word a line.
const ENGLISH: &str = include_str!("english.txt");

static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| ENGLISH.lines().collect());

/// By how many letters a word is told from all others (BIP-39, "Wordlist").
const TELLING: usize = 4;

/// Returns whether a word is in the list, in any case.
#[must_use]
pub fn is_word(text: &str) -> bool {
    index(&text.to_lowercase()).is_some()
}

/// The most letters of a word of the list.
const LONGEST: usize = 8;

/// How many words of the list stand one behind the other in no text that was written for something else.
const TELLTALE: usize = 8;

/// Returns whether many words of the list stand in a text with nothing between them but blanks and numbers: those of a
/// seed, or of a share.
#[must_use]
pub fn stands_in(content: &[u8]) -> bool {
    let mut run = 0;
    for token in content.split(u8::is_ascii_whitespace).filter(|token| !token.is_empty()) {
        let is_number = token.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b')' | b':'));
        let is_like_one = token.len() <= LONGEST && token.iter().all(u8::is_ascii_alphabetic);
        let word = if is_like_one { String::from_utf8_lossy(token) } else { Cow::default() };
        if is_like_word(&word) {
            run += 1;
        } else if !is_number {
            run = 0;
        }
        if run == TELLTALE {
            return true;
        }
    }
    false
}

/// Returns whether a text is a word of the list, or enough of its beginning, in any case.
#[must_use]
pub fn is_like_word(text: &str) -> bool {
    let text = text.to_lowercase();
    index(&text).or_else(|| index_of_cut(&text)).is_some()
}

/// Returns the word of that place in the list, from 0 on; nothing for a place behind its end.
#[must_use]
pub fn word(index: u16) -> &'static str {
    WORDS.get(usize::from(index)).copied().unwrap_or_default()
}

/// Returns the place of a word in the list.
pub(super) fn index(word: &str) -> Option<u16> {
    WORDS.binary_search(&word).ok().and_then(|index| u16::try_from(index).ok())
}

/// Returns the place of the one word that begins so, for a beginning of at least four letters.
pub(super) fn index_of_cut(beginning: &str) -> Option<u16> {
    let at = WORDS.partition_point(|word| *word < beginning);
    let is_it = beginning.len() >= TELLING && WORDS.get(at).is_some_and(|word| word.starts_with(beginning));
    if is_it { u16::try_from(at).ok() } else { None }
}

/// Returns the error for a word that is not in the list.
pub(super) fn unknown(number: usize, word: &str) -> WordsError {
    WordsError::Unknown { number, word: word.to_owned(), nearest: nearest(&word.to_lowercase()) }
}

fn nearest(written: &str) -> Option<&'static str> {
    let distances = WORDS.iter().map(|word| (strsim::damerau_levenshtein(written, word), *word));
    distances.filter(|(distance, _)| *distance <= 2).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::{ENGLISH, TELLING, WORDS, index, index_of_cut, is_word, word};

    /// The hash that everybody publishes for `bip-0039/english.txt`.
    #[test]
    fn the_list_is_bip_39s() {
        let hash: String = Sha256::digest(ENGLISH).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
        assert_eq!(WORDS.len(), 2048);
        assert!(WORDS.is_sorted());
        assert!(is_word("ZOO") && !is_word("zo"));
    }

    /// The first four letters of every word name that word and no other.
    #[test]
    fn four_letters_are_enough() {
        for (place, whole) in WORDS.iter().enumerate() {
            let place = u16::try_from(place).ok();
            for length in TELLING..=whole.len() {
                // What is a word itself is that word.
                let cut = whole.get(..length).unwrap_or_default();
                let found = index(cut).or_else(|| index_of_cut(cut));
                assert_eq!(found.map(word), if is_word(cut) { Some(cut) } else { Some(*whole) });
                assert!(found == place || is_word(cut), "{cut}");
            }
        }
        for none in ["", "abc", "zo", "aban donx", "abandoned", "zzzz", "add "] {
            assert_eq!(index_of_cut(none), None, "{none}");
        }
    }
}
