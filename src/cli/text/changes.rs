//! The words for changes and their reasons, in `build` and `plan`.

use std::fmt::Write;

use crate::lock::{Change, ChangeKind};
use crate::x509::escape_for_terminal;

/// The most changes that are listed. The others are counted.
const LISTED: usize = 40;

/// Returns a line for each change: `~ node/cp-1/apiserver  alternative names +DNS:vip.lab`.
pub(crate) fn lines(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes.iter().take(LISTED) {
        let sign = match change.kind {
            ChangeKind::Added => '+',
            ChangeKind::Changed => '~',
            ChangeKind::Removed => '-',
        };
        let reasons = reasons(change);
        let gap = if reasons.is_empty() { "" } else { "  " };
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "  {sign} {}", escape_for_terminal(&format!("{}{gap}{}", change.id, reasons.join("; "))));
    }
    if changes.len() > LISTED {
        let _ = writeln!(text, "  and {} more", changes.len() - LISTED);
    }
    text
}

/// Returns the reasons of a change.
pub(crate) fn reasons(change: &Change) -> Vec<String> {
    change.reasons.iter().map(ToString::to_string).collect()
}
