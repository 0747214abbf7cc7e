//! The words for what on a node is not as it was installed.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Serialize;
use time::OffsetDateTime;

use crate::host::FoundKind;
use crate::node::Drift;
use crate::node::drift::{Change, ChangedCertificate, Drifted, KeyUser, Signer, Weight};
use crate::x509::{escape_for_terminal, instant};

/// Returns the lines of `status`: how many files differ, and how. One cause is one paragraph.
pub(crate) fn text(drift: &Drift) -> String {
    if drift.is_interrupted {
        return "files        not compared: those of two generations may be there\n".to_owned();
    }
    let (all, count) = (drift.places.len(), differing(drift));
    let mut text = match count {
        _ if !drift.unread.is_empty() => {
            format!(
                "files        {count} of {all} differ from what was installed, {} cannot be read\n",
                drift.unread.len()
            )
        }
        0 if drift.notes().next().is_none() => format!("files        all {all} are as they were installed\n"),
        0 => format!("files        all {all} are as they were installed, save what is noted\n"),
        _ => format!("files        {count} of {all} differ from what was installed\n"),
    };
    for paragraph in paragraphs(drift.problems()) {
        paragraph.write(&mut text);
    }
    let mut unread: Vec<Paragraph> = Vec::new();
    for (place, reason) in &drift.unread {
        let reason = escape_for_terminal(reason);
        add(&mut unread, ("unread", format!(": {reason}"), format!("files: {reason}")), (place.clone(), ""));
    }
    for paragraph in unread {
        paragraph.write(&mut text);
    }
    let notes: Vec<_> = drift.notes().collect();
    for note in &notes {
        let place = escape_for_terminal(&note.place);
        let _ = writeln!(text, "  note       {place} was taken away: {}", nobody(&note.place));
    }
    if !notes.is_empty() {
        text += "             `certferry status --accept PATH` takes note of it for good\n";
    }
    text
}

/// Returns how many files and links differ.
pub(crate) fn differing(drift: &Drift) -> usize {
    let mut places = BTreeSet::new();
    for drifted in drift.problems() {
        let below = format!("{}/", drifted.place);
        let is_folder = |place: &&String| place.starts_with(&below);
        places.extend(drift.places.iter().filter(|place| **place == drifted.place || is_folder(place)));
    }
    places.len()
}

/// Returns why nobody misses a file that was taken away.
fn nobody(place: &str) -> &'static str {
    if place.ends_with(".key") { "no flag of a static pod names it" } else { "nothing on the node reads it" }
}

/// A cause, and the places that it has changed.
struct Paragraph {
    word: &'static str,
    /// What follows a place that stands alone.
    one: String,
    /// What follows the number of places when there are several.
    many: String,
    /// The places, each with what is said of it alone.
    places: Vec<(String, &'static str)>,
}

impl Paragraph {
    fn write(&self, text: &mut String) {
        let word = self.word;
        // Each of these is one line, whatever the name of a file is.
        let _ = match self.places.as_slice() {
            [(place, alone)] => {
                writeln!(text, "  {word:<10} {}", escape_for_terminal(&format!("{place}{alone}{}", self.one)))
            }
            places => {
                let line = |(place, alone): &(String, _)| format!("    {}{alone}\n", escape_for_terminal(place));
                let list: String = places.iter().map(line).collect();
                write!(text, "  {word:<10} {} {}\n{list}", places.len(), escape_for_terminal(&self.many))
            }
        };
    }
}

fn paragraphs<'a>(drifted: impl Iterator<Item = &'a Drifted>) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    for drifted in drifted {
        // A key that belongs to a new certificate is told with it.
        if matches!(&drifted.change, Change::Key { of: Some(_) }) {
            continue;
        }
        let alone = match &drifted.change {
            Change::Certificate(ChangedCertificate { has_new_key: true, .. }) => " and its key",
            _ => "",
        };
        add(&mut paragraphs, words(&drifted.change), (drifted.place.clone(), alone));
    }
    paragraphs
}

