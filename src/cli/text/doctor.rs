//! The findings of a doctor, for people and for programs.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::{bounded, json};
use crate::doctor::{Diagnosis, Finding, LookedAt};
use crate::x509::escape_for_terminal;

/// The width of a terminal that shows every line whole.
const COLUMNS: usize = 100;
/// The indent of the second line of an explanation, which begins below the first word behind `why:`.
const INDENT: &str = "        ";

/// Returns the findings one below the other, or one line that says that nothing is wrong.
pub(crate) fn text(diagnosis: &Diagnosis, is_complete: bool) -> String {
    let seen = looked_at(&diagnosis.looked_at);
    let unchecked = diagnosis.unchecked.iter();
    let unchecked =
        bounded::lines(unchecked.map(|why| wrap(&format!("not checked: {}", escape_for_terminal(why)), "    ", false)));
    if diagnosis.findings.is_empty() {
        let verdict = if unchecked.is_empty() { "nothing is wrong" } else { "nothing else is wrong" };
        return if is_complete { format!("{unchecked}{verdict}; looked at {seen}\n") } else { unchecked };
    }
    let (texts, more) = bounded::bounded(Finding::together(&diagnosis.findings).iter().map(finding));
    let more = if more > 0 { format!("\nand {more} more; -o json has them all\n") } else { String::new() };
    let unchecked = if unchecked.is_empty() { unchecked } else { format!("\n{unchecked}") };
    format!("{}{more}{unchecked}\nlooked at {seen}\n", texts.join("\n"))
}

fn finding(finding: &Finding) -> String {
    let severity = finding.severity.name();
    let head = wrap(&format!("{severity}: {}", escape_for_terminal(&finding.what)), "    ", false);
    let why = wrap(&format!("  why:  {}", escape_for_terminal(&finding.why)), INDENT, false);
    let mend = wrap(&format!("  mend: {}", escape_for_terminal(&finding.mend)), INDENT, true);
    format!("{head}{why}{mend}")
}

/// Breaks a text into lines of at most [`COLUMNS`] where its words allow it. A text between backticks is one word when
/// it fits on a line. With `commands` it always is, because a broken command could not be copied.
fn wrap(text: &str, indent: &str, commands: bool) -> String {
    let start = text.len() - text.trim_start().len();
    let (mut lines, mut line) = (String::new(), text.get(..start).unwrap_or_default().to_owned());
    let mut is_empty = true;
    for word in words(text.get(start..).unwrap_or_default(), commands) {
        let width = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        // A break gains nothing when the line is shorter than the indent of the next one.
        if !is_empty && width > COLUMNS && line.chars().count() >= indent.len() {
            lines += line.trim_end();
            lines.push('\n');
            indent.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += &word;
        is_empty = false;
    }
    lines + line.trim_end() + "\n"
}

fn words(text: &str, commands: bool) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        open.push(word);
        let is_open = open.iter().map(|word| word.matches('`').count()).sum::<usize>() % 2 == 1;
        if !is_open {
            close(&mut words, &open, commands);
            open.clear();
        }
    }
    close(&mut words, &open, commands);
    words
}

fn close(words: &mut Vec<String>, span: &[&str], commands: bool) {
    let whole = span.join(" ");
    if commands || whole.chars().count() <= COLUMNS - INDENT.len() {
        words.extend(Some(whole).filter(|_| !span.is_empty()));
    } else {
        words.extend(span.iter().map(|&word| word.to_owned()));
    }
}

/// Returns what was looked at: `14 certificates, 5 kubeconfigs and 4 manifests`.
fn looked_at(looked_at: &LookedAt) -> String {
    let counts = [
        (looked_at.certificates, "certificate", "certificates"),
        (looked_at.kubeconfigs, "kubeconfig", "kubeconfigs"),
        (looked_at.manifests, "manifest", "manifests"),
        (looked_at.kubelet_configurations, "kubelet configuration", "kubelet configurations"),
        (looked_at.objects, "object", "objects"),
    ];
    let words: Vec<_> = counts
        .iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    problems: usize,
    findings: Vec<Row<'a>>,
    looked_at: Counts,
    unchecked: &'a [String],
}

#[derive(Serialize)]
struct Row<'a> {
    rule: &'a str,
    severity: &'a str,
    file: &'a str,
    what: &'a str,
    why: &'a str,
    mend: &'a str,
}

#[derive(Serialize)]
struct Counts {
    certificates: usize,
    kubeconfigs: usize,
    manifests: usize,
    kubelet_configurations: usize,
    objects: usize,
}

/// Returns one JSON document with an indent of two spaces and a newline at its end.
pub(crate) fn json(diagnosis: &Diagnosis) -> Result<String, Failure> {
    let LookedAt { certificates, kubeconfigs, manifests, kubelet_configurations, objects } = diagnosis.looked_at;
    let looked_at = Counts { certificates, kubeconfigs, manifests, kubelet_configurations, objects };
    let findings = diagnosis.findings.iter().map(row).collect();
    let document = Document { problems: diagnosis.problems(), findings, looked_at, unchecked: &diagnosis.unchecked };
    json::document("doctor", &document)
}

fn row(finding: &Finding) -> Row<'_> {
    Row {
        rule: finding.rule.id,
        severity: finding.severity.name(),
        file: &finding.file,
        what: &finding.what,
        why: &finding.why,
        mend: &finding.mend,
    }
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, wrap};

    #[test]
    fn lines_are_short_and_commands_whole() {
        let command = format!("`{}`", ["word"; 12].join(" "));
        let text = format!("  why:  {} {command} end", ["word"; 10].join(" "));
        let wrapped = wrap(&text, "        ", true);
        assert!(wrapped.lines().all(|line| line.chars().count() <= COLUMNS), "{wrapped}");
        assert!(wrapped.lines().any(|line| line == format!("        {command} end")), "{wrapped}");
        assert!(wrapped.starts_with("  why:  word "), "{wrapped}");
        let long = format!("`{}`", ["word"; 40].join(" "));
        assert_eq!(wrap(&long, "  ", true), format!("{long}\n"));
        assert!(wrap(&long, "  ", false).lines().all(|line| line.chars().count() <= COLUMNS));
        assert_eq!(wrap(&"x".repeat(200), "  ", false), format!("{}\n", "x".repeat(200)), "one word is not cut");
    }
}
