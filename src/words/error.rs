//! Why a text is not the words that it should be.

use thiserror::Error;

/// Why a text is not the words of 256 bits, or of a share.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WordsError {
    /// There are more or less than there should be.
    #[error("there are {found} words, not {expected}")]
    Count {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A word is not in the list.
    #[error("word {number}, `{word}`, is not in the list{}", nearest.map(|word| format!(": did you mean `{word}`?")).unwrap_or_default())]
    Unknown {
        /// The place of the word, from 1 on.
        number: usize,
        /// The word as it was written.
        word: String,
        /// The word of the list that is nearest.
        nearest: Option<&'static str>,
    },
    /// The number that stands before a word is not its place.
    #[error("the number before word {expected} is {found}: a word is missing, or there twice")]
    Number {
        /// The place of the word, from 1 on.
        expected: usize,
        /// The number that was written.
        found: usize,
    },
    /// The words are all in the list, but not these in this order.
    #[error("a word is another one, or two changed places: the checksum in the last word does not hold")]
    Checksum,
}
