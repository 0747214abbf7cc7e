//! Says what was changed since certferry installed it: the cause of much that follows.

use super::finding::Findings;
use crate::node::drift::{Change, ChangedCertificate, Drifted, Signer, Weight};
use crate::node::{Drift, NodeError};

/// What is known of the installed generation.
pub type Installed<'a> = Option<Result<&'a Drift, &'a NodeError>>;

/// Reports every file that is not as it was installed.
pub(super) fn check(installed: Installed<'_>, findings: &mut Findings) {
    let drift = match installed {
        None => return,
        Some(Ok(drift)) => drift,
        Some(Err(error)) => {
            return findings.unchecked(
                "etc/kubernetes/.certferry/installed",
                &format!("whether the files are as they were installed: {error}"),
            );
        }
    };
    let generation = drift.installed.generation.to_string();
    for Drifted { place, change, weight } in &drift.drifted {
        match (weight, told(change)) {
            (Weight::Accepted, _) => {}
            (Weight::Note, _) => findings.add("taken-away", place, &[]),
            // The owner of a copy is whoever copied it; modes have rules of their own.
            (Weight::Problem, None) => {}
            (Weight::Problem, Some(how)) => {
                let values = [("how", how.as_str()), ("generation", &generation)];
                findings.add("changed-since-install", place, &values);
            }
        }
    }
}

/// Returns what happened to a file, as the end of a sentence that begins with it.
fn told(change: &Change) -> Option<String> {
    let ends = |certificate: &ChangedCertificate| {
        let before = certificate.installed_not_after.map(|before| format!(" instead of {}", before.date()));
        format!("ends {}{}", certificate.not_after.date(), before.unwrap_or_default())
    };
    Some(match change {
        Change::Missing { .. } => "was deleted".to_owned(),
        Change::MissingFolder { files: 1 } => "was deleted, with the file in it,".to_owned(),
        Change::MissingFolder { files } => format!("was deleted, with {files} files,"),
        Change::Certificate(certificate) => match &certificate.signer {
            Signer::Installed => format!("was renewed, and {},", ends(certificate)),
            Signer::Changed { .. } | Signer::Other { .. } => {
                format!("was replaced by a certificate of another CA, which {},", ends(certificate))
            }
            Signer::Unchecked => format!("was replaced by another certificate, which {},", ends(certificate)),
        },
        Change::Authority { has_same_key: Some(true), .. } => "was renewed with its own key".to_owned(),
        Change::Authority { .. } => "was replaced by another CA".to_owned(),
        Change::Key { .. } => "was replaced by another key".to_owned(),
        Change::Content(_) => "was changed".to_owned(),
        Change::Target { .. } => "was made to lead elsewhere".to_owned(),
        Change::Kind(_) => "was replaced by something of another kind".to_owned(),
        Change::Access { .. } => return None,
    })
}
