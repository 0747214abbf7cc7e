//! What is in the envelopes of a sealed bundle, as a bundle again.
//!
//! A sealed bundle whose envelopes all open has the tar stream of the bundle that was sealed. So what opens is put
//! together as such: the member of the index, the member of each part, the member of the end. The reader of bundles
//! then checks it as it checks any other.

use std::io::{self, BufRead, Read};

use zeroize::Zeroizing;

use super::super::error::{BundleError, RecordError};
use super::super::gzip::{Compressor, Members};
use super::super::head::Head;
use super::super::hex::Sha256;
use super::super::limits::FILE;
use super::super::mode::Mode;
use super::super::part::Content;
use super::super::read::record_path;
use super::super::record::Record;
use super::super::split::{SplitError, part_of};
use super::super::tar::{BLOCK, END, Kind, header, padding, raw_path, raw_size};
use super::read::{SealedPart, SealedReader};
use crate::kubernetes::PartName;

/// Bytes as they are in the bundle: the parts of a sealed bundle that `open` opens, to be read with
/// [`Reader::open_sealed`](crate::bundle::Reader::open_sealed).
///
/// `open` returns the slice in an envelope, or `None` when it stays sealed. It must return no error but its own, or one
/// that the envelope gave.
pub struct OpenedParts<R, O> {
    sealed: SealedReader<R>,
    open: O,
    compressor: Compressor,
    member: Content,
    /// How much of the member was read, and where it ends.
    read: usize,
    end: usize,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    Index,
    Parts,
    Nothing,
}

