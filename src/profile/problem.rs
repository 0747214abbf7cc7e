//! What is wrong with a profile, and the collector that lets every check report before the build stops.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
#[cfg(test)]
use std::panic::Location;

/// Whether a problem stops the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The profile is refused.
    Error,
    /// The profile is accepted, but a person should know of this.
    Warning,
}

/// One finding about a profile, ready to be shown.
///
/// The text is written where the check is, which alone knows the reason. Only the drawing is done elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Whether the problem stops the build.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub title: String,
    /// The byte range in the source, or `None` when the problem concerns the file as a whole.
    pub span: Option<Range<usize>>,
    /// The reason, shown under the caret.
    pub label: String,
    /// A second place that explains the first, and a text about it.
    pub related: Option<(Range<usize>, String)>,
    /// What to do next.
    pub hint: String,
    #[cfg(test)]
    pub(super) raised_at: &'static Location<'static>,
}

impl Problem {
    /// Returns a problem that stops the build.
    #[track_caller]
    pub(super) fn error(title: impl Into<String>) -> Self {
        Self::new(Severity::Error, title.into())
    }

    /// Returns a problem that does not stop the build.
    #[track_caller]
    pub(super) fn warning(title: impl Into<String>) -> Self {
        Self::new(Severity::Warning, title.into())
    }

    #[track_caller]
    pub(super) fn new(severity: Severity, title: String) -> Self {
        Self {
            severity,
            title,
            span: None,
            label: String::new(),
            related: None,
            hint: String::new(),
            #[cfg(test)]
            raised_at: Location::caller(),
        }
    }

    pub(super) fn at(mut self, span: &Range<usize>, label: impl Into<String>) -> Self {
        self.span = Some(span.clone());
        self.label = label.into();
        self
    }

    /// Sets the place like [`Problem::at`], if this profile has it.
    pub(super) fn at_if(self, span: Option<&Range<usize>>, label: impl Into<String>) -> Self {
        match span {
            Some(span) => self.at(span, label),
            None => self,
        }
    }

    /// Sets the second place. A default has no place, and the place of the problem itself is no second one: both are
    /// ignored.
    pub(super) fn related(mut self, span: Option<&Range<usize>>, label: impl Into<String>) -> Self {
        self.related = span.filter(|span| Some(*span) != self.span.as_ref()).map(|span| (span.clone(), label.into()));
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Collects problems. It is shared by reference, so that a check can report and go on.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn add(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// Returns whether a problem was added that stops the build.
    pub(super) fn any_error(&self) -> bool {
        self.0.borrow().iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Returns all problems by position, those about the whole file first. A setting that breaks a rule for many nodes
    /// is reported once.
    pub(super) fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        let mut seen = BTreeSet::new();
        problems.retain(|problem| seen.insert((place(problem), problem.title.clone(), problem.label.clone())));
        problems.sort_by_key(place);
        problems
    }
}

fn place(problem: &Problem) -> Option<(usize, usize)> {
    problem.span.as_ref().map(|span| (span.start, span.end))
}
