//! The words for a bundle and its parts.

use crate::bundle::ArchiveKind;
use crate::cli::text::fingerprint;
use crate::kubernetes::PartName;
use crate::verify::CheckedBundle;

/// Returns the text of what was verified, for `verify` and `unpack`. `holds` says how much of it holds.
pub(crate) fn summary(checked: &CheckedBundle, holds: &str) -> String {
    let head = &checked.head;
    let kind = match checked.archive.kind() {
        ArchiveKind::Whole => "the whole bundle",
        ArchiveKind::Partial => "a partial bundle",
        ArchiveKind::Slice => "a slice",
        ArchiveKind::Opened => "of a sealed bundle",
    };
    let parts = counted(&checked.parts);
    let content = match checked.archive.kind() {
        // Of all its parts, which are not there.
        ArchiveKind::Opened => String::new(),
        _ => format!("content  sha256:{}\n", checked.archive.content_sha256()),
    };
    format!(
        "{}, generation {}, Kubernetes {}: {kind}, {parts}\n\
         {holds}\n\
         {}{content}",
        head.cluster,
        head.generation,
        head.kubernetes,
        fingerprint::signer(&checked.key.fingerprint()),
    )
}

/// Returns how many nodes there are among parts, and whether the cluster's part is.
pub(crate) fn counted(parts: &[PartName]) -> String {
    let nodes = parts.iter().filter(|part| **part != PartName::Cluster).count();
    let cluster = parts.contains(&PartName::Cluster);
    let nodes = format!("{nodes} {}", if nodes == 1 { "node" } else { "nodes" });
    if cluster { format!("{nodes} and the cluster's part") } else { nodes }
}

/// Returns the name of the part for a person.
pub(crate) fn called(part: &PartName) -> &str {
    part.node().unwrap_or("the cluster's part")
}
