//! What changes and why, in words: for `build` and `plan`.

use std::fmt::Write;

use crate::lock::{Change, ChangeKind, Difference};

/// More changes than this are counted, not listed.
const LISTED: usize = 40;

/// A line for each change: `~ node/cp-1/apiserver  alternative names +DNS:vip.lab`.
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
        let _ = writeln!(text, "  {sign} {}{gap}{}", change.id, reasons.join("; "));
    }
    if changes.len() > LISTED {
        let _ = writeln!(text, "  and {} more", changes.len() - LISTED);
    }
    text
}

/// Why something changes.
pub(crate) fn reasons(change: &Change) -> Vec<String> {
    change.reasons.iter().map(reason).collect()
}

/// One reason: `generation 1 -> 2`, `alternative names +DNS:a -IP:10.0.0.1`, `the key of ca/etcd is another`.
fn reason(difference: &Difference) -> String {
    match difference {
        Difference::Value { field, old, new } => format!("{field} {old} -> {new}"),
        Difference::List { field, added, removed } if added.is_empty() && removed.is_empty() => {
            format!("{field} in another order")
        }
        Difference::List { field, added, removed } => {
            let signed =
                added.iter().map(|item| format!(" +{item}")).chain(removed.iter().map(|item| format!(" -{item}")));
            format!("{field}{}", signed.collect::<String>())
        }
        Difference::Key => "another key".to_owned(),
        Difference::Content => "another certificate".to_owned(),
        Difference::IssuerKey { issuer } => format!("the key of {issuer} is another"),
    }
}
