//! The name of a public key, which people compare.

use std::fmt::{Display, Formatter, Result as FormatResult};
use std::str::FromStr;

use thiserror::Error;

use super::hex;
use crate::words::{self, WordsError};

/// `sha256:` and 64 lower-case hex digits: the SHA-256 of the key's DER SubjectPublicKeyInfo (manual/formats.md,
/// section 4).
///
/// The same as `openssl pkey -pubin -in prod-1.pub -outform DER | sha256sum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is not `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a fingerprint is `sha256:` and 64 lower-case hex digits")]
pub struct NotAFingerprint;

/// Why what a person has typed is not a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TypedError {
    /// There are more or less than 64 digits.
    #[error("it has {0} hex digits, not 64")]
    Count(usize),
    /// Something is neither a hex digit nor a separator.
    #[error("`{0}` is no hex digit")]
    Letter(char),
    /// It has the form of words.
    #[error(transparent)]
    Words(#[from] WordsError),
}

const PREFIX: &str = "sha256:";

/// How many digits stand together where a person reads them.
const GROUP: usize = 4;

/// How many digits make a text without a prefix the attempt at a fingerprint.
const ATTEMPT: usize = 40;

impl Fingerprint {
    pub(super) const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// Returns the digest alone.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the digits in groups of four with blanks between, in two halves that fit below each other on a console.
    #[must_use]
    pub fn halves(&self) -> [String; 2] {
        let digits = self.to_string();
        let digits = digits.trim_start_matches(PREFIX);
        let groups: Vec<&str> = (0..digits.len()).step_by(GROUP).filter_map(|at| digits.get(at..at + GROUP)).collect();
        let (first, second) = groups.split_at(groups.len() / 2);
        [first.join(" "), second.join(" ")]
    }

    /// Returns the 24 words for the digest.
    #[must_use]
    pub fn words(&self) -> [&'static str; words::COUNT] {
        words::write(&self.0)
    }

    /// Reads what a person has typed or pasted: 64 hex digits in any case, with or without `sha256:` before, and blanks,
    /// colons and hyphens between as they like; or the 24 words. Returns `None` for what is no attempt at a fingerprint,
    /// such as the name of a file.
    ///
    /// # Errors
    /// Returns the [`TypedError`] that says what is wrong with the attempt.
    #[must_use]
    pub fn typed(text: &str) -> Option<Result<Self, TypedError>> {
        let is_separator = |letter: char| letter.is_whitespace() || matches!(letter, ':' | '-');
        let text = text.trim();
        let rest = prefix_of(text);
        let typed = rest.unwrap_or(text);
        let is_digits = typed.chars().all(|letter| letter.is_ascii_hexdigit() || is_separator(letter));
        let digits: String = typed.chars().filter(|letter| !is_separator(*letter)).collect();
        let is_words = typed.split_whitespace().nth(words::COUNT / 2).is_some()
            && typed.chars().all(|letter| letter.is_alphabetic() || letter.is_whitespace());
        if is_words && !is_digits {
            return Some(words::read(typed).map(Self).map_err(TypedError::Words));
        }
        if rest.is_none() && !(is_digits && digits.len() >= ATTEMPT) {
            return None;
        }
        let wrong = digits.chars().find(|letter| !letter.is_ascii_hexdigit()).map(TypedError::Letter);
        let read = || hex::read(&digits.to_ascii_lowercase()).map(Self).ok_or(TypedError::Count(digits.len()));
        Some(wrong.map_or_else(read, Err))
    }
}

/// Returns what stands behind `sha256` and a separator, if that stands before.
fn prefix_of(text: &str) -> Option<&str> {
    let (name, _) = PREFIX.split_at(PREFIX.len() - 1);
    let (before, rest) = text.split_at_checked(name.len())?;
    let is_end = |letter: char| letter.is_whitespace() || letter == ':';
    (before.eq_ignore_ascii_case(name) && rest.starts_with(is_end)).then_some(rest)
}

impl Display for Fingerprint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        formatter.write_str(PREFIX)?;
        hex::write(&self.0, formatter)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Reads exactly the text that [`Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        text.strip_prefix(PREFIX).and_then(hex::read).map(Self).ok_or(NotAFingerprint)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::{Fingerprint, NotAFingerprint};

    #[test]
    fn reads_what_it_writes() {
        let fingerprint = Fingerprint::new(std::array::from_fn(|index| index as u8 * 8));
        let text = fingerprint.to_string();
        assert_eq!(text, "sha256:0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
        assert_eq!(text.parse::<Fingerprint>().unwrap(), fingerprint);
    }

    #[test]
    fn refuses_every_other_spelling() {
        let text = Fingerprint::new([0xab; 32]).to_string();
        let upper = text.replace("ab", "AB");
        let sign = text.replacen("ab", "+b", 1);
        for wrong in ["", "sha256:", &text[7..], &text[..70], &format!("{text}0"), &format!(" {text}"), &upper, &sign] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(NotAFingerprint), "{wrong}");
        }
    }

    #[test]
    fn a_person_may_type_it_in_any_form() {
        let fingerprint = Fingerprint::new(std::array::from_fn(|index| index as u8 * 8 + 1));
        let text = fingerprint.to_string();
        let bare = &text[7..];
        let [first, second] = fingerprint.halves();
        assert_eq!(first, "0109 1119 2129 3139 4149 5159 6169 7179");
        let pairs: Vec<&str> = (0..64).step_by(2).map(|at| &bare[at..at + 2]).collect();
        for typed in [
            text.clone(),
            text.to_uppercase(),
            bare.to_owned(),
            format!("{first} {second}"),
            format!("sha256: {first}\n                {second}\n"),
            format!("SHA256 {first} {second}").to_uppercase(),
            pairs.join(":"),
            pairs.join("-").to_uppercase(),
            format!("sha256:{}", pairs.join(":")),
            fingerprint.words().join(" "),
            fingerprint.words().join("\n").to_uppercase(),
        ] {
            assert_eq!(Fingerprint::typed(&typed), Some(Ok(fingerprint)), "{typed}");
        }
    }

    #[test]
    fn a_slip_is_told_from_the_name_of_a_file() {
        let text = Fingerprint::new([0xab; 32]).to_string();
        let bare = &text[7..];
        let said = |typed: &str| Fingerprint::typed(typed).unwrap().unwrap_err().to_string();
        assert_eq!(said("sha256:"), "it has 0 hex digits, not 64");
        assert_eq!(said(&text[..70]), "it has 63 hex digits, not 64");
        assert_eq!(said(&bare[..63]), "it has 63 hex digits, not 64");
        assert_eq!(said(&format!("{bare} ab")), "it has 66 hex digits, not 64");
        assert_eq!(said(&text.replacen("ab", "oh", 1)), "`o` is no hex digit");
        assert_eq!(said(&text.replacen("ab", "\u{ff10}b", 1)), "`\u{ff10}` is no hex digit");
        assert_eq!(
            said(&["zoo"; 24].join(" ")).split(':').next(),
            Some("a word is another one, or two changed places")
        );
        assert_eq!(
            Fingerprint::typed(&["zoo"; 23].join(" ")).unwrap().map_err(|error| error.to_string()).unwrap_err(),
            "there are 23 words, not 24"
        );
        for file in
            ["prod-1.pub", "", "deadbeef", "./deadbeef", "sha256.pub", "my keys/prod 1.pub", &format!("./{bare}")]
        {
            assert_eq!(Fingerprint::typed(file), None, "{file}");
        }
    }
}
