//! Bundles and what is wrong with them, in JSON.

use serde::Serialize;

use crate::bundle::{ArchiveKind, Head, Row, VerifiedPart};
use crate::cli::text::findings;
use crate::sign::PublicKey;
use crate::verify::{CheckedBundle, Finding};

/// A verified bundle.
#[derive(Serialize)]
pub(crate) struct BundleJson {
    cluster: String,
    cluster_id: String,
    generation: u32,
    kubernetes: String,
    kind: &'static str,
    parts: Vec<String>,
    signer: String,
    content_sha256: Option<String>,
}

impl From<&CheckedBundle> for BundleJson {
    fn from(checked: &CheckedBundle) -> Self {
        let head = &checked.head;
        Self {
            cluster: head.cluster.clone(),
            cluster_id: head.cluster_id.to_string(),
            generation: head.generation,
            kubernetes: head.kubernetes.clone(),
            kind: match checked.archive.kind() {
                ArchiveKind::Whole => "whole",
                ArchiveKind::Partial => "partial",
                ArchiveKind::Slice => "slice",
                ArchiveKind::Opened => "opened",
            },
            parts: checked.parts.iter().map(ToString::to_string).collect(),
            signer: checked.key.fingerprint().to_string(),
            content_sha256: match checked.archive.kind() {
                ArchiveKind::Opened => None,
                _ => Some(checked.archive.content_sha256().to_string()),
            },
        }
    }
}

impl BundleJson {
    /// Returns a sealed bundle of which nothing was opened, by its index, which this key has signed.
    pub(crate) fn sealed(head: &Head, key: &PublicKey) -> Self {
        Self {
            cluster: head.cluster.clone(),
            cluster_id: head.cluster_id.to_string(),
            generation: head.generation,
            kubernetes: head.kubernetes.clone(),
            kind: "opened",
            parts: Vec::new(),
            signer: key.fingerprint().to_string(),
            content_sha256: None,
        }
    }
}

/// Something that is wrong with a file.
#[derive(Serialize)]
pub(crate) struct FindingJson {
    part: String,
    file: String,
    severity: &'static str,
    rule: Option<&'static str>,
    clause: Option<&'static str>,
    text: String,
}

impl FindingJson {
    /// Returns the finding, which is a warning if its fault is one or the caller says so.
    pub(crate) fn new(finding: &Finding, is_warning: bool) -> Self {
        let rule = finding.fault.rule();
        Self {
            part: finding.part.clone(),
            file: finding.file.clone(),
            severity: if is_warning || finding.fault.is_warning() { "warning" } else { "problem" },
            rule: rule.map(|rule| rule.id),
            clause: rule.map(|rule| rule.clause),
            text: findings::words(&finding.fault),
        }
    }
}

/// A file or link of a part.
#[derive(Serialize)]
pub(crate) struct EntryJson {
    path: String,
    mode: Option<String>,
    target: Option<String>,
}

/// Returns the files and links of a part.
pub(crate) fn entries(part: &VerifiedPart) -> Vec<EntryJson> {
    let entry = |row: &Row| match row {
        Row::File { path, mode, .. } => {
            EntryJson { path: path.clone(), mode: Some(format!("{:04o}", mode.bits())), target: None }
        }
        Row::Link { path, target } => EntryJson { path: path.clone(), mode: None, target: Some(target.clone()) },
    };
    part.files().map(|(row, _)| entry(row)).collect()
}
