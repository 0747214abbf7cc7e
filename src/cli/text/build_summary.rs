//! The words at the end of `build`: what it made, where, until when, and how to check it.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cli::text::changes::Detail;
use crate::cli::text::{bindings, comparison, fingerprint, gitignore, shell};
use crate::kubernetes::KeyId;
use crate::make::{Comparison, Made};
use crate::plan::{PlannedCertificate, Recipient};
use crate::x509::instant;

/// The paths to which a build writes.
pub(crate) struct Places {
    /// The path of the bundle.
    pub(crate) archive: PathBuf,
    /// The path of the bundle's signature.
    pub(crate) signature: PathBuf,
    /// The path of the signer's public key.
    pub(crate) public_key: PathBuf,
    /// The path of `install.sh`.
    pub(crate) script: PathBuf,
    /// The path of the signature of `install.sh`.
    pub(crate) script_signature: PathBuf,
    /// The path of the folder with slices, if they are wanted.
    pub(crate) slices: Option<PathBuf>,
    /// The path of the lock.
    pub(crate) lock: PathBuf,
}

/// Returns the text of what was made, where, until when, and how to check it. `new_seed` is the file of a new seed, and that of
/// `.gitignore` if it is new, too.
pub(crate) fn of_build(
    made: &Made<'_, File>,
    comparison: Option<&Comparison>,
    places: &Places,
    new_seed: Option<(&Path, Option<&Path>)>,
    detail: Detail,
) -> String {
    let plan = &made.plan;
    let mut text = format!("{}, generation {}, Kubernetes {}\n\n", plan.cluster, plan.generation, plan.kubernetes);
    let nodes = plan.recipients.iter().filter(|recipient| matches!(recipient, Recipient::Node(_))).count();
    let counts =
        format!("{} certificates, {} keys, {nodes} {}", plan.certificates.len(), plan.keys.len(), nodes_word(nodes));
    let mut row = |left: &Path, right: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}{}{right}", left.display(), if right.is_empty() { "" } else { "  " });
    };
    row(&places.archive, &counts);
    row(&places.signature, "");
    row(&places.public_key, "");
    row(&places.script, "for nodes without certferry");
    row(&places.script_signature, "");
    if let Some(slices) = &places.slices {
        row(slices, "a folder for each part, to be carried as it is: the slice, its signature, the key");
    }
    row(&places.lock, "for version control");
    if let Some((seed, ignored)) = new_seed {
        row(seed, "NEW: whoever has it can make every key. Keep two copies offline.");
        if let Some(ignored) = ignored {
            row(ignored, gitignore::KEEPS_OUT);
        }
    }
    text.push('\n');
    text += &validity(&plan.certificates);
    text += &fingerprint::signer(&made.signer.fingerprint());
    text += "         Write it on paper or into the change ticket: it must reach the nodes by another road.\n";
    let _ = writeln!(text, "content  sha256:{}", made.content_sha256);
    let _ = writeln!(
        text,
        "check    openssl dgst -sha256 -verify {} -signature {} {}",
        shell::word(&places.public_key),
        shell::word(&places.signature),
        shell::word(&places.archive)
    );
    for certificate in plan.break_glass() {
        let _ = writeln!(
            text,
            "\nBREAK-GLASS: {} may do everything until {}, and nothing but a new CA takes that back.",
            certificate.key,
            instant(certificate.validity.not_after)
        );
    }
    if !made.is_partial {
        text += &bindings::required(plan);
    }
    if let Some(comparison) = comparison {
        text += &comparison::render(comparison, detail);
    }
    text
}

fn nodes_word(count: usize) -> &'static str {
    if count == 1 { "node" } else { "nodes" }
}

fn validity(certificates: &[PlannedCertificate]) -> String {
    let from = certificates.iter().map(|certificate| certificate.validity.not_before).max();
    let first = certificates.iter().min_by_key(|certificate| certificate.validity.not_after);
    let first_node = certificates
        .iter()
        .filter(|certificate| matches!(certificate.key, KeyId::Node { .. }))
        .min_by_key(|certificate| certificate.validity.not_after);
    let mut text = String::new();
    if let (Some(from), Some(first)) = (from, first) {
        let _ = writeln!(
            text,
            "valid    from {}; the first to end is {} at {}",
            instant(from),
            first.key,
            instant(first.validity.not_after)
        );
        if let Some(node) = first_node.filter(|node| node.key != first.key) {
            let _ =
                writeln!(text, "         the first of a node is {} at {}", node.key, instant(node.validity.not_after));
        }
    }
    text
}
