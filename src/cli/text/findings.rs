//! The words for what is wrong with certificates in a bundle.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::text::bounded;
use crate::verify::{Fault, Finding};
use crate::x509::{escape_for_terminal, instant};

/// The most files of one cause that have a line each.
const LINES: usize = 5;
/// The most files that are listed below one cause, and those that are named when there are more.
const LISTED: usize = 20;
const NAMED: usize = 5;

/// Returns what is wrong, file by file. A cause that is one for many files, such as a clock in 1970, is told once, with a
/// list. Of very many findings the first are told, and the number of the others.
pub(crate) fn lines(findings: &[&Finding]) -> String {
    let mut causes: Vec<(Cause, Vec<&Finding>)> = Vec::new();
    let mut known: BTreeMap<Cause, usize> = BTreeMap::new();
    for finding in findings {
        let cause = Cause::of(&finding.fault);
        let index = *known.entry(cause.clone()).or_insert(causes.len());
        match causes.get_mut(index) {
            Some((_, all)) => all.push(finding),
            None => causes.push((cause, vec![finding])),
        }
    }
    let is_many = |all: &[&Finding]| all.len() > LINES;
    // What stands alone keeps its place in the order of the bundle.
    let is_alone = |finding: &&&Finding| {
        let index = known.get(&Cause::of(&finding.fault));
        !index.and_then(|index| causes.get(*index)).is_some_and(|(_, all)| is_many(all))
    };
    let alone = findings.iter().filter(is_alone).map(|finding| {
        escape_for_terminal(&format!("{}  {}  {}", finding.part, finding.file, fault(&finding.fault))) + "\n"
    });
    let many = causes.iter().filter(|(_, all)| is_many(all)).map(|(cause, all)| paragraph(cause, all));
    bounded::lines(alone.chain(many))
}

/// What many files can have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Expired,
    NotYetValid,
    /// Faults of these words.
    Words(String),
}

impl Cause {
    fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Expired { .. } => Self::Expired,
            Fault::NotYetValid { .. } => Self::NotYetValid,
            other => Self::Words(self::fault(other)),
        }
    }
}

/// Returns a head with the number of files and parts, and the files, the first ones if they are too many.
fn paragraph(cause: &Cause, findings: &[&Finding]) -> String {
    let parts: BTreeSet<_> = findings.iter().map(|finding| finding.part.as_str()).collect();
    let of = match parts.first() {
        Some(part) if parts.len() == 1 => format!("of {}", escape_for_terminal(part)),
        _ if parts.iter().all(|part| part.starts_with("node/")) => format!("of {} nodes", parts.len()),
        _ => format!("in {} parts", parts.len()),
    };
    let times = findings.iter().filter_map(|finding| match finding.fault {
        Fault::Expired { not_after: time } | Fault::NotYetValid { not_before: time } => Some(time),
        _ => None,
    });
    let (first, last) = (times.clone().min().map(instant), times.max().map(instant));
    let when = |one: &str, many: &str| match (first, last) {
        (Some(first), Some(last)) if first != last => format!("{many} {first} and {last}"),
        (first, _) => format!("{one} {}", first.unwrap_or_default()),
    };
    let what = match cause {
        Cause::Expired => when("each expired at", "they expired between"),
        Cause::NotYetValid => {
            format!("{}; is the clock right?", when("each is not valid before", "they begin to be valid between"))
        }
        Cause::Words(words) => escape_for_terminal(words),
    };
    // A kubeconfig may hold two certificates.
    let mut files: Vec<_> = findings.iter().map(|finding| (&finding.part, &finding.file)).collect();
    files.dedup();
    let count = files.len();
    let mut text = format!("{count} files {of}: {what}\n");
    let named = if count > LISTED { NAMED } else { count };
    for (part, file) in files.iter().take(named) {
        text += &format!("  {}\n", escape_for_terminal(&format!("{part}  {file}")));
    }
    if count > named {
        text += &format!("  and {} more\n", count - named);
    }
    text
}

/// Returns what is wrong, and the rule that says so.
pub(crate) fn fault(fault: &Fault) -> String {
    let text = words(fault);
    fault.rule().map_or_else(|| text.clone(), |rule| format!("{text} [{}: {}]", rule.id, rule.clause))
}

