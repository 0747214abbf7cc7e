//! What a rule is.

use crate::lint;

/// A rule of the doctor: facts as data. Texts have places for values: `{file}`, and others by rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name: lower case, never changed. A rule of [`crate::lint`] has its name there.
    pub id: &'static str,
    /// What breaking it means.
    pub severity: Severity,
    /// What is wrong. `{it}` is the file, or what in it.
    pub what: &'static str,
    /// Why it hurts: the text that people see.
    pub hurts: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// Rules that say the same of the same file with less.
    pub instead_of: &'static [&'static str],
}

/// Whether something does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It does not, or will not after the next start.
    Problem,
    /// It does, until somebody is strict or some time has passed.
    Warning,
}

impl Severity {
    /// The word for it in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
        }
    }
}

impl From<lint::Severity> for Severity {
    fn from(severity: lint::Severity) -> Self {
        match severity {
            lint::Severity::Error => Self::Problem,
            lint::Severity::Warning => Self::Warning,
        }
    }
}

/// A rule whose breach stops something.
pub(super) const fn problem(id: &'static str, what: &'static str, hurts: &'static str, mend: &'static str) -> Rule {
    Rule { id, severity: Severity::Problem, what, hurts, mend, instead_of: &[] }
}

/// A rule whose breach may stop something.
pub(super) const fn warning(id: &'static str, what: &'static str, hurts: &'static str, mend: &'static str) -> Rule {
    Rule { id, severity: Severity::Warning, what, hurts, mend, instead_of: &[] }
}

impl Rule {
    /// The same, saying more than those.
    pub(super) const fn instead_of(mut self, ids: &'static [&'static str]) -> Self {
        self.instead_of = ids;
        self
    }
}
