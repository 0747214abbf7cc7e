//! What changes and why, in words: for `build` and `plan`.

use std::fmt::Write;

use crate::lock::{Change, Difference};

/// More changes than this are counted, not listed.
const LISTED: usize = 40;

/// A line for each change, under a heading; nothing when nothing changes.
pub(super) fn since_lock(changes: &[Change]) -> String {
    let mut text = String::new();
    if !changes.is_empty() {
        text += "\nsince the lock:\n";
    }
    for change in changes.iter().take(LISTED) {
        // Writing to a String cannot fail.
        let _ = match change {
            Change::Added(id) => writeln!(text, "  + {id}"),
            Change::Removed(id) => writeln!(text, "  - {id}"),
            Change::Changed(id, reasons) => {
                let reasons: Vec<_> = reasons.iter().map(reason).collect();
                writeln!(text, "  ~ {id}  {}", reasons.join("; "))
            }
        };
    }
    if changes.len() > LISTED {
        let _ = writeln!(text, "  and {} more", changes.len() - LISTED);
    }
    text
}

/// One reason: `generation 1 -> 2`, `alternative names +DNS:a -IP:10.0.0.1`, `the key of ca/etcd is another`.
pub(super) fn reason(difference: &Difference) -> String {
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
