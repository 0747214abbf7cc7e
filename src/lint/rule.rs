//! What a rule is, and what it is to break one.

use std::fmt;

use super::facts::Facts;

/// How much breaking a rule matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something stops working, now or later.
    Error,
    /// Something may stop working, or somebody will ask.
    Warning,
}

/// A rule for certificates or their files.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The name: lower case, never changed.
    pub id: &'static str,
    /// The source of the rule.
    pub clause: &'static str,
    /// How much breaking the rule matters.
    pub severity: Severity,
    /// The code that checks the rule.
    pub(super) check: Check,
}

/// The code that checks whether a rule is kept.
#[derive(Clone, Copy)]
pub(super) enum Check {
    /// Returns what is wrong with a certificate, as the end of a sentence that begins with "it", or `None` when it
    /// keeps the rule.
    Certificate(fn(&Facts<'_>) -> Option<String>),
    /// Needs more than one certificate. [`crate::verify`], which has the files, checks the rule.
    Files,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id)
    }
}

/// A broken rule, and how it is broken.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The rule.
    pub rule: &'static Rule,
    /// What is wrong, as the end of a sentence that begins with "it".
    pub detail: String,
}

impl PartialEq for Breach {
    fn eq(&self, other: &Self) -> bool {
        (self.rule.id, &self.detail) == (other.rule.id, &other.detail)
    }
}

impl Eq for Breach {}
