//! Cuts parts out of a bundle, without a key and without compressing anything again.
//!
//! Each slice proves itself, because its record is signed. Nothing is therefore verified or trusted here. Refused is
//! only what could not be a bundle at all, and a record that no reader would take, however it is signed.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};
use std::mem::replace;

use thiserror::Error;

use super::error::{BundleError, RecordError};
use super::gzip::Members;
use super::head::Head;
use super::limits::FILE;
use super::record::Record;
use super::tar::{BLOCK, raw_path, raw_size};
use crate::kubernetes::{PartName, is_subdomain};

/// Why parts could not be cut out.
#[derive(Debug, Error)]
pub enum SplitError {
    /// The source does not have the structure of a bundle.
    #[error("{0}")]
    Bundle(BundleError),
    /// The part's record is not valid. Its signature was not looked at.
    #[error("{entry} is not valid: {problem}")]
    Record {
        /// The path of the record.
        entry: String,
        /// The reason.
        problem: RecordError,
    },
    /// An output did not accept the bytes.
    #[error("{error}")]
    Output {
        /// The part whose slice it is.
        part: PartName,
        /// The reason.
        error: io::Error,
    },
}

/// Where slices go.
pub trait Slices {
    /// Returns whether the slice of this part is wanted.
    fn wants(&self, part: &PartName) -> bool;

    /// Begins the slice of a part, whose record has this head. Its signature was not looked at.
    ///
    /// # Errors
    /// Fails when the slice cannot be written.
    fn begin(&mut self, part: &PartName, head: &Head) -> io::Result<()>;

    /// Writes the next bytes of a part's slice. The last bytes of all slices come at the end, so that another part's
    /// may come in between.
    ///
    /// # Errors
    /// Fails when the bytes cannot be written.
    fn write(&mut self, part: &PartName, bytes: &[u8]) -> io::Result<()>;

    /// Writes the last bytes of every slice, which are the same: the gzip member with the end of the archive. `parts`
    /// are those whose slices were begun.
    ///
    /// # Errors
    /// Fails when the bytes cannot be written, with the part whose slice it is.
    fn end(&mut self, parts: &BTreeSet<PartName>, member: &[u8]) -> Result<(), SplitError> {
        parts.iter().try_for_each(|part| {
            self.write(part, member).map_err(|error| SplitError::Output { part: part.clone(), error })
        })
    }
}

/// Writes the wanted slices: the gzip member of each part and the end member, all as they are in the bundle. Returns
/// the parts whose slices were written.
///
/// # Errors
///
/// Returns [`SplitError`]. Something may have been written by then.
pub fn split<S: Slices>(source: impl BufRead, slices: &mut S) -> Result<BTreeSet<PartName>, SplitError> {
    let passing = Passing { slices, member: Member::Dropped, error: None };
    let mut members = Members::new(Copying { source, passing });
    let mut found = BTreeSet::new();
    loop {
        members.source_mut().passing.member = Member::Kept(Vec::new());
        members.begin().map_err(SplitError::Bundle)?;
        let mut first = [0; BLOCK];
        if members.read(&mut first).map_err(SplitError::Bundle)? != BLOCK {
            return Err(SplitError::Bundle(BundleError::MemberEnds { entry: String::new() }));
        }
        if first == [0; BLOCK] {
            read_end(&mut members).map_err(SplitError::Bundle)?;
            return members.source_mut().passing.end(found);
        }
        let path = raw_path(&first);
        let wanted = part_of(&path).filter(|part| members.source_mut().passing.slices.wants(part));
        if let Some(part) = &wanted {
            if found.contains(part) {
                return Err(SplitError::Bundle(BundleError::ExtraPart { found: path }));
            }
            let record = read_record(&mut members, &first, path)?;
            let begun = members.source_mut().passing.slices.begin(part, &record.head);
            begun.map_err(|error| SplitError::Output { part: part.clone(), error })?;
            found.insert(part.clone());
        }
        members.source_mut().passing.decide(wanted);
        let drained = drain(&mut members);
        members.source_mut().passing.result()?;
        drained.map_err(SplitError::Bundle)?;
    }
}

