//! The words at the end of `build`: what it made, where, until when, and how to check it.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cli::text::comparison;
use crate::cli::text::shell;
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
    /// The path of the lock.
    pub(crate) lock: PathBuf,
}

/// Returns the text of what was made, where, until when, and how to check it.
pub(crate) fn of_build(
    made: &Made<'_, File>,
    comparison: Option<&Comparison>,
    places: &Places,
    new_seed: Option<&Path>,
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
    row(&places.lock, "for version control");
    if let Some(seed) = new_seed {
        row(seed, "NEW: whoever has it can make every key. Keep two copies offline.");
    }
    text.push('\n');
    text += &validity(&plan.certificates);
    let _ = writeln!(text, "signer   {}", made.signer.fingerprint());
    text += "         Write it on paper or into the change ticket: it must reach the nodes by another road.\n";
    let _ = writeln!(text, "content  sha256:{}", made.content_sha256);
    let _ = writeln!(
        text,
        "check    openssl dgst -sha256 -verify {} -signature {} {}",
        shell::word(&places.public_key),
        shell::word(&places.signature),
        shell::word(&places.archive)
    );
    for certificate in plan.certificates.iter().filter(|certificate| certificate.is_break_glass()) {
        let _ = writeln!(
            text,
            "\nBREAK-GLASS: {} may do everything until {}, and nothing but a new CA takes that back.",
            certificate.key,
            instant(certificate.validity.not_after)
        );
    }
    for binding in plan.required_bindings.iter().filter(|_| !made.is_partial) {
        let _ = writeln!(
            text,
            "\nKubernetes {} needs the ClusterRoleBinding {} ({} {} to ClusterRole {}): without it\n{}. \
             `kubeadm init` and `kubeadm upgrade apply` create it; without kubeadm, apply manifests/kubeadm-rbac.yaml \
             of\nthe part `cluster` with super-admin.conf, for admin.conf may not yet; or run once, with super-admin.conf:\n  kubectl create clusterrolebinding {} --clusterrole={} --{}={}",
            plan.kubernetes,
            binding.name,
            binding.subject_kind,
            binding.subject,
            binding.cluster_role,
            binding.without,
            binding.name,
            binding.cluster_role,
            binding.subject_kind.to_lowercase(),
            binding.subject,
        );
    }
    if let Some(comparison) = comparison {
        text += &comparison::render(comparison);
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
