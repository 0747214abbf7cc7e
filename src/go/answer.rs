//! Answers for a program whose version of Go is known to lie between two.

use std::fmt;

use super::{GoError, GoRange, GoVersion};

/// What a program answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// It takes what it reads, whichever Go built it. This is what the newest takes.
    Takes(T),
    /// It refuses, whichever Go built it.
    Refuses(GoError),
    /// It depends on the version of Go.
    Depends {
        /// The error of those that refuse.
        error: GoError,
        /// Those that refuse.
        who: Who,
    },
    /// Nobody knows, for this reason.
    Unchecked(String),
}

/// The programs that refuse what others take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Those built with this Go or a later one.
    Since(GoVersion),
    /// Those built with a Go before this one.
    Before(GoVersion),
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Since(version) | Self::Before(version)) = *self;
        let go = if version.1 == 0 { format!("Go 1.{}", version.0) } else { version.to_string() };
        let kubernetes = GoRange::first_kubernetes(version);
        match self {
            Self::Since(_) => write!(formatter, "programs built with {go} or later")?,
            Self::Before(_) => write!(formatter, "programs built with a Go before 1.{}", version.0)?,
        }
        match (self, kubernetes) {
            (_, None) => Ok(()),
            (Self::Since(_), Some(minor)) => write!(formatter, " (Kubernetes 1.{minor})"),
            (Self::Before(_), Some(minor)) => write!(formatter, " (Kubernetes before 1.{minor})"),
        }
    }
}

impl<T> Answer<T> {
    /// Returns whether every program takes what it reads.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self, Self::Takes(_))
    }
}

/// Returns why nobody knows. Go would say that it found no CA, and that would not be true.
fn reason(error: &GoError) -> String {
    match error {
        GoError::UnknownAuthority(Some(hint)) => hint.error.to_string(),
        error => error.to_string(),
    }
}

impl GoRange {
    /// Asks the oldest and the newest Go of the range, and where they differ those between them.
    pub fn ask<T>(self, question: impl Fn(GoVersion) -> Result<T, GoError>) -> Answer<T> {
        let is_refused = |answer: &Result<T, GoError>| answer.as_ref().is_err_and(|error| !error.is_unchecked());
        let (oldest, newest) = (question(self.oldest), question(self.newest));
        match (is_refused(&oldest), is_refused(&newest), oldest, newest) {
            (true, true, _, Err(error)) => Answer::Refuses(error),
            (false, false, Ok(_), Ok(taken)) => Answer::Takes(taken),
            (false, false, Err(error), _) | (false, false, _, Err(error)) => Answer::Unchecked(reason(&error)),
            (_, is_newest_refused, oldest, newest) => {
                let minors = (self.oldest.0.saturating_add(1)..=self.newest.0).rev().map(|minor| GoVersion(minor, 0));
                let as_newest = minors.take_while(|version| is_refused(&question(*version)) == is_newest_refused);
                let changed = as_newest.last().unwrap_or(self.newest);
                let who = if is_newest_refused { Who::Since(changed) } else { Who::Before(changed) };
                match if is_newest_refused { newest } else { oldest } {
                    Err(error) => Answer::Depends { error, who },
                    Ok(taken) => Answer::Takes(taken),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Who};
    use crate::go::{GoError, GoRange, GoVersion};

    fn wrong(when: impl Fn(GoVersion) -> bool, go: GoRange) -> Answer<()> {
        go.ask(|version| if when(version) { Err(GoError::ParentCannotSign) } else { Ok(()) })
    }

    #[test]
    fn the_version_that_changed_the_answer_is_named() {
        let error = GoError::ParentCannotSign;
        for (answer, who, text) in [
            (
                wrong(|go| go >= GoVersion(18, 0), GoRange::UNKNOWN),
                Who::Since(GoVersion(18, 0)),
                "programs built with Go 1.18 or later (Kubernetes 1.24)",
            ),
            (
                wrong(|go| go < GoVersion(17, 0), GoRange::UNKNOWN),
                Who::Before(GoVersion(17, 0)),
                "programs built with a Go before 1.17 (Kubernetes before 1.23)",
            ),
            (
                wrong(|go| go >= GoVersion(27, 2), GoRange::UNKNOWN),
                Who::Since(GoVersion(27, 3)),
                "programs built with Go 1.27.3 or later",
            ),
        ] {
            assert_eq!(answer, Answer::Depends { error: error.clone(), who });
            assert_eq!(who.to_string(), text);
        }
        let one = GoRange { oldest: GoVersion(19, 8), newest: GoVersion(19, 8) };
        assert_eq!(wrong(|go| go >= GoVersion(18, 0), one), Answer::Refuses(error));
        assert_eq!(wrong(|go| go >= GoVersion(20, 0), one), Answer::Takes(()));
    }

    /// What one Go refuses is told, even where nobody knows of another.
    #[test]
    fn what_nobody_knows_is_no_fault() {
        let unknown = GoError::Unchecked("a key".to_owned());
        assert_eq!(GoRange::UNKNOWN.ask::<()>(|_| Err(unknown.clone())), Answer::Unchecked(unknown.to_string()));
        let answer = GoRange::UNKNOWN
            .ask::<()>(|go| Err(if go >= GoVersion(24, 0) { GoError::ParentCannotSign } else { unknown.clone() }));
        assert!(matches!(answer, Answer::Depends { who: Who::Since(GoVersion(24, 0)), .. }));
    }
}
