//! 256 bits as 24 English words, for people who read aloud, write on paper and type.
//!
//! **Why.** Sixty-four digits are hard to say on a telephone. Words are not, and their last eight bits tell of a slip.
//!
//! **Input.** 32 bytes, or words in any case with any blanks between.
//!
//! **Output.** The words, or the bytes, as BIP-39 has them
//! (<https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki>).
//!
//! **What it refuses.** Another number of words, a word that is not in the list, and words whose checksum does not hold.
//!
//! The list is in the sources, because the crates that have it bring hash functions and other languages with them.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use thiserror::Error;

/// How many words stand for 256 bits and 8 bits of checksum.
pub const COUNT: usize = 24;

/// How many bits a word stands for.
const BITS: usize = 11;

/// The list, sorted: one word a line.
const ENGLISH: &str = include_str!("english.txt");

static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| ENGLISH.lines().collect());

/// Why a text is not the words of 256 bits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WordsError {
    /// There are more or less than 24.
    #[error("there are {0} words, not 24")]
    Count(usize),
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
    /// The words are all in the list, but not these in this order.
    #[error("a word is another one, or two changed places: the checksum in the last word does not hold")]
    Checksum,
}

/// Returns the words for 32 bytes.
#[must_use]
pub fn write(bytes: &[u8; 32]) -> [&'static str; COUNT] {
    let bits = with_checksum(bytes);
    std::array::from_fn(|place| {
        let index =
            (place * BITS..(place + 1) * BITS).fold(0, |index, bit| index << 1 | usize::from(is_set(&bits, bit)));
        WORDS.get(index).copied().unwrap_or_default()
    })
}

/// Reads 32 bytes from their words.
///
/// # Errors
/// Returns the [`WordsError`] that says what is wrong with the first word that is.
pub fn read(text: &str) -> Result<[u8; 32], WordsError> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut bits = [0_u8; 33];
    for (place, word) in words.iter().enumerate() {
        let index = WORDS.binary_search(word).map_err(|_| WordsError::Unknown {
            number: place + 1,
            word: (*word).to_owned(),
            nearest: nearest(word),
        })?;
        for bit in (0..BITS).filter(|bit| index >> (BITS - 1 - bit) & 1 == 1) {
            let at = place * BITS + bit;
            if let Some(byte) = bits.get_mut(at / 8) {
                *byte |= 0x80 >> (at % 8);
            }
        }
    }
    if words.len() != COUNT {
        return Err(WordsError::Count(words.len()));
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&bits[..32]);
    if with_checksum(&bytes) == bits { Ok(bytes) } else { Err(WordsError::Checksum) }
}

/// Returns whether a word is in the list, in any case.
#[must_use]
pub fn is_word(text: &str) -> bool {
    WORDS.binary_search(&text.to_lowercase().as_str()).is_ok()
}

fn with_checksum(bytes: &[u8; 32]) -> [u8; 33] {
    let mut bits = [0; 33];
    bits[..32].copy_from_slice(bytes);
    bits[32] = Sha256::digest(bytes)[0];
    bits
}

fn is_set(bits: &[u8; 33], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
}

fn nearest(written: &str) -> Option<&'static str> {
    let distances = WORDS.iter().map(|word| (strsim::damerau_levenshtein(written, word), *word));
    distances.filter(|(distance, _)| *distance <= 2).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use sha2::{Digest, Sha256};

    use super::{ENGLISH, WORDS, WordsError, is_word, read, write};

    /// The hash that everybody publishes for `bip-0039/english.txt`.
    #[test]
    fn the_list_is_bip_39s() {
        let hash: String = Sha256::digest(ENGLISH).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
        assert_eq!(WORDS.len(), 2048);
        assert!(WORDS.is_sorted());
    }

    /// Vectors of python-mnemonic, to which BIP-39 refers (vectors.json).
    #[test]
    fn words_are_those_of_the_reference() {
        let again = |words: &str, last: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            let all = words.iter().cycle().take(23).copied().chain([last]);
            all.collect::<Vec<_>>().join(" ")
        };
        let random = [
            0xf5, 0x85, 0xc1, 0x1a, 0xec, 0x52, 0x0d, 0xb5, 0x7d, 0xd3, 0x53, 0xc6, 0x95, 0x54, 0xb2, 0x1a, 0x89, 0xb2,
            0x0f, 0xb0, 0x65, 0x09, 0x66, 0xfa, 0x0a, 0x9d, 0x6f, 0x74, 0xfd, 0x98, 0x9d, 0x8f,
        ];
        for (bytes, words) in [
            ([0; 32], again("abandon", "art")),
            ([0xff; 32], again("zoo", "vote")),
            ([0x7f; 32], again("legal winner thank year wave sausage worth useful", "title")),
            ([0x80; 32], again("letter advice cage absurd amount doctor acoustic avoid", "bless")),
            (
                random,
                "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen \
                 patrol group space point ten exist slush involve unfold"
                    .to_owned(),
            ),
        ] {
            assert_eq!(write(&bytes).join(" "), words);
            assert_eq!(read(&words), Ok(bytes));
            assert_eq!(read(&format!("\t{}\n", words.to_uppercase().replace(' ', "  \n"))), Ok(bytes));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |text: &str| read(text).unwrap_err().to_string();
        let all = write(&[0x80; 32]);
        assert_eq!(said(""), "there are 0 words, not 24");
        assert_eq!(said(&all[..23].join(" ")), "there are 23 words, not 24");
        assert_eq!(said(&[&all[..], &["zoo"]].concat().join(" ")), "there are 25 words, not 24");
        let with = |place: usize, word: &'static str| {
            let mut words = all;
            words[place] = word;
            words.join(" ")
        };
        assert_eq!(said(&with(1, "advise")), "word 2, `advise`, is not in the list: did you mean `advice`?");
        assert_eq!(said(&with(23, "xxxxxx")), "word 24, `xxxxxx`, is not in the list");
        assert_eq!(read(&with(0, "abandon")), Err(WordsError::Checksum));
        assert!(is_word("ZOO") && !is_word("zo"));
    }
}
