//! Words as people write and type them, and as they stand on a page.

use std::fmt::{Display, Formatter, Result as FormatResult};

use zeroize::Zeroizing;

use super::error::WordsError;
use super::list;

/// With this begins the first line of a page.
pub const HEAD: &str = "# certferry ";

/// What stands on a page beside the words, each with a colon behind.
const FIELDS: [&str; 5] = [SEED_ID, "set", "share", "checksum", "sha256"];
const SEED_ID: &str = "seed id";

/// How many words stand in a line of a page.
const COLUMNS: usize = 4;

/// Words that were read, and how.
pub struct Typed {
    /// The places of the words in the list.
    pub indices: Zeroizing<Vec<u16>>,
    /// What stands behind `seed id:`.
    pub seed_id: Option<String>,
    /// What was taken as it was meant.
    pub tolerated: Tolerated,
}

/// What is not as it is printed, and was taken as it was meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tolerated {
    /// Letters were capital.
    pub capitals: bool,
    /// There were numbers before words.
    pub numbers: bool,
    /// There was more than one blank between two words.
    pub blanks: bool,
    /// The numbers of the words of which only a beginning was there.
    pub cut: Vec<usize>,
}

impl Tolerated {
    /// Adds what was tolerated elsewhere.
    pub fn extend(&mut self, other: &Self) {
        self.capitals |= other.capitals;
        self.numbers |= other.numbers;
        self.blanks |= other.blanks;
        self.cut.extend(&other.cut);
    }
}

impl Display for Tolerated {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        let cut: Vec<String> = self.cut.iter().map(ToString::to_string).collect();
        let cut = match cut.len() {
            0 => None,
            1 => Some(format!("a word cut short ({})", cut.join(", "))),
            _ => Some(format!("words cut short ({})", cut.join(", "))),
        };
        let said = [
            self.capitals.then(|| "capital letters".to_owned()),
            self.numbers.then(|| "numbers before words".to_owned()),
            self.blanks.then(|| "more blanks than one".to_owned()),
            cut,
        ];
        formatter.write_str(&said.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// Returns the lines with words, four in each, with their numbers.
#[must_use]
pub fn rows(indices: &[u16]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(indices.len() * 20));
    for (place, index) in indices.iter().enumerate() {
        let (number, word) = (place + 1, list::word(*index));
        let is_last = number % COLUMNS == 0 || number == indices.len();
        text.push_str(if number < 10 { " " } else { "" });
        text.push_str(&number.to_string());
        text.push_str(". ");
        text.push_str(word);
        for _ in word.len()..if is_last { 0 } else { 12 } {
            text.push(' ');
        }
        if is_last {
            text.push('\n');
        }
    }
    text
}

/// Returns the pages in a text, which begin with [`HEAD`] or behind a form feed; the whole text if there is none.
#[must_use]
pub fn pages(text: &str) -> Vec<&str> {
    let mut pages = Vec::new();
    for text in text.split('\u{c}') {
        let mut begin = 0;
        let heads = text.match_indices(HEAD).map(|(at, _)| at);
        for at in heads.filter(|at| *at > 0 && text.as_bytes().get(at - 1) == Some(&b'\n')) {
            pages.extend(text.get(begin..at));
            begin = at;
        }
        pages.extend(text.get(begin..));
    }
    pages.retain(|page| !page.trim().is_empty());
    pages
}

impl Typed {
    /// Reads words, in any case, with any blanks, with numbers before them (`7. word`) and of which four letters may
    /// do; or their places, four digits each, as a page's QR code has them. On a page, lines that begin with `#`, the
    /// code and what is beside the words are passed over.
    ///
    /// `before` words are known already. Numbers begin anew behind each `count` words.
    ///
    /// # Errors
    /// Fails at the first word that is not in the list, or before which another number stands than its own.
    pub fn parse(text: &str, count: usize, before: usize) -> Result<Self, WordsError> {
        // All room at once: what grows leaves copies behind. A word and its blank are two letters at least.
        let mut typed = Self {
            indices: Zeroizing::new(Vec::with_capacity(text.len() / 2 + 1)),
            seed_id: None,
            tolerated: Tolerated::default(),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !is_drawn(line)) {
            match field(line) {
                Some((SEED_ID, value)) => typed.seed_id = Some(value.to_owned()),
                Some(_) => {}
                None => {
                    let unbroken = line.split_whitespace().map(|token| token.len() + 1).sum::<usize>();
                    typed.tolerated.blanks |= unbroken < line.len() + 1;
                    for token in line.split_whitespace() {
                        typed.take(token, count, before)?;
                    }
                }
            }
        }
        if text.starts_with(HEAD) {
            // A page has them.
            (typed.tolerated.numbers, typed.tolerated.blanks) = (false, false);
        }
        Ok(typed)
    }

