//! Asks every version of Go that may have built a program.

use std::fmt;

use crate::go::{GoError, GoRange, GoVersion};

/// Every Go that built a Kubernetes of ours, for objects of a cluster whose version nobody knows. Source: build/go-runner
/// and .go-version of Kubernetes 1.20 and 1.36.
pub(super) const ANY_GO: GoRange = GoRange { oldest: GoVersion(15, 5), newest: GoVersion(26, 8) };

/// The first Kubernetes of which every release was built with a Go at least as new, by the minor versions of both.
/// Source: the release notes of Kubernetes, "Dependencies", and its build/dependencies.yaml.
const KUBERNETES: [(u16, u16); 11] =
    [(16, 21), (17, 23), (18, 24), (19, 25), (20, 27), (21, 29), (22, 30), (23, 32), (24, 33), (25, 35), (26, 36)];

/// What programs answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All is well.
    Well,
    /// Every program refuses, with this error.
    Wrong(GoError),
    /// Some programs refuse.
    Depends {
        /// The error of those that do.
        error: GoError,
        /// Those that do.
        who: Who,
    },
    /// Nobody knows, for this reason.
    Unchecked(String),
}

/// The programs that refuse what others take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Those built with this Go or a later one.
    Since(GoVersion),
    /// Those built with a Go before this one.
    Before(GoVersion),
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Since(version) | Self::Before(version)) = *self;
        let go = if version.1 == 0 { format!("Go 1.{}", version.0) } else { version.to_string() };
        let kubernetes = KUBERNETES.iter().find(|(go, _)| *go == version.0).map(|(_, minor)| minor);
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

/// Asks the oldest and the newest Go of a range, and where they differ those between them.
pub(super) fn ask<T>(go: GoRange, judge: impl Fn(GoVersion) -> Result<T, GoError>) -> Answer {
    let judge = |version: GoVersion| judge(version).err();
    let is_wrong = |error: &Option<GoError>| error.as_ref().is_some_and(|error| !error.is_unchecked());
    let (oldest, newest) = (judge(go.oldest), judge(go.newest));
    match (is_wrong(&oldest), is_wrong(&newest)) {
        (true, true) => newest.map_or(Answer::Well, Answer::Wrong),
        (false, false) => oldest.or(newest).map_or(Answer::Well, |error| Answer::Unchecked(reason(&error))),
        (was_wrong, is_newest_wrong) => {
            let minors = (go.oldest.0.saturating_add(1)..=go.newest.0).rev().map(|minor| GoVersion(minor, 0));
            let as_newest = minors.take_while(|version| is_wrong(&judge(*version)) == is_newest_wrong);
            let changed = as_newest.last().unwrap_or(go.newest);
            let who = if was_wrong { Who::Before(changed) } else { Who::Since(changed) };
            let error = if was_wrong { oldest } else { newest };
            error.map_or(Answer::Well, |error| Answer::Depends { error, who })
        }
    }
}

/// Returns why nobody knows. Go would say that it found no CA, and that would not be true.
fn reason(error: &GoError) -> String {
    match error {
        GoError::UnknownAuthority(Some(hint)) => hint.error.to_string(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ANY_GO, Answer, Who, ask};
    use crate::go::{GoError, GoRange, GoVersion};

    fn wrong(when: impl Fn(GoVersion) -> bool, go: GoRange) -> Answer {
        ask(go, |version| if when(version) { Err(GoError::ParentCannotSign) } else { Ok(()) })
    }

    #[test]
    fn the_version_that_changed_the_answer_is_named() {
        let error = GoError::ParentCannotSign;
        for (answer, who, text) in [
            (
                wrong(|go| go >= GoVersion(18, 0), ANY_GO),
                Who::Since(GoVersion(18, 0)),
                "programs built with Go 1.18 or later (Kubernetes 1.24)",
            ),
            (
                wrong(|go| go < GoVersion(17, 0), ANY_GO),
                Who::Before(GoVersion(17, 0)),
                "programs built with a Go before 1.17 (Kubernetes before 1.23)",
            ),
            (
                wrong(|go| go >= GoVersion(26, 5), ANY_GO),
                Who::Since(GoVersion(26, 8)),
                "programs built with Go 1.26.8 or later (Kubernetes 1.36)",
            ),
        ] {
            assert_eq!(answer, Answer::Depends { error: error.clone(), who });
            assert_eq!(who.to_string(), text);
        }
        let one = GoRange { oldest: GoVersion(19, 8), newest: GoVersion(19, 8) };
        assert_eq!(wrong(|go| go >= GoVersion(18, 0), one), Answer::Wrong(error));
        assert_eq!(wrong(|go| go >= GoVersion(20, 0), one), Answer::Well);
    }

    /// What one Go refuses is told, even where nobody knows of another.
    #[test]
    fn what_nobody_knows_is_no_fault() {
        let unknown = GoError::Unchecked("a key".to_owned());
        assert_eq!(ask::<()>(ANY_GO, |_| Err(unknown.clone())), Answer::Unchecked(unknown.to_string()));
        let answer = ask::<()>(ANY_GO, |go| {
            Err(if go >= GoVersion(24, 0) { GoError::ParentCannotSign } else { unknown.clone() })
        });
        assert!(matches!(answer, Answer::Depends { who: Who::Since(GoVersion(24, 0)), .. }));
    }
}
