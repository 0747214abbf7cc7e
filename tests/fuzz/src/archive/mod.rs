//! Archives: a script changes a good one, which is then signed again with the right key.
//!
//! Without that, a signature would refuse everything, and nothing behind it would ever run.

mod entries;
mod good;
mod script;

use std::collections::BTreeSet;
use std::io;
use std::sync::{LazyLock, Mutex, PoisonError};

use certferry::bundle::{
    ArchiveKind, BundleError, Content, File, Head, Part, Reader, Row, Sha256, Slices, VerifiedPart, split,
};
use certferry::kubernetes::PartName;
use certferry::verify::{AlreadyVerified, check_bundle};
use time::OffsetDateTime;
use time::macros::datetime;

use good::GOOD;

/// When the good archive is valid.
const AT: OffsetDateTime = datetime!(2026-11-23 00:00 UTC);

/// What the reader takes is, byte for byte, what the writer would have written.
pub fn run(script: &[u8]) {
    is_taken(script);
}

/// The same, and whether it was taken.
pub fn is_taken(script: &[u8]) -> bool {
    let archive = script::apply(&GOOD, script);
    let taken = read(&archive);
    // Every command reads a bundle so, in batches and side by side.
    let checked = check_bundle(&*archive, &GOOD.key, AT, None, &AlreadyVerified::default());
    match (&taken, &checked) {
        (Ok(taken), Ok(checked)) => assert_eq!(taken.content_sha256, checked.archive.content_sha256()),
        (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
        (_, checked) => panic!("taken by one, refused by the other: {:?}", checked.as_ref().err()),
    }
    if let Ok(taken) = &taken
        && is_new(taken.content_sha256)
    {
        let written = taken.written_again();
        assert_eq!(written, taken.content_sha256, "taken, but not what the writer writes");
    }
    // Cutting needs no key and believes nothing; a part of what is right is right.
    let slice = cut(&archive, PartName::Node("cp-1".to_owned()));
    if let (Ok(Taken { kind: ArchiveKind::Whole | ArchiveKind::Partial, .. }), Some(slice)) = (&taken, slice) {
        assert!(read(&slice).is_ok_and(|slice| slice.kind == ArchiveKind::Slice));
    }
    taken.is_ok()
}

/// A slice in memory.
struct Slice {
    part: PartName,
    bytes: Vec<u8>,
}

impl Slices for Slice {
    fn wants(&self, part: &PartName) -> bool {
        *part == self.part
    }

    fn begin(&mut self, _: &PartName, _: &Head) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &PartName, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

fn cut(archive: &[u8], part: PartName) -> Option<Vec<u8>> {
    let mut slice = Slice { part, bytes: Vec::new() };
    let found = split(archive, &mut slice).ok()?;
    (!found.is_empty()).then_some(slice.bytes)
}

/// Whether this content comes for the first time: writing it again takes longer than all the rest.
fn is_new(content: Sha256) -> bool {
    static SEEN: LazyLock<Mutex<BTreeSet<Sha256>>> = LazyLock::new(Mutex::default);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.len() > 100_000 {
        seen.clear();
    }
    seen.insert(content)
}

/// What the reader gave out, and its last word.
struct Taken {
    index: Option<(bool, Sha256)>,
    parts: Vec<VerifiedPart>,
    kind: ArchiveKind,
    content_sha256: Sha256,
}

fn read(archive: &[u8]) -> Result<Taken, BundleError> {
    let mut reader = Reader::open(archive, &GOOD.key)?;
    let index = reader.index().map(|index| (index.index().partial, index.index().profile_sha256));
    let mut parts = Vec::new();
    while let Some(part) = reader.next_part()? {
        for (row, content) in part.files() {
            super::record::assert_inside(row.path());
            if let Row::File { sha256, size, .. } = row {
                assert!(*sha256 == Sha256::of(content) && *size == content.len() as u64, "{}", row.path());
            }
        }
        parts.push(part);
    }
    let archive = reader.finish()?;
    assert_eq!(archive.parts(), parts.len());
    Ok(Taken { index, parts, kind: archive.kind(), content_sha256: archive.content_sha256() })
}

impl Taken {
    /// Writes the same parts anew; returns the digest of the tar stream.
    fn written_again(&self) -> Sha256 {
        let head = self.parts[0].record().head.clone();
        let parts: Vec<Part> = self.parts.iter().map(part).collect();
        let (partial, profile_sha256) = self.index.unwrap_or((true, Sha256::of(b"")));
        let written = good::write(head, partial, profile_sha256, &parts);
        if self.index.is_some() {
            return good::content_sha256(&written);
        }
        let slice = cut(&written, self.parts[0].record().owner.part());
        good::content_sha256(&slice.expect("the writer's own bundle can be cut"))
    }
}

fn part(read: &VerifiedPart) -> Part {
    let files = read.files().map(|(row, content)| match row {
        Row::File { path, mode, .. } => {
            File::Regular { path: path.clone(), mode: *mode, content: Content::new(content.to_vec()) }
        }
        Row::Link { path, target } => File::Link { path: path.clone(), target: target.clone() },
    });
    match Part::new(read.record().owner.clone(), files.collect()) {
        Ok(part) => part,
        Err(error) => panic!("taken, but not possible: {error:?}"),
    }
}
