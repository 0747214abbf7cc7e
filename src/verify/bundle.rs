//! Reads a whole bundle and judges it.

use std::io::BufRead;

use time::OffsetDateTime;

use super::{AlreadyVerified, CheckedPart, File, Finding, Origin, Part, SharedFiles, check_part, claims_of_part};
use crate::bundle::{BundleError, Head, PartOwner, Reader, Row, VerifiedArchive, VerifiedPart};
use crate::kubernetes::PartName;
use crate::lint::NodeFacts;
use crate::sign::PublicKey;

/// A bundle in which every signature, record and hash holds.
pub struct CheckedBundle {
    /// The key that signed the bundle.
    pub key: PublicKey,
    /// The facts about the cluster and the build that every part repeats.
    pub head: Head,
    /// The kind of the archive, and the digest of its content.
    pub archive: VerifiedArchive,
    /// The names of the parts, in the order of the archive.
    pub parts: Vec<PartName>,
    /// The names of the parts of a sealed bundle that were not opened. Nothing is known of them.
    pub sealed: Vec<PartName>,
    /// Everything that is wrong with the certificates of the wanted part, or of all parts when none is wanted, and
    /// every file in which parts disagree.
    pub findings: Vec<Finding>,
    /// The wanted part, or `None` when none is wanted or the archive has no such part.
    pub wanted: Option<VerifiedPart>,
}

/// The size of files in bytes at which a batch of parts is checked (about 100 workers).
const BATCH: usize = 1 << 20;

/// Reads a bundle to its end and checks every signature, record and hash.
///
/// Then it checks chains, key pairs and rules at the time `at`. When a part is wanted, it checks and keeps only that
/// part, so that a node does not wait for certificates that it never sees. Otherwise it checks all parts. Files that
/// must be the same everywhere are compared across all parts in either case.
///
/// # Errors
/// Fails when the bundle is not what the holder of the key wrote. Faults of certificates are findings, not errors.
pub fn check_bundle(
    source: impl BufRead + Send,
    key: &PublicKey,
    at: OffsetDateTime,
    wanted: Option<&PartName>,
    known: &AlreadyVerified,
) -> Result<CheckedBundle, BundleError> {
    check_reader(Reader::open(source, key)?, key, at, wanted, known)
}

/// Reads a bundle to its end like [`check_bundle`], from its reader, which has this key.
///
/// # Errors
/// Fails like [`check_bundle`].
pub fn check_reader(
    mut reader: Reader<'_, impl BufRead + Send>,
    key: &PublicKey,
    at: OffsetDateTime,
    wanted: Option<&PartName>,
    known: &AlreadyVerified,
) -> Result<CheckedBundle, BundleError> {
    let mut head = reader.index().map(|index| index.index().head.clone());
    let (mut parts, mut findings, mut kept) = (Vec::new(), Vec::new(), None);
    let mut shared = SharedFiles::default();
    let judge = |part: &VerifiedPart| check(part, at, wanted, known);
    reader.each_part(BATCH, judge, |part, checked| {
        findings.extend(shared.hold(checked));
        let name = part.record().owner.part();
        head.get_or_insert_with(|| part.record().head.clone());
        if wanted == Some(&name) {
            kept = Some(part);
        }
        parts.push(name);
    })?;
    let all = reader.index().map(|index| index.index().parts.iter().map(|(part, _)| part)).into_iter().flatten();
    let sealed = all.filter(|part| parts.binary_search(part).is_err()).cloned().collect();
    let archive = reader.finish()?;
    // The reader refuses an archive with neither an index nor a part.
    let head = head.ok_or(BundleError::MissingPart { part: None })?;
    Ok(CheckedBundle { key: key.clone(), head, archive, parts, sealed, findings, wanted: kept })
}

/// Returns what is wrong with a part by itself, if it is wanted, and in any case its claims about files that other
/// parts have as well.
fn check(part: &VerifiedPart, at: OffsetDateTime, wanted: Option<&PartName>, known: &AlreadyVerified) -> CheckedPart {
    let record = part.record();
    let files = part.files().filter_map(|(row, content)| match row {
        Row::File { path, mode, .. } => Some((path.as_str(), File { mode: mode.bits(), content })),
        Row::Link { .. } => None,
    });
    let node = match &record.owner {
        PartOwner::Node(node) => Some(NodeFacts { name: &node.name, addresses: &node.addresses }),
        PartOwner::Cluster => None,
    };
    let name = record.owner.part();
    let is_wanted = wanted.is_none_or(|wanted| *wanted == name);
    let part = Part {
        name: &name.to_string(),
        files: files.collect(),
        links: record.rows.iter().filter(|row| matches!(row, Row::Link { .. })).map(Row::path).collect(),
        node,
        phase: record.head.phase.as_ref(),
        origin: Origin::Bundle { issued_at: record.head.issued_at.midnight().assume_utc() },
    };
    if is_wanted { check_part(&part, at, known) } else { claims_of_part(&part) }
}
