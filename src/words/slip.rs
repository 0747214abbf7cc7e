//! The one slip by which words can differ from those that were meant.

use std::fmt::{Display, Formatter, Result as FormatResult};

use zeroize::Zeroizing;

/// How many words there are.
const ALL: u16 = 2048;

/// A slip of a person who writes words on paper, or types them. It does not say which word is meant: that is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// The word of this number, from 1 on, is another one.
    Word(usize),
    /// The words of these numbers changed places.
    Swap(usize, usize),
}

impl Slip {
    /// Looks for the one slip without which `holds` is true of the places of the words. Returns `None` when there is
    /// none, or more than one.
    #[must_use]
    pub fn find(indices: &[u16], holds: impl Fn(&[u16]) -> bool) -> Option<Self> {
        let mut tried = Zeroizing::new(indices.to_vec());
        let mut found = Vec::new();
        for first in 0..tried.len() {
            for second in first + 1..tried.len() {
                tried.swap(first, second);
                if tried[first] != tried[second] && holds(&tried) {
                    found.push(Self::Swap(first + 1, second + 1));
                }
                tried.swap(first, second);
            }
        }
        for place in 0..tried.len() {
            let before = tried[place];
            for other in (0..ALL).filter(|other| *other != before) {
                tried[place] = other;
                if holds(&tried) {
                    found.push(Self::Word(place + 1));
                }
            }
            tried[place] = before;
        }
        match found[..] {
            [slip] => Some(slip),
            _ => None,
        }
    }
}

impl Display for Slip {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        match self {
            Self::Word(number) => write!(formatter, "word {number} is another one"),
            Self::Swap(first, second) => write!(formatter, "words {first} and {second} changed places"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slip;

    #[test]
    fn the_slip_is_found_when_it_is_one() {
        let meant = [5, 6, 7, 5];
        let find = |written: &[u16]| Slip::find(written, |tried| tried == meant);
        assert_eq!(find(&[5, 2047, 7, 5]), Some(Slip::Word(2)));
        assert_eq!(find(&[6, 5, 7, 5]), Some(Slip::Swap(1, 2)));
        assert_eq!(find(&[5, 5, 7, 6]), Some(Slip::Swap(2, 4)));
        for none in [&[4, 5, 7, 5][..], &[5, 6, 7], &[1, 2, 3, 4], &meant] {
            assert_eq!(find(none), None, "{none:?}");
        }
        assert_eq!(Slip::find(&meant, |_| true), None);
        assert_eq!(Slip::Word(7).to_string(), "word 7 is another one");
        assert_eq!(Slip::Swap(3, 9).to_string(), "words 3 and 9 changed places");
    }
}
