//! The words for sealed bundles, and for whom they open.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use crate::bundle::{Head, Hex, Sha256};
use crate::cli::failure::Failure;
use crate::cli::notice::Notice;
use crate::cli::text::fingerprint::signer;
use crate::cli::text::{json, node_names};
use crate::kubernetes::PartName;
use crate::make::RecipientChange;
use crate::seal::Recipient;
use crate::sign::Fingerprint;

/// What `seal` wrote, or would write.
pub(crate) struct SealedFiles {
    pub(crate) bundle: PathBuf,
    pub(crate) sealed: PathBuf,
    pub(crate) signature: Option<PathBuf>,
    pub(crate) public_key: PathBuf,
    pub(crate) signer: Fingerprint,
    pub(crate) head: Head,
    pub(crate) recipients: Vec<(PartName, Vec<Recipient>)>,
    pub(crate) is_dry_run: bool,
}

#[derive(Serialize)]
struct SealJson {
    changed: bool,
    dry_run: bool,
    bundle: String,
    sealed: String,
    signature: Option<String>,
    public_key: String,
    signer: String,
    cluster: String,
    generation: u32,
    kubernetes: String,
    parts: Vec<EnvelopeJson>,
}

/// A part and who opens it.
#[derive(Serialize)]
struct EnvelopeJson {
    part: String,
    recipients: Vec<RecipientJson>,
}

#[derive(Serialize)]
struct RecipientJson {
    kind: String,
    sha256: String,
}

/// Returns the fingerprint of a recipient, as its paper has it.
pub(crate) fn hex(recipient: &Recipient) -> String {
    Hex(recipient.sha256()).to_string()
}

/// Returns the fingerprint of a recipient.
pub(crate) fn fingerprint(recipient: &Recipient) -> Result<Fingerprint, Failure> {
    of_digest(&recipient.sha256())
}

/// Returns the fingerprint that a digest is.
pub(crate) fn of_digest(digest: &[u8; 32]) -> Result<Fingerprint, Failure> {
    format!("sha256:{}", Hex(*digest)).parse().map_err(|_| Failure::defect("a digest is no fingerprint"))
}

/// Returns the document for programs.
pub(crate) fn json(files: &SealedFiles) -> Result<String, Failure> {
    let recipient = |to: &Recipient| RecipientJson { kind: to.kind().to_string(), sha256: hex(to) };
    let envelope = |(part, to): &(PartName, Vec<Recipient>)| EnvelopeJson {
        part: part.to_string(),
        recipients: to.iter().map(recipient).collect(),
    };
    let document = SealJson {
        // No two envelopes are the same, so that a sealed file is never there already.
        changed: true,
        dry_run: files.is_dry_run,
        bundle: files.bundle.display().to_string(),
        sealed: files.sealed.display().to_string(),
        signature: files.signature.as_ref().map(|path| path.display().to_string()),
        public_key: files.public_key.display().to_string(),
        signer: files.signer.to_string(),
        cluster: files.head.cluster.clone(),
        generation: files.head.generation,
        kubernetes: files.head.kubernetes.clone(),
        parts: files.recipients.iter().map(envelope).collect(),
    };
    json::document("seal", &document)
}

/// Returns the text for a person.
pub(crate) fn text(files: &SealedFiles) -> String {
    let (sealed, count) = (files.sealed.display(), files.recipients.len());
    let parts = if count == 1 { "1 part".to_owned() } else { format!("{count} parts, each") };
    if files.is_dry_run {
        return format!("{sealed}  {parts} sealed to its recipients, would be written; nothing was\n");
    }
    let signature = match &files.signature {
        Some(path) => format!("{}  its signature\n", path.display()),
        None => {
            "not signed as a file, because no seed was given; index and parts have the signer's signatures\n".to_owned()
        }
    };
    format!(
        "{sealed}  {parts} sealed to its recipients: nothing in it is secret\n{signature}{}  the signer's public key\n\n{}\n\
         {} is there as before, in the clear: destroy it, once the sealed one has been opened for a try\n",
        files.public_key.display(),
        signer(&files.signer),
        files.bundle.display(),
    )
}

/// Returns the text of who opens parts now and did not before, and the other way round: all of it, because one line may
/// be somebody's who should not.
pub(crate) fn changes(changes: &[RecipientChange]) -> String {
    match lines(changes) {
        lines if lines.is_empty() => lines,
        lines => format!("recipients since the lock; compare what is new with the paper of the node:\n{lines}\n"),
    }
}

/// Returns the parts whose recipients are others, with the fingerprints.
pub(crate) fn lines(changes: &[RecipientChange]) -> String {
    let mut text = String::new();
    let groups = |digest: &Sha256| of_digest(&digest.0).map(|found| found.halves().join(" ")).unwrap_or_default();
    // What is the same for many parts stands there once.
    let mut alike: BTreeMap<(&[Sha256], &[Sha256]), Vec<String>> = BTreeMap::new();
    for RecipientChange { part, added, removed } in changes {
        alike.entry((added, removed)).or_default().push(part.to_string());
    }
    let mut alike: Vec<_> = alike.into_iter().collect();
    alike.sort_by(|(_, left), (_, right)| left.first().cmp(&right.first()));
    for ((added, removed), parts) in alike {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  ~ {}", node_names::ranges(parts.iter().map(String::as_str)).join(", "));
        for (sign, digests) in [('+', added), ('-', removed)] {
            for digest in digests {
                let _ = writeln!(text, "    {sign} {}", groups(digest));
            }
        }
    }
    text
}

/// What is said of a profile that asks for no sealing any more.
pub(crate) const NO_LONGER: &str =
    "the bundle before was sealed, and the profile names no recipient: a build wants --unsealed, or recipients\n\n";

/// Returns the text of parts that nobody could open.
pub(crate) fn without(parts: &[PartName]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let names: Vec<_> = parts.iter().map(ToString::to_string).collect();
    let names = node_names::ranges(names.iter().map(String::as_str)).join(", ");
    format!("no recipient yet, and so no build, or one with --to and --cluster-to:\n  {names}\n\n")
}

/// A part whose recipients are others than before.
#[derive(Serialize)]
pub(crate) struct RecipientChangeJson {
    part: String,
    added: Vec<String>,
    removed: Vec<String>,
}

/// Returns changes of recipients as they stand in JSON.
pub(crate) fn changes_json(changes: &[RecipientChange]) -> Vec<RecipientChangeJson> {
    let texts = |digests: &[Sha256]| digests.iter().map(ToString::to_string).collect();
    let change = |change: &RecipientChange| RecipientChangeJson {
        part: change.part.to_string(),
        added: texts(&change.added),
        removed: texts(&change.removed),
    };
    changes.iter().map(change).collect()
}

/// Warns of parts with keys by which others are made, that are sealed with X25519 alone.
pub(crate) fn warn_of_classical(parts: &[PartName]) {
    let names: Vec<_> = parts.iter().map(ToString::to_string).collect();
    let (has, is) = if names.len() == 1 { ("has", "is") } else { ("have", "are") };
    if !names.is_empty() {
        Notice::new(format!(
            "{} {has} keys that sign for the whole cluster, and {is} sealed with X25519 alone",
            names.join(", ")
        ))
        .hint("a copy of today may be opened with a quantum computer of later: take recipients age1pq1...")
        .give();
    }
}
