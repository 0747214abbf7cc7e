//! A whole bundle, read and judged.

use std::io::BufRead;

use time::OffsetDateTime;

use super::{AlreadyVerified, CheckedPart, File, Finding, Origin, Part, SharedFiles, check_part, claims_of_part};
use crate::bundle::{BundleError, Head, PartOwner, Reader, Row, VerifiedArchive, VerifiedPart};
use crate::kubernetes::PartName;
use crate::lint::NodeFacts;
use crate::sign::PublicKey;

/// A bundle whose every signature, record and hash holds.
pub struct CheckedBundle {
    /// The key that signed it.
    pub key: PublicKey,
    /// What every part says of the cluster and of this build.
    pub head: Head,
    /// What kind of archive it is, and the digest of its content.
    pub archive: VerifiedArchive,
    /// Its parts, in the order of the archive.
    pub parts: Vec<PartName>,
    /// What is wrong with the certificates of the part that was asked for, or else of all, at the time asked for.
    pub findings: Vec<Finding>,
    /// The part that was asked for.
    pub wanted: Option<VerifiedPart>,
}

/// A batch of parts is checked once its files have this many bytes (about 100 workers).
const BATCH: usize = 1 << 20;

/// Reads a bundle to its end and checks every signature, record and hash. Then it checks chains, key pairs and rules at
/// the time `at`: of the part that is wanted, which it keeps, or else of all parts. A node does not wait for
/// certificates that it never sees.
///
/// # Errors
/// Everything that makes a bundle another than the holder of the key wrote. What is wrong with certificates in it is no
/// error but a finding.
pub fn check_bundle(
    source: impl BufRead + Send,
    key: &PublicKey,
    at: OffsetDateTime,
    wanted: Option<&PartName>,
    known: &AlreadyVerified,
) -> Result<CheckedBundle, BundleError> {
    let mut reader = Reader::open(source, key)?;
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
    let archive = reader.finish()?;
    // Without an index there is a part, or the reader would have refused.
    let head = head.ok_or(BundleError::MissingPart { part: None })?;
    Ok(CheckedBundle { key: key.clone(), head, archive, parts, findings, wanted: kept })
}

/// What is wrong with the certificates of a part by itself, if it is wanted; what others must agree with in any case.
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
        origin: Origin::Bundle { issued_at: record.head.issued_at.midnight().assume_utc() },
    };
    if is_wanted { check_part(&part, at, known) } else { claims_of_part(&part) }
}
