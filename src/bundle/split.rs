//! Cuts one part out of a bundle, without a key and without compressing anything again.
//!
//! The slice proves itself, because its record is signed. Nothing is therefore verified or trusted here. Refused is only
//! what could not be a bundle at all, and a record that no reader would take, however it is signed.

use std::io::{self, BufRead, Read, Write};
use std::mem::replace;

use thiserror::Error;

use super::error::{BundleError, RecordError};
use super::gzip::Members;
use super::limits::FILE;
use super::name::folder;
use super::record::Record;
use super::tar::{BLOCK, raw_path, raw_size};
use crate::kubernetes::PartName;

/// Why a part could not be cut out.
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
    /// The source has no such part.
    #[error("there is no such part")]
    NoPart,
    /// The output did not accept the bytes.
    #[error("{0}")]
    Output(io::Error),
}

/// Writes a slice: the gzip member of `part` and the end member, both as they are in the bundle.
///
/// # Errors
///
/// Returns [`SplitError`]. Something may have been written by then.
pub fn split(source: impl BufRead, part: &PartName, output: impl Write) -> Result<(), SplitError> {
    let record = format!("/{}.json", folder(part));
    let mut members =
        Members::new(Copying { source, slice: Slice { output, member: MemberFate::Dropped, error: None } });
    let mut found = false;
    loop {
        members.source_mut().slice.member = MemberFate::Kept(Vec::new());
        members.begin().map_err(SplitError::Bundle)?;
        let mut first = [0; BLOCK];
        if members.read(&mut first).map_err(SplitError::Bundle)? != BLOCK {
            return Err(SplitError::Bundle(BundleError::MemberEnds { entry: String::new() }));
        }
        let is_end = first == [0; BLOCK];
        let path = raw_path(&first);
        // The record of a node is `<top>/nodes/<name>.json`, and the name of the top folder has no slash.
        let is_wanted = path.strip_suffix(&record).is_some_and(|top| !top.contains('/'));
        if is_wanted && found {
            return Err(SplitError::Bundle(BundleError::ExtraPart { found: path }));
        }
        found |= is_wanted;
        if is_wanted {
            check_record(&mut members, &first, path)?;
        }
        members.source_mut().slice.decide(is_wanted || (is_end && found));
        let drained = if is_end { read_end(&mut members) } else { drain(&mut members) };
        if let Some(error) = members.source_mut().slice.error.take() {
            return Err(SplitError::Output(error));
        }
        drained.map_err(SplitError::Bundle)?;
        if is_end {
            let output = &mut members.source_mut().slice.output;
            return if found { output.flush().map_err(SplitError::Output) } else { Err(SplitError::NoPart) };
        }
    }
}

/// Reads the record behind its header, and refuses one that is not valid.
fn check_record<R: BufRead>(members: &mut Members<R>, header: &[u8; BLOCK], entry: String) -> Result<(), SplitError> {
    let size = raw_size(header).filter(|size| *size <= FILE).and_then(|size| usize::try_from(size).ok());
    let Some(size) = size else { return Err(SplitError::Bundle(BundleError::Header { entry })) };
    let mut bytes = vec![0; size];
    if members.read(&mut bytes).map_err(SplitError::Bundle)? != size {
        return Err(SplitError::Bundle(BundleError::MemberEnds { entry }));
    }
    Record::read(&bytes).map(drop).map_err(|problem| SplitError::Record { entry, problem })
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
struct Copying<R, W> {
    source: R,
    slice: Slice<W>,
}

impl<R: BufRead, W: Write> Read for Copying<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.slice.pass(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl<R: BufRead, W: Write> BufRead for Copying<R, W> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffered) = self.source.fill_buf() {
            self.slice.pass(buffered.get(..amount).unwrap_or_default());
        }
        self.source.consume(amount);
    }
}

/// The output, and the member that is passed on to it.
struct Slice<W> {
    output: W,
    member: MemberFate,
    /// The error of the output, kept because it occurs where it cannot be returned.
    error: Option<io::Error>,
}

/// What becomes of the bytes of a member.
enum MemberFate {
    /// They are kept until it is known of which part the member is.
    Kept(Vec<u8>),
    Written,
    Dropped,
}

impl<W: Write> Slice<W> {
    /// Writes the member from its beginning on, or drops it.
    fn decide(&mut self, is_wanted: bool) {
        let decided = if is_wanted { MemberFate::Written } else { MemberFate::Dropped };
        if let MemberFate::Kept(kept) = replace(&mut self.member, decided) {
            self.pass(&kept);
        }
    }

    fn pass(&mut self, bytes: &[u8]) {
        match &mut self.member {
            MemberFate::Kept(kept) => kept.extend_from_slice(bytes),
            MemberFate::Written if self.error.is_none() => self.error = self.output.write_all(bytes).err(),
            MemberFate::Written | MemberFate::Dropped => {}
        }
    }
}
