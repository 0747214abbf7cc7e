//! Answers for a program whose version of Go is known to lie between two.

use super::{GoError, GoRange, GoVersion};

/// Whether a program takes what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// It does, whichever Go built it.
    Takes(T),
    /// It does not, whichever Go built it.
    Refuses(GoError),
    /// Some versions of Go take it, and some do not: the first number of those whose answer is the error.
    Differs {
        /// The version at that end of the range where the program says the error.
        go: GoVersion,
        /// The error.
        error: GoError,
    },
    /// It cannot be computed.
    Unchecked(GoError),
}

impl GoRange {
    /// Asks at both ends of the range.
    pub fn ask<T>(self, question: impl Fn(GoVersion) -> Result<T, GoError>) -> Answer<T> {
        match (question(self.oldest), question(self.newest)) {
            (Err(error), _) | (_, Err(error)) if error.is_unchecked() => Answer::Unchecked(error),
            (Ok(_), Ok(answer)) => Answer::Takes(answer),
            (Err(_), Err(error)) => Answer::Refuses(error),
            (Ok(_), Err(error)) => Answer::Differs { go: self.newest, error },
            (Err(error), Ok(_)) => Answer::Differs { go: self.oldest, error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use crate::go::{GoError, GoRange, GoVersion};

    #[test]
    fn both_ends_are_asked() {
        let range = GoRange { oldest: GoVersion(15, 0), newest: GoVersion(24, 0) };
        let refuses = |from: u16, to: u16| {
            move |go: GoVersion| if (from..to).contains(&go.0) { Err(GoError::IncompatibleUsage) } else { Ok(go.0) }
        };
        assert_eq!(range.ask(refuses(0, 0)), Answer::Takes(24));
        assert_eq!(range.ask(refuses(0, 99)), Answer::Refuses(GoError::IncompatibleUsage));
        assert_eq!(range.ask(refuses(18, 99)), Answer::Differs { go: range.newest, error: GoError::IncompatibleUsage });
        assert_eq!(range.ask(refuses(0, 18)), Answer::Differs { go: range.oldest, error: GoError::IncompatibleUsage });
        let unchecked = GoError::Unchecked("x".to_owned());
        assert_eq!(range.ask(|_| Err::<(), _>(unchecked.clone())), Answer::Unchecked(unchecked));
    }
}