/// Returns the part whose record has this path in the archive: `<top>/nodes/<name>.json` or `<top>/cluster.json`.
pub(super) fn part_of(path: &str) -> Option<PartName> {
    match path.split_once('/')?.1.strip_suffix(".json")?.split_once('/') {
        Some(("nodes", name)) => is_subdomain(name).then(|| PartName::Node(name.to_owned())),
        Some(_) => None,
        None => path.ends_with("/cluster.json").then_some(PartName::Cluster),
    }
}

/// Reads the record behind its header, and refuses one that is not valid.
fn read_record<R: BufRead>(
    members: &mut Members<R>,
    header: &[u8; BLOCK],
    entry: String,
) -> Result<Record, SplitError> {
    let size = raw_size(header).filter(|size| *size <= FILE).and_then(|size| usize::try_from(size).ok());
    let Some(size) = size else { return Err(SplitError::Bundle(BundleError::Header { entry })) };
    let mut bytes = vec![0; size];
    if members.read(&mut bytes).map_err(SplitError::Bundle)? != size {
        return Err(SplitError::Bundle(BundleError::MemberEnds { entry }));
    }
    Record::read(&bytes).map_err(|problem| SplitError::Record { entry, problem })
}

fn drain<R: BufRead>(members: &mut Members<R>) -> Result<(), BundleError> {
    members.skip()?;
    match members.end()? {
        true => Ok(()),
        false => Err(BundleError::Deflate),
    }
}

/// Reads the second of two zero blocks, after which nothing may follow.
fn read_end<R: BufRead>(members: &mut Members<R>) -> Result<(), BundleError> {
    let mut second = [1; BLOCK];
    if members.read(&mut second)? != BLOCK || second != [0; BLOCK] || !members.end()? {
        return Err(BundleError::End);
    }
    if members.at_end()? { Ok(()) } else { Err(BundleError::TrailingBytes) }
}

/// A source that passes on the bytes that are consumed.
struct Copying<'a, R, S> {
    source: R,
    passing: Passing<'a, S>,
}

impl<R: BufRead, S: Slices> Read for Copying<'_, R, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.passing.pass(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl<R: BufRead, S: Slices> BufRead for Copying<'_, R, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffered) = self.source.fill_buf() {
            self.passing.pass(buffered.get(..amount).unwrap_or_default());
        }
        self.source.consume(amount);
    }
}

/// The slices, and the member that is passed on.
struct Passing<'a, S> {
    slices: &'a mut S,
    member: Member,
    /// The error of an output, kept because it occurs where it cannot be returned.
    error: Option<SplitError>,
}

/// What becomes of the bytes of a member.
enum Member {
    /// They are kept until it is known of which part the member is.
    Kept(Vec<u8>),
    /// They go to the slice of this part.
    Written(PartName),
    Dropped,
}

impl<S: Slices> Passing<'_, S> {
    /// Writes the member to the slice of a part from its beginning on, or drops it.
    fn decide(&mut self, wanted: Option<PartName>) {
        let decided = wanted.map_or(Member::Dropped, Member::Written);
        if let Member::Kept(kept) = replace(&mut self.member, decided) {
            self.pass(&kept);
        }
    }

    fn pass(&mut self, bytes: &[u8]) {
        match &mut self.member {
            Member::Kept(kept) => kept.extend_from_slice(bytes),
            Member::Written(part) if self.error.is_none() => {
                let written = self.slices.write(part, bytes);
                self.error = written.err().map(|error| SplitError::Output { part: part.clone(), error });
            }
            Member::Written(_) | Member::Dropped => {}
        }
    }

    fn result(&mut self) -> Result<(), SplitError> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// Passes the end member on, which is what was kept last.
    fn end(&mut self, found: BTreeSet<PartName>) -> Result<BTreeSet<PartName>, SplitError> {
        let Member::Kept(end) = replace(&mut self.member, Member::Dropped) else { return Ok(found) };
        self.slices.end(&found, &end)?;
        Ok(found)
    }
}
