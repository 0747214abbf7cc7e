//! What a person is told beside a result: at once on the standard error, or, for programs, in the document.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::host::{self, Leftover};
use crate::x509::escape_for_terminal;

/// A warning, in the form of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Notice {
    /// What is so, in one line.
    warning: String,
    /// Lines below it.
    details: Vec<String>,
    /// The next steps.
    hints: Vec<String>,
}

/// The notices for the document. `None` while they are for a person. It is one for the process, as the standard error is.
static COLLECTED: Mutex<Option<Vec<Notice>>> = Mutex::new(None);

impl Notice {
    pub(crate) fn new(warning: impl Into<String>) -> Self {
        Self { warning: warning.into(), details: Vec::new(), hints: Vec::new() }
    }

    /// Adds lines below the warning. What they repeat of files and names is escaped already.
    pub(crate) fn lines(mut self, lines: &str) -> Self {
        self.details.extend(lines.lines().map(str::to_owned));
        self
    }

    /// Adds a hint at the next step.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Tells a person, or keeps the notice for the document.
    pub(crate) fn give(self) {
        if let Some(notice) = kept(self) {
            host::write_stderr(&notice.text());
        }
    }

    /// Returns the text: `warning: ...`, the lines below it, and a line for each hint.
    fn text(&self) -> String {
        let mut text = format!("warning: {}\n", escape_for_terminal(&self.warning));
        for line in &self.details {
            text.extend([line, "\n"]);
        }
        for hint in &self.hints {
            text.extend(["hint: ", &escape_for_terminal(hint), "\n"]);
        }
        text
    }
}

/// Gives a notice of what a killed run had left.
pub(crate) fn give_leftover(leftover: Leftover) {
    let Leftover { path, removed } = leftover;
    let path = path.display();
    match removed {
        Ok(()) => Notice::new(format!("{path} is removed: a killed run had left it, perhaps with keys in it")),
        Err(error) => Notice::new(format!(
            "{path} is what a killed run has left, perhaps with keys in it, and cannot be removed: {}",
            host::reason(&error)
        ))
        .hint("remove it by hand"),
    }
    .give();
}

/// Gives notices like [`Notice::give`], for which a person gets another text.
pub(crate) fn give_drawn(notices: Vec<Notice>, drawn: &str) {
    let for_person = notices.into_iter().filter_map(kept).count();
    if for_person > 0 {
        host::write_stderr(drawn);
    }
}

/// Keeps every notice from now on for the document: the standard error is for errors in JSON alone.
pub(crate) fn collect() {
    *COLLECTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Returns whether notices are kept for a document.
pub(crate) fn is_for_programs() -> bool {
    COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Returns the notices that no document has yet.
pub(crate) fn take() -> Vec<Notice> {
    let mut collected = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
    collected.as_mut().map(std::mem::take).unwrap_or_default()
}

/// Keeps a notice for the document. Returns it when there will be none.
fn kept(notice: Notice) -> Option<Notice> {
    match COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        None => Some(notice),
        Some(collected) => {
            collected.push(notice);
            None
        }
    }
}
