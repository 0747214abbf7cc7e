//! The words of `plan --against`.

use std::fmt::Write;

use crate::import::{Against, ComparedNode, FileFate};
use crate::x509::{escape_for_terminal, instant};

/// Returns the text. Files that do not change are counted; with `all` they have lines, too.
pub(crate) fn render(against: &Against, all: bool) -> String {
    let mut text = String::new();
    for node in &against.nodes {
        text += &of_node(node, all);
    }
    if !against.unsurveyed.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nnot compared, because nothing was given of them: {}", against.unsurveyed.join(", "));
    }
    if !against.strangers.is_empty() {
        let strangers = escape_for_terminal(&against.strangers.join(", "));
        let _ = writeln!(text, "\nof no node in the profile: {strangers}");
    }
    text
}

fn of_node(node: &ComparedNode, all: bool) -> String {
    let counts = FileFate::ALL.into_iter().filter_map(|fate| {
        let count = node.files.iter().filter(|file| file.fate == fate).count();
        (count > 0).then(|| format!("{count} {}", fate.word()))
    });
    let mut text = format!("\n{} against what is there: {}\n", node.node, counts.collect::<Vec<_>>().join(", "));
    for file in &node.files {
        if !all && matches!(file.fate, FileFate::Same | FileFate::Stays) {
            continue;
        }
        let mut line = format!("  {:<11}  {}", file.fate.word(), file.path);
        if !file.details.is_empty() {
            line += &format!("  {}", file.details.join(", "));
        }
        text.extend([&escape_for_terminal(&line), "\n"]);
    }
    let restarts: Vec<_> = node.restarts.iter().map(|component| component.name()).collect();
    match (restarts.is_empty(), node.is_reloaded) {
        (false, _) => text += &format!("  must start anew: {}\n", restarts.join(", ")),
        (true, true) => text += "  nobody has to start anew\n",
        (true, false) => {}
    }
    if !node.pods.is_empty() {
        let pods = escape_for_terminal(&node.pods.join(", "));
        text += &format!("  must start anew, too, because they mount what changes: {pods}\n");
    }
    for old in &node.old_authorities {
        let day = instant(old.not_after);
        let until = if old.has_ended { format!("which ended on {day}") } else { format!("which works until {day}") };
        let line = format!("  still has the certificate of {} {until}: {}", old.authority, old.path);
        text.extend([&escape_for_terminal(&line), "\n"]);
    }
    for path in &node.by_serial {
        let line = format!("  fails in OpenSSL at once, because it names its CA by the older serial number: {path}");
        text.extend([&escape_for_terminal(&line), "\n"]);
    }
    text
}
