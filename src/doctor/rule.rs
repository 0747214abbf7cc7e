//! The form of a rule.

use crate::lint;

/// A rule of the doctor, as data. Its texts have places for values: `{file}`, and others that depend on the rule.
#[derive(Debug)]
pub struct Rule {
    /// The name: lower case, never changed. A rule of [`crate::lint`] has the same name here.
    pub id: &'static str,
    /// What breaking the rule means.
    pub severity: Severity,
    /// What is wrong. `{it}` is the file, or something in it.
    pub what: &'static str,
    /// Why the fault hurts: the text that people see.
    pub hurts: &'static str,
    /// How to mend the fault.
    pub mend: &'static str,
    /// The rules that say less about the same fault. Their findings about the same file are left out.
    pub instead_of: &'static [&'static str],
    /// What is wrong and how to mend it where the rule is broken several times from one cause. `{count}` is how often,
    /// and `{files}` are the files.
    pub together: Option<[&'static str; 2]>,
}

/// Whether a broken rule stops something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something does not work, or will not work after the next start.
    Problem,
    /// Everything works until a program is stricter or some time has passed.
    Warning,
    /// Nothing is wrong; it is said because somebody may look for it.
    Note,
}

impl Severity {
    /// Returns the word for the severity in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Note => "note",
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

/// Returns a rule that stops something when it is broken.
pub(super) const fn problem(id: &'static str, what: &'static str, hurts: &'static str, mend: &'static str) -> Rule {
    Rule { id, severity: Severity::Problem, what, hurts, mend, instead_of: &[], together: None }
}

/// Returns a rule that may stop something when it is broken.
pub(super) const fn warning(id: &'static str, what: &'static str, hurts: &'static str, mend: &'static str) -> Rule {
    Rule { id, severity: Severity::Warning, what, hurts, mend, instead_of: &[], together: None }
}

/// Returns a rule about something that is not wrong.
pub(super) const fn note(id: &'static str, what: &'static str, hurts: &'static str, mend: &'static str) -> Rule {
    Rule { id, severity: Severity::Note, what, hurts, mend, instead_of: &[], together: None }
}

impl Rule {
    /// Returns the rule with those whose findings it replaces, because it says more.
    pub(super) const fn instead_of(mut self, ids: &'static [&'static str]) -> Self {
        self.instead_of = ids;
        self
    }

    /// Returns the rule with the words for several findings from one cause.
    pub(super) const fn together(mut self, what: &'static str, mend: &'static str) -> Self {
        self.together = Some([what, mend]);
        self
    }
}