/// Adds a place to the paragraph of its cause.
fn add(paragraphs: &mut Vec<Paragraph>, (word, one, many): Words, place: (String, &'static str)) {
    match paragraphs.iter_mut().find(|known| (known.word, &known.one) == (word, &one)) {
        Some(known) => known.places.push(place),
        None => paragraphs.push(Paragraph { word, one, many, places: vec![place] }),
    }
}

/// A word for a cause, what follows the place, and what follows the number of places.
type Words = (&'static str, String, String);

/// Returns a word for a change, what follows the place, and what follows the number of places.
fn words(change: &Change) -> Words {
    let same = |word, text: String| (word, format!(": {text}"), format!("files: {text}"));
    match change {
        Change::Missing { needed_by: None } => ("missing", String::new(), "files".to_owned()),
        Change::Missing { needed_by: Some(user) } => {
            let names = names_it(user);
            ("missing", format!(": {names}"), format!("files: {names}"))
        }
        Change::MissingFolder { files } => {
            let text = format!("with {files} {}", if *files == 1 { "file" } else { "files" });
            ("missing", format!(", a folder {text}"), format!("folders, each {text}"))
        }
        Change::Certificate(certificate) => changed_certificate(certificate),
        Change::Authority { not_after, installed_not_after, has_same_key } => {
            let ends = ends("ends", *not_after, *installed_not_after);
            match has_same_key {
                Some(true) => ("changed", format!(": the CA was renewed with its own key: {ends}"), String::new()),
                Some(false) => ("changed", format!(": another CA, with another key: {ends}"), String::new()),
                None => ("changed", format!(": another CA certificate: {ends}"), String::new()),
            }
        }
        Change::Key { .. } => same("changed", "another key, which belongs to nothing that is installed".to_owned()),
        Change::Content(text) => ("changed", format!(": {text}"), format!("files, each of which {text}")),
        Change::Target { found, installed, reason } => {
            let found = escape_for_terminal(found);
            ("changed", format!(": leads to {found} and not to {installed}; {found} {reason}"), "links".to_owned())
        }
        Change::Kind(kind) => same("changed", kind_of(kind)),
        Change::Access { mode, owner } => {
            let mode = mode.map(|(found, installed)| format!("mode {found:04o} instead of {installed:04o}"));
            let owner = owner.map(|(found, installed)| {
                format!("owner {}:{} instead of {}:{}", found.user, found.group, installed.user, installed.group)
            });
            same("access", mode.into_iter().chain(owner).collect::<Vec<_>>().join(", "))
        }
    }
}

fn changed_certificate(certificate: &ChangedCertificate) -> Words {
    let end = |verb| ends(verb, certificate.not_after, certificate.installed_not_after);
    let (one, many) = (end("ends"), end("they end"));
    match &certificate.signer {
        Signer::Installed => {
            ("renewed", format!(": by the installed CA; {one}"), format!("certificates, by the installed CAs; {many}:"))
        }
        Signer::Changed { authority } => (
            "changed",
            format!(": signed by the CA that is in {authority} now; {one}"),
            format!("certificates, signed by the CA that is in {authority} now; {many}:"),
        ),
        Signer::Other { issuer } => (
            "changed",
            format!(": not signed by the installed CA: it names {issuer}; {one}"),
            format!("certificates, not signed by the installed CA: they name {issuer}; {many}:"),
        ),
        Signer::Unchecked => (
            "changed",
            format!(": another certificate, whose signature cannot be checked; {one}"),
            format!("certificates, whose signatures cannot be checked; {many}:"),
        ),
    }
}

/// Returns `ends 2027-11-29 instead of 2225-10-12`.
fn ends(verb: &str, not_after: OffsetDateTime, installed: Option<OffsetDateTime>) -> String {
    let instead = installed.map(|installed| format!(" instead of {}", installed.date())).unwrap_or_default();
    format!("{verb} {}{instead}", not_after.date())
}

fn names_it(user: &KeyUser) -> String {
    format!("/{} names it in {}", user.manifest, user.flag)
}

fn kind_of(kind: &FoundKind) -> String {
    match kind {
        FoundKind::File => "a file stands there".to_owned(),
        FoundKind::Folder => "a folder stands there".to_owned(),
        FoundKind::Link(target) => format!("a link to {} stands there", escape_for_terminal(target)),
        FoundKind::Special => "a socket, a pipe or a device stands there".to_owned(),
    }
}

/// The differences for programs.
#[derive(Serialize)]
pub(crate) struct JsonDrift {
    compared: bool,
    files: usize,
    differing: usize,
    findings: Vec<JsonFinding>,
    unread: Vec<JsonUnread>,
}

#[derive(Serialize)]
struct JsonFinding {
    path: String,
    change: &'static str,
    weight: &'static str,
    not_after: Option<String>,
    installed_not_after: Option<String>,
    text: String,
}

#[derive(Serialize)]
struct JsonUnread {
    path: String,
    reason: String,
}

impl From<&Drift> for JsonDrift {
    fn from(drift: &Drift) -> Self {
        Self {
            compared: !drift.is_interrupted,
            files: drift.places.len(),
            differing: differing(drift),
            findings: drift.drifted.iter().map(JsonFinding::from).collect(),
            unread: drift
                .unread
                .iter()
                .map(|(path, reason)| JsonUnread { path: path.clone(), reason: reason.clone() })
                .collect(),
        }
    }
}

impl From<&Drifted> for JsonFinding {
    fn from(drifted: &Drifted) -> Self {
        let (change, ends) = match &drifted.change {
            Change::Missing { .. } => ("missing", None),
            Change::MissingFolder { .. } => ("missing-folder", None),
            Change::Certificate(certificate) => {
                let name = if certificate.signer == Signer::Installed { "renewed" } else { "certificate" };
                (name, Some((certificate.not_after, certificate.installed_not_after)))
            }
            Change::Authority { not_after, installed_not_after, .. } => {
                ("authority", Some((*not_after, *installed_not_after)))
            }
            Change::Key { .. } => ("key", None),
            Change::Content(_) => ("content", None),
            Change::Target { .. } => ("target", None),
            Change::Kind(_) => ("kind", None),
            Change::Access { .. } => ("access", None),
        };
        let text = match &drifted.change {
            Change::Key { of: Some(of) } => format!("another key, which belongs to {of}"),
            change => words(change).1.trim_start_matches([':', ',', ' ']).to_owned(),
        };
        Self {
            path: drifted.place.clone(),
            change,
            weight: match drifted.weight {
                Weight::Problem => "problem",
                Weight::Note => "note",
                Weight::Accepted => "accepted",
            },
            not_after: ends.map(|(not_after, _)| instant(not_after)),
            installed_not_after: ends.and_then(|(_, installed)| installed).map(instant),
            text,
        }
    }
}
