//! The lines of a profile. Whatever others wrote goes through [`quoted`] or a comment of [`Text`], and nowhere else.

use std::fmt::Write;

use super::said::Said;
use crate::x509::{escape_for_terminal, is_unseen};

/// A profile that grows line by line.
pub(super) struct Text(String);

impl Text {
    pub(super) const fn new(head: String) -> Self {
        Self(head)
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn empty_line(&mut self) {
        self.0.push('\n');
    }

    /// Makes comments of all lines from a place on.
    pub(super) fn comment_out(&mut self, from: usize) {
        let lines = self.0.split_off(from);
        for line in lines.lines() {
            // The empty line before a table stays one.
            self.0.extend([if line.is_empty() { "" } else { "# " }, line, "\n"]);
        }
    }

    /// Writes the header of a table, behind an empty line.
    pub(super) fn table(&mut self, header: &str) {
        self.0.extend(["\n", header, "\n"]);
    }

    /// Writes a key. `value` is TOML, and `source` any text.
    pub(super) fn key(&mut self, key: &str, value: &str, source: &str) {
        self.0.extend([key, " = ", value, "  # ", &one_line(source), "\n"]);
    }

    /// Writes a key as a comment.
    pub(super) fn off(&mut self, key: &str, value: &str, source: &str) {
        self.0.push_str("# ");
        self.key(key, value, source);
    }

    /// Writes a comment of its own line.
    pub(super) fn comment(&mut self, text: &str) {
        self.0.extend(["# ", &one_line(text), "\n"]);
    }

    /// Writes a list with one item on a line, each with its source.
    pub(super) fn list(&mut self, key: &str, items: &[Said<String>], off: &[Said<String>]) {
        if items.is_empty() && off.is_empty() {
            return;
        }
        self.0.extend([key, " = [\n"]);
        for item in items {
            self.0.extend(["  ", &quoted(&item.value), ",  # ", &one_line(&item.source), "\n"]);
        }
        for item in off {
            self.0.extend(["  # ", &quoted(&item.value), ",  # ", &one_line(&item.source), "\n"]);
        }
        self.0.push_str("]\n");
    }
}

/// Returns a text as a finding repeats it: in quotes, unless it has other signs than hosts, addresses, subnets, versions and
/// names have. Such a text may hold a password.
pub(super) fn told(text: &str) -> String {
    if is_plain(text) { format!("\"{text}\"") } else { "a text that is not shown".to_owned() }
}

/// Returns whether a text has no other signs than such values have.
pub(super) fn is_plain(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-:[]/,* ".contains(letter))
}

/// Returns a text without a line end and without anything that is not seen.
fn one_line(text: &str) -> String {
    escape_for_terminal(text)
}

/// Returns a text as a basic string of TOML, on one line (TOML 1.0, section String).
pub(super) fn quoted(text: &str) -> String {
    let mut string = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => string.extend(['\\', letter]),
            // Writing to a String cannot fail.
            letter if is_unseen(letter) => {
                let _ = write!(string, "\\U{:08X}", u32::from(letter));
            }
            letter => string.push(letter),
        }
    }
    string.push('"');
    string
}