impl<R, O> OpenedParts<R, O>
where
    R: BufRead,
    O: FnMut(&mut SealedPart<'_, R>) -> io::Result<Option<Content>>,
{
    /// Returns the parts of a sealed bundle of which none was read.
    pub fn new(sealed: SealedReader<R>, open: O) -> Self {
        let member = Content::default();
        Self { sealed, open, compressor: Compressor::default(), member, read: 0, end: 0, next: Next::Index }
    }

    fn next_member(&mut self) -> Result<(), BundleError> {
        // Before the next one is opened: either is as long as may be.
        self.member = Content::default();
        (self.read, self.end) = (0, 0);
        let member = match self.next {
            Next::Index => {
                self.next = Next::Parts;
                let tar = self.index_tar()?;
                Zeroizing::new(self.compressor.member(&tar)?)
            }
            Next::Parts => match self.next_slice()? {
                Some((slice, end)) => {
                    self.end = end;
                    self.member = slice;
                    return Ok(());
                }
                None => {
                    self.next = Next::Nothing;
                    Zeroizing::new(self.compressor.member(&END)?)
                }
            },
            Next::Nothing => Content::default(),
        };
        self.end = member.len();
        self.member = member;
        Ok(())
    }

    /// Returns the next slice that opens, and where its first member ends.
    fn next_slice(&mut self) -> Result<Option<(Content, usize)>, BundleError> {
        let top = self.sealed.index.head.top();
        loop {
            let Some(mut sealed) = self.sealed.next_part()? else { return Ok(None) };
            let Some(slice) = (self.open)(&mut sealed)? else { continue };
            let SealedPart { part, entry, .. } = sealed;
            let frame = Frame::read(&slice).and_then(|frame| match record_path(&top, &part) {
                expected if frame.path == expected => Ok(frame),
                expected => Err(BundleError::UnexpectedEntry { expected, found: frame.path }),
            });
            let frame = frame.map_err(|problem| BundleError::Slice { entry, problem: Box::new(problem) })?;
            return Ok(Some((slice, frame.end)));
        }
    }

    /// Returns the first member of the bundle, unpacked: the top folder, the index, its signature, `nodes`.
    ///
    /// The index is as long as any part: its bytes are not kept beside parts.
    fn index_tar(&mut self) -> Result<Vec<u8>, BundleError> {
        let (bytes, signature) = std::mem::take(&mut self.sealed.signed);
        let head = &self.sealed.index.head;
        let top = head.top();
        let file = |bytes: &[u8]| Kind::File { mode: Mode::Public, size: bytes.len() as u64 };
        let mut tar = Vec::new();
        let entries: [(String, Kind<'_>, &[u8]); 4] = [
            (format!("{top}/"), Kind::Folder, &[]),
            (format!("{top}/manifest.json"), file(&bytes), &bytes),
            (format!("{top}/manifest.json.sig"), file(&signature), &signature),
            (format!("{top}/nodes/"), Kind::Folder, &[]),
        ];
        for (path, kind, content) in entries {
            let header = header(&path, kind, head.mtime()).ok_or(BundleError::PathTooLong { path })?;
            tar.extend_from_slice(&header);
            tar.extend_from_slice(content);
            tar.resize(tar.len() + padding(content.len()), 0);
        }
        Ok(tar)
    }
}

impl<R, O> Read for OpenedParts<R, O>
where
    R: BufRead,
    O: FnMut(&mut SealedPart<'_, R>) -> io::Result<Option<Content>>,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.fill_buf()?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R, O> BufRead for OpenedParts<R, O>
where
    R: BufRead,
    O: FnMut(&mut SealedPart<'_, R>) -> io::Result<Option<Content>>,
{
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.end {
            self.next_member()?;
        }
        Ok(self.member.get(self.read..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.read = self.end.min(self.read + count);
    }
}

/// A slice that came out of an envelope. Nothing in it is verified: its record is signed, and whoever has the key sees.
#[derive(Debug)]
pub struct Slice {
    /// The part.
    pub part: PartName,
    /// The head of its record.
    pub head: Head,
    /// The SHA-256 of its record.
    pub record_sha256: Sha256,
}

impl Slice {
    /// Reads what a slice says of itself, and refuses what could not be one.
    ///
    /// # Errors
    ///
    /// Returns [`SplitError`] when it does not have the structure of a slice, or no reader would take its record.
    pub fn read(slice: &[u8]) -> Result<Self, SplitError> {
        let Frame { path, record, .. } = Frame::read(slice).map_err(SplitError::Bundle)?;
        let invalid = |problem: RecordError| SplitError::Record { entry: path.clone(), problem };
        let Record { head, owner, .. } = Record::read(&record).map_err(invalid)?;
        let part = owner.part();
        if record_path(&head.top(), &part) != path {
            let expected = record_path(&head.top(), &part);
            return Err(SplitError::Bundle(BundleError::UnexpectedEntry { expected, found: path }));
        }
        Ok(Self { part, head, record_sha256: Sha256::of(&record) })
    }
}

/// What holds a slice together: the path of its record, the record, and where the first of its two members ends.
struct Frame {
    path: String,
    record: Vec<u8>,
    end: usize,
}

impl Frame {
    fn read(slice: &[u8]) -> Result<Self, BundleError> {
        let mut members = Members::new(slice);
        members.begin()?;
        let mut first = [0; BLOCK];
        let ends = |entry: &str| BundleError::MemberEnds { entry: entry.to_owned() };
        if members.read(&mut first)? != BLOCK {
            return Err(ends(""));
        }
        let path = raw_path(&first);
        if part_of(&path).is_none() {
            return Err(BundleError::NotABundle { found: path });
        }
        let size = raw_size(&first).filter(|size| *size <= FILE).and_then(|size| usize::try_from(size).ok());
        let Some(size) = size else { return Err(BundleError::Header { entry: path }) };
        let mut record = vec![0; size];
        if members.read(&mut record)? != size {
            return Err(ends(&path));
        }
        members.skip()?;
        if !members.end()? {
            return Err(BundleError::Deflate);
        }
        let end = slice.len() - members.source_mut().len();
        let mut zeros = [1; END.len()];
        members.begin()?;
        if members.read(&mut zeros)? != END.len() || zeros != END || !members.end()? {
            return Err(BundleError::End);
        }
        if members.at_end()? { Ok(Self { path, record, end }) } else { Err(BundleError::TrailingBytes) }
    }
}