/// Returns what is wrong.
pub(crate) fn words(fault: &Fault) -> String {
    match fault {
        Fault::Pem(error) => error.to_string(),
        Fault::Contents => "does not hold exactly what such a file should".to_owned(),
        Fault::KeyMismatch => "key and certificate do not belong together".to_owned(),
        Fault::Alone => "key or certificate is missing beside it".to_owned(),
        Fault::UnknownAuthority { issuer } => format!("no CA beside it signed it; it names {issuer}"),
        Fault::WrongAuthority { signer } => format!("is signed by the CA of {signer}, and belongs to another"),
        Fault::Chain { usage, reason } => format!("does not verify for {usage}: {reason}"),
        Fault::Expired { not_after } => format!("expired at {}", instant(*not_after)),
        Fault::NotYetValid { not_before } => {
            format!("is not valid before {}; is the clock right?", instant(*not_before))
        }
        Fault::Kubeconfig => "is not a kubeconfig as certferry writes it".to_owned(),
        Fault::NotKubeconfig => "cannot be read as a kubeconfig and was not checked".to_owned(),
        Fault::OtherAuthority => "holds another CA than pki/ca.crt".to_owned(),
        Fault::MissingFile { path } => format!("refers to {path}, which is not there"),
        Fault::SameSubject { subject, other } => {
            format!("has the subject {subject} as {other} has, and another key")
        }
        Fault::FrontProxyShared => "has the key of pki/ca.crt".to_owned(),
        Fault::InlineKubelet => {
            "holds the kubelet's credentials; with rotateCertificates the kubelet replaces them at once".to_owned()
        }
        Fault::Mode { mode } => format!("is a secret and has mode {mode:04o}"),
        Fault::Rule(breach) => breach.detail.clone(),
        Fault::Differs { from } => format!("differs from the one of {from}, and must be the same everywhere"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::lines;
    use crate::verify::{Fault, Finding};

    fn finding(part: &str, file: &str, fault: Fault) -> Finding {
        Finding { part: part.to_owned(), file: file.to_owned(), fault }
    }

    #[test]
    fn a_clock_in_1970_is_one_paragraph_however_many_nodes_there_are() {
        let not_before = datetime!(2026-11-21 0:00 UTC);
        let mut findings: Vec<_> = (0..1_000)
            .flat_map(|node| {
                ["ca.crt", "a.crt", "b.crt", "c.crt"]
                    .map(|file| finding(&format!("node/w-{node}"), file, Fault::NotYetValid { not_before }))
            })
            .collect();
        // What has another cause stands before it, by itself.
        findings.insert(7, finding("node/w-1", "d.key", Fault::Alone));
        let all: Vec<_> = findings.iter().collect();
        assert_eq!(
            lines(&all),
            "node/w-1  d.key  key or certificate is missing beside it\n\
             4000 files of 1000 nodes: each is not valid before 2026-11-21T00:00:00Z; is the clock right?\n  \
             node/w-0  ca.crt\n  node/w-0  a.crt\n  node/w-0  b.crt\n  node/w-0  c.crt\n  node/w-1  ca.crt\n  \
             and 3995 more\n"
        );
    }

    #[test]
    fn a_few_files_have_a_line_each() {
        let expired = |hour: u8| Fault::Expired {
            not_after: datetime!(2031-11-22 0:00 UTC) + time::Duration::hours(hour.into()),
        };
        let findings: Vec<_> =
            (0..6).map(|hour| finding("cluster", &format!("users/{hour}.conf"), expired(hour))).collect();
        let all: Vec<_> = findings.iter().collect();
        assert_eq!(lines(&all[..1]), "cluster  users/0.conf  expired at 2031-11-22T00:00:00Z\n");
        assert_eq!(lines(&all[..5]).lines().count(), 5);
        let text = lines(&all);
        assert!(
            text.starts_with(
                "6 files of cluster: they expired between 2031-11-22T00:00:00Z and 2031-11-22T05:00:00Z\n  cluster  users/0.conf\n"
            ),
            "{text}"
        );
        assert_eq!(text.lines().count(), 7, "all are named");
        assert_eq!(lines(&[]), "");
    }
}
