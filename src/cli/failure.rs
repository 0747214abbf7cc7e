//! How a command ends when it does not succeed.

use std::fmt::Write;
use std::path::Path;

/// A failure, in words for a person. Printed once, by `run`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// 1: the check said no. 2: could not run.
    exit_code: u8,
    /// What happened, and where.
    message: String,
    /// Whether the message is the whole text already.
    drawn: bool,
    /// What to do next.
    hints: Vec<String>,
    /// Results that there are all the same.
    output: String,
}

impl Failure {
    /// The command could not run: usage, input, I/O.
    pub(crate) fn cannot_run(message: impl Into<String>) -> Self {
        Self { exit_code: 2, message: message.into(), drawn: false, hints: Vec::new(), output: String::new() }
    }

    /// The command ran and its answer is no.
    pub(crate) fn says_no(message: impl Into<String>) -> Self {
        Self { exit_code: 1, ..Self::cannot_run(message) }
    }

    /// Something that no input should lead to.
    pub(crate) fn defect(what: &str) -> Self {
        Self::cannot_run(format!("a check inside certferry failed: {what}"))
            .hint("nothing was written; this is a defect: report it with the profile, never with the seed")
    }

    /// The command could not run, and the text is complete as it is.
    pub(crate) fn drawn(text: String) -> Self {
        Self { drawn: true, ..Self::cannot_run(text) }
    }

    /// A file could not be read or written.
    pub(crate) fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::cannot_run(format!("cannot {doing} {}: {}", path.display(), io_reason(error)))
    }

    /// With a next step.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With results for the standard output.
    pub(crate) fn output(mut self, output: String) -> Self {
        self.output = output;
        self
    }

    /// The results that there are all the same, for the standard output.
    pub(crate) fn take_output(&mut self) -> String {
        std::mem::take(&mut self.output)
    }

    /// What happened, and where.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// `error: ...` and a line for each hint.
    pub(crate) fn text(&self) -> String {
        if self.drawn {
            return self.message.clone();
        }
        let mut text = format!("error: {}\n", self.message);
        for hint in &self.hints {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

/// The operating system's words without Rust's `(os error 2)`.
pub(crate) fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
