//! What a rule is, and what it is to break one.

use std::fmt;

use super::facts::Facts;

/// Whether breaking a rule stops something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does, or will.
    Error,
    /// It may, or somebody will ask.
    Warning,
}

/// A rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name: lower case, never changed.
    pub id: &'static str,
    /// Where it is stated.
    pub clause: &'static str,
    /// What breaking it means.
    pub severity: Severity,
    /// Who looks.
    pub(super) check: Check,
}

/// Who looks whether a rule is kept.
#[derive(Clone, Copy)]
pub(super) enum Check {
    /// What is wrong with a certificate, in words that follow "it"; nothing when it keeps the rule.
    Certificate(fn(&Facts<'_>) -> Option<String>),
    /// Takes more than one certificate: [`crate::verify`] looks, which has the files.
    Files,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id)
    }
}

/// A rule that is broken, and how.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The rule.
    pub rule: &'static Rule,
    /// What is wrong, in words that follow "it".
    pub detail: String,
}

impl PartialEq for Breach {
    fn eq(&self, other: &Self) -> bool {
        (self.rule.id, &self.detail) == (other.rule.id, &other.detail)
    }
}

impl Eq for Breach {}