    fn take(&mut self, token: &str, count: usize, before: usize) -> Result<(), WordsError> {
        let digits = token.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = token.split_at(digits);
        if digits == count * 4 && rest.is_empty() {
            for place in 0..count {
                let digits = number.get(place * 4..place * 4 + 4).unwrap_or_default();
                let index = digits.parse().ok().filter(|index| !list::word(*index).is_empty());
                self.indices.push(index.ok_or_else(|| list::unknown(place + 1, digits))?);
            }
            return Ok(());
        }
        let place = (before + self.indices.len()) % count + 1;
        if digits > 0 {
            let found = number.parse().unwrap_or(usize::MAX);
            if found != place {
                return Err(WordsError::Number { expected: place, found });
            }
            self.tolerated.numbers = true;
        }
        let written = if digits > 0 { rest.trim_start_matches(['.', ')', ':']) } else { rest };
        if written.is_empty() {
            return Ok(());
        }
        let word = Zeroizing::new(written.to_lowercase());
        let index = list::index(&word).or_else(|| {
            let index = list::index_of_cut(&word)?;
            self.tolerated.cut.push(place);
            Some(index)
        });
        self.tolerated.capitals |= *word != written;
        self.indices.push(index.ok_or_else(|| list::unknown(place, written))?);
        Ok(())
    }
}

/// Returns whether a line is one of a QR code.
fn is_drawn(line: &str) -> bool {
    line.chars().all(|letter| matches!(letter, '█' | '▀' | '▄' | ' '))
}

/// Returns what stands before a colon and behind it, if it is what stands on a page.
fn field(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(name.trim()))?;
    Some((name, value.trim()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]
mod tests {
    use super::{Tolerated, Typed, pages, rows};
    use crate::words::{indices, write};

    const BYTES: [u8; 32] = [0x5a; 32];

    fn read(text: &str) -> (Vec<u16>, Tolerated) {
        let typed = Typed::parse(text, 24, 0).unwrap_or_else(|error| panic!("{error}: {text}"));
        (typed.indices.to_vec(), typed.tolerated)
    }

    #[test]
    fn what_is_meant_is_read_and_said() {
        let (words, expected) = (write(&BYTES), indices(&BYTES));
        let line = words.join(" ");
        let nothing = Tolerated::default();
        assert_eq!(read(&line), (expected.to_vec(), nothing.clone()));
        assert_eq!(read(&words.join("\n")), (expected.to_vec(), nothing.clone()));
        assert_eq!(read(&words.join(" ").to_uppercase()).1.to_string(), "capital letters");
        assert_eq!(read(&words.join("  ")).1.to_string(), "more blanks than one");
        let numbered = |form: fn((usize, &&str)) -> String| words.iter().enumerate().map(form).collect::<String>();
        for text in [
            numbered(|(place, word)| format!("{}. {word}\n", place + 1)),
            numbered(|(place, word)| format!("{}) {word} ", place + 1)),
            numbered(|(place, word)| format!("{}:{word} ", place + 1)),
            numbered(|(place, word)| format!("{} {word} ", place + 1)),
        ] {
            let (found, tolerated) = read(&text);
            assert_eq!((found, tolerated.to_string().as_str()), (expected.to_vec(), "numbers before words"));
        }
        let cut: Vec<_> = words.iter().map(|word| word.get(..4).unwrap_or(word)).collect();
        let (found, tolerated) = read(&cut.join(" "));
        assert_eq!(found, expected.to_vec());
        assert!(tolerated.to_string().starts_with("words cut short (3, 4, 5, "), "{tolerated}");
        let (_, tolerated) = read(&line.replacen(words[2], &words[2][..4].to_uppercase(), 1));
        assert_eq!(tolerated.to_string(), "capital letters, a word cut short (3)");
        let digits: String = expected.iter().map(|index| format!("{index:04}")).collect();
        assert_eq!(read(&digits), (expected.to_vec(), nothing.clone()));
        let page = format!("# certferry seed words\n\nSeed id: 0123\n\n{}\n  █▀▄ ▄\n  ## ##\n", *rows(&expected));
        assert_eq!(read(&page), (expected.to_vec(), nothing));
        assert_eq!(Typed::parse(&page, 24, 0).unwrap().seed_id.unwrap(), "0123");
        assert!(rows(&expected).lines().all(|line| line.len() <= 76) && rows(&expected).lines().count() == 6);
    }

    #[test]
    fn what_is_not_meant_is_named() {
        let said = |text: &str, before| Typed::parse(text, 24, before).err().unwrap().to_string();
        assert_eq!(said("zoo Abandn", 0), "word 2, `Abandn`, is not in the list: did you mean `abandon`?");
        assert_eq!(said("zooo", 6), "word 7, `zooo`, is not in the list: did you mean `zoo`?");
        let digits = format!("{}2048{}", "0000".repeat(6), "0000".repeat(17));
        assert_eq!(said(&digits, 0), "word 7, `2048`, is not in the list");
        assert_eq!(said("1. zoo 3. zoo", 0), "the number before word 2 is 3: a word is missing, or there twice");
        assert_eq!(said("7. zoo 7. zoo", 6), "the number before word 8 is 7: a word is missing, or there twice");
        assert_eq!(said("words: zoo", 0), "word 1, `words:`, is not in the list: did you mean `word`?");
    }

    #[test]
    fn pages_are_told_apart() {
        let two = "# certferry a\nx\n# certferry b\ny # certferry c\n";
        assert_eq!(pages(two), ["# certferry a\nx\n", "# certferry b\ny # certferry c\n"]);
        assert_eq!(pages("a\n\u{c}\nb"), ["a\n", "\nb"]);
        assert_eq!(pages("a b\nc"), ["a b\nc"]);
        assert_eq!(pages(" \n"), [""; 0]);
    }
}
