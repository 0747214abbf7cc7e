//! 32 bytes as 24 words, as BIP-39 has them.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::bits::{from_indices, to_indices};
use super::error::WordsError;
use super::list;

/// How many words stand for 256 bits and 8 bits of checksum.
pub const COUNT: usize = 24;

/// Returns the words for 32 bytes.
#[must_use]
pub fn write(bytes: &[u8; 32]) -> [&'static str; COUNT] {
    let indices = indices(bytes);
    std::array::from_fn(|place| indices.get(place).map(|index| list::word(*index)).unwrap_or_default())
}

/// Returns the places of the words for 32 bytes.
#[must_use]
pub fn indices(bytes: &[u8; 32]) -> Zeroizing<Vec<u16>> {
    let mut checked = Zeroizing::new([0; 33]);
    checked[..32].copy_from_slice(bytes);
    checked[32] = Sha256::digest(bytes)[0];
    to_indices(checked.as_slice())
}

/// Reads 32 bytes from their words, in any case with any blanks between.
///
/// # Errors
/// Returns the [`WordsError`] that says what is wrong with the first word that is.
pub fn read(text: &str) -> Result<[u8; 32], WordsError> {
    let text = text.to_lowercase();
    let index = |(place, word)| list::index(word).ok_or_else(|| list::unknown(place + 1, word));
    let indices: Result<Vec<u16>, _> = text.split_whitespace().enumerate().map(index).collect();
    checked(&indices?).map(|bytes| *bytes)
}

/// Returns the 32 bytes of 24 words, given by their places.
///
/// # Errors
/// Fails when there are not 24, or their checksum does not hold.
pub fn checked(indices: &[u16]) -> Result<Zeroizing<[u8; 32]>, WordsError> {
    if indices.len() != COUNT {
        return Err(WordsError::Count { found: indices.len(), expected: COUNT });
    }
    let read = from_indices(indices);
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(&read[..32]);
    if read.get(32) == Some(&Sha256::digest(bytes.as_slice())[0]) { Ok(bytes) } else { Err(WordsError::Checksum) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use super::{WordsError, read, write};

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
    }
}
