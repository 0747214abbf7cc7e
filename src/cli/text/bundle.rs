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
    };
    let nodes = checked.parts.iter().filter(|part| **part != PartName::Cluster).count();
    let cluster = if checked.parts.contains(&PartName::Cluster) { " and the cluster's part" } else { "" };
    format!(
        "{}, generation {}, Kubernetes {}: {kind}, {nodes} {}{cluster}\n\
         {holds}\n\
         {}content  sha256:{}\n",
        head.cluster,
        head.generation,
        head.kubernetes,
        if nodes == 1 { "node" } else { "nodes" },
        fingerprint::signer(&checked.key.fingerprint()),
        checked.archive.content_sha256(),
    )
}

/// Returns the name of the part for a person.
pub(crate) fn called(part: &PartName) -> &str {
    part.node().unwrap_or("the cluster's part")
}
