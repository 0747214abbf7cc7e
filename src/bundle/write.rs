//! Writes a bundle.
//!
//! The index comes first and names the digest of every record. The parts are therefore made before it, a few at a time
//! however many there are, and wait in a body until the index is known.

use std::borrow::Borrow;
use std::io::{Read, Seek, Write};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::gzip::Compressor;
use super::head::Head;
use super::hex::Sha256;
use super::index::Index;
use super::limits::{FILE, INDEX, MEMBER};
use super::mode::Mode;
use super::name::folder;
use super::part::Part;
use super::record::Record;
use super::rows::{Entry, Row, entries};
use super::tar::{BLOCK, END, Kind, header, padding, ustar_split};
use super::write_error::WriteError;
use crate::kubernetes::PartName;
use crate::sign::Sign;

/// How many parts are made side by side, and so are in memory. With fewer, processors would wait for each other more
/// often.
const PARTS_AT_ONCE: usize = 128;

/// What the caller says about a bundle, besides its parts.
#[derive(Clone, Debug)]
pub struct Description {
    /// The head of the index and of every record.
    pub head: Head,
    /// Whether the bundle holds only some of the cluster's parts.
    pub partial: bool,
    /// The SHA-256 of the profile's bytes.
    pub profile_sha256: Sha256,
}

/// A bundle to which parts are added.
pub struct Writer<B> {
    index: Index,
    compressor: Compressor,
    /// The compressed parts so far, one after the other.
    body: B,
}

/// A bundle that has all its parts. Only its index is not written yet.
pub struct Collected<B> {
    index: Index,
    index_bytes: Vec<u8>,
    compressor: Compressor,
    body: B,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The SHA-256 of the file.
    pub file_sha256: Sha256,
    /// The size of the file in bytes.
    pub size: u64,
}

impl<B: Write> Writer<B> {
    /// Returns a bundle without parts. Those that come wait in `body`, which must be empty, and as secret as the
    /// bundle.
    ///
    /// # Errors
    ///
    /// Fails when a reader would refuse the bundle for its head.
    pub fn new(description: Description, body: B) -> Result<Self, WriteError> {
        let Description { head, partial, profile_sha256 } = description;
        head.check().map_err(|problem| WriteError::Record { part: None, problem })?;
        let index = Index { head, partial, profile_sha256, parts: Vec::new() };
        Ok(Self { index, compressor: Compressor::default(), body })
    }

    /// Adds the parts `part(0)` to `part(count - 1)`, and signs them. All parts must come in archive order: nodes
    /// bytewise by name, then the cluster.
    ///
    /// `part` is called once for each number, from any thread.
    ///
    /// # Errors
    ///
    /// Fails when a reader would refuse the bundle for paths too long for ustar, or for sizes, when the key does not
    /// sign, and when the body fails. Returns the error of `part` when it fails.
    pub fn add<P: Borrow<Part>>(
        &mut self,
        count: usize,
        part: impl Fn(usize) -> Result<P, WriteError> + Sync,
        sign: &Sign<'_>,
    ) -> Result<(), WriteError> {
        for start in (0..count).step_by(PARTS_AT_ONCE) {
            let (head, compressor) = (&self.index.head, &self.compressor);
            let make = |number| {
                let (name, sha256, tar) = member(head, part(number)?.borrow(), sign)?;
                Ok((name, sha256, compressor.member(&tar).map_err(WriteError::Output)?))
            };
            // All are collected before any is written, so that of several errors the first is reported, not the
            // fastest.
            let numbers = start..count.min(start + PARTS_AT_ONCE);
            let made: Vec<Result<_, WriteError>> = numbers.into_par_iter().map(make).collect();
            for part in made {
                let (name, sha256, gzip) = part?;
                self.body.write_all(&gzip).map_err(WriteError::Output)?;
                self.index.parts.push((name, sha256));
            }
        }
        Ok(())
    }

    /// Returns the bundle with all its parts.
    ///
    /// # Errors
    ///
    /// Fails when a reader would refuse the index, for example for the order of the parts, and when the body fails.
    pub fn finish(self) -> Result<Collected<B>, WriteError> {
        let Self { index, compressor, mut body } = self;
        body.flush().map_err(WriteError::Output)?;
        index.check().map_err(|problem| WriteError::Record { part: None, problem })?;
        let index_bytes = index.encode().map_err(WriteError::Output)?;
        within(None, index_bytes.len() as u64, INDEX)?;
        Ok(Collected { index, index_bytes, compressor, body })
    }
}

impl<B: Read + Seek> Collected<B> {
    /// Returns the index: each part with the digest of its record.
    pub fn into_index(self) -> Index {
        self.index
    }

    /// Returns the bytes of the index, which are signed.
    pub fn index_bytes(&self) -> &[u8] {
        &self.index_bytes
    }

    /// Returns the SHA-256 of the index.
    pub fn index_sha256(&self) -> Sha256 {
        Sha256::of(&self.index_bytes)
    }

    /// Returns the name of the bundle's file.
    pub fn file_name(&self) -> String {
        self.index.file_name(&self.index_sha256())
    }

    /// Writes the bundle.
    ///
    /// # Errors
    ///
    /// Fails when the key does not sign, and when the body or the output fails.
    pub fn write(&mut self, sign: &Sign<'_>, output: impl Write) -> Result<Written, WriteError> {
        let first = self.first(sign)?;
        let mut output = Output::new(output);
        let copied = (|| {
            output.write_all(&self.compressor.member(&first)?)?;
            self.body.rewind()?;
            std::io::copy(&mut self.body, &mut output)?;
            output.write_all(&self.compressor.member(&END)?)?;
            output.flush()
        })();
        copied.map_err(WriteError::Output)?;
        Ok(output.written())
    }

    /// Makes the first member: top folder, index, its signature, `nodes`.
    fn first(&self, sign: &Sign<'_>) -> Result<Zeroizing<Vec<u8>>, WriteError> {
        let top = self.index.head.top();
        let mut tar = Tar::new(&self.index.head, 8 * BLOCK + self.index_bytes.len());
        tar.entry(&format!("{top}/"), Kind::Folder, b"")?;
        tar.signed(&format!("{top}/manifest.json"), &self.index_bytes, sign)?;
        tar.entry(&format!("{top}/nodes/"), Kind::Folder, b"")?;
        Ok(tar.bytes)
    }
}

/// Makes the member of one part: record, its signature, folders and files. Returns it with the name of the part and the
/// SHA-256 of the record.
fn member(head: &Head, part: &Part, sign: &Sign<'_>) -> Result<(PartName, Sha256, Zeroizing<Vec<u8>>), WriteError> {
    let (record, bytes) = record(head, part)?;
    check_sizes(&record, &bytes)?;
    let (name, top) = (record.owner.part(), head.top());
    let mut tar = Tar::new(head, tar_size(&record, &bytes) as usize);
    tar.signed(&format!("{top}/{}.json", folder(&name)), &bytes, sign)?;
    let mut contents = part.files().map(|(_, content)| content);
    for (path, entry) in entries(&top, &name, &record.rows) {
        let content = match entry {
            Entry::Folder => b"",
            Entry::Row(_) => contents.next().unwrap_or_default(),
        };
        tar.entry(&path, entry.kind(), content)?;
    }
    Ok((name, Sha256::of(&bytes), tar.bytes))
}

fn record(head: &Head, part: &Part) -> Result<(Record, Vec<u8>), WriteError> {
    let record = Record { head: head.clone(), owner: part.owner().clone(), rows: part.rows().to_vec() };
    let bytes = record.encode().map_err(WriteError::Output)?;
    Ok((record, bytes))
}

/// Refuses a part in which anything is too long or too large.
fn check_sizes(record: &Record, bytes: &[u8]) -> Result<(), WriteError> {
    let (part, top) = (record.owner.part(), record.head.top());
    within(Some(&part), bytes.len() as u64, FILE)?;
    within(Some(&part), tar_size(record, bytes), MEMBER)?;
    let signature = format!("{top}/{}.json.sig", folder(&part));
    if ustar_split(&signature).is_none() {
        return Err(WriteError::PathTooLong { path: signature });
    }
    for (path, entry) in entries(&top, &part, &record.rows) {
        // The target of a link is the name of a file beside it, so it must be the path that is too long.
        if header(&path, entry.kind(), 0).is_none() {
            return Err(WriteError::PathTooLong { path });
        }
    }
    Ok(())
}

fn within(part: Option<&PartName>, size: u64, limit: u64) -> Result<(), WriteError> {
    if size > limit { Err(WriteError::TooLarge { part: part.cloned(), size, limit }) } else { Ok(()) }
}

/// Returns how many bytes of the tar stream a part takes.
fn tar_size(record: &Record, bytes: &[u8]) -> u64 {
    let padded = |size: u64| size.next_multiple_of(BLOCK as u64);
    let files = record.rows.iter().map(|row| match row {
        Row::File { size, .. } => padded(*size),
        Row::Link { .. } => 0,
    });
    let entries = entries("", &record.owner.part(), &record.rows).len() + 2;
    // A signature fits into one block.
    (entries + 1) as u64 * BLOCK as u64 + padded(bytes.len() as u64) + files.sum::<u64>()
}

/// A tar stream that is being made.
pub(super) struct Tar {
    mtime: u64,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl Tar {
    /// `capacity` is the final size, because a buffer that grows would leave copies of keys behind.
    pub(super) fn new(head: &Head, capacity: usize) -> Self {
        Self { mtime: head.mtime(), bytes: Zeroizing::new(Vec::with_capacity(capacity)) }
    }

    /// Adds an entry of any kind.
    pub(super) fn entry(&mut self, path: &str, kind: Kind<'_>, content: &[u8]) -> Result<(), WriteError> {
        let header = header(path, kind, self.mtime).ok_or_else(|| WriteError::PathTooLong { path: path.to_owned() })?;
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(content);
        let end = self.bytes.len() + padding(content.len());
        self.bytes.resize(end, 0);
        Ok(())
    }

    /// Adds a record or the index, and its signature.
    fn signed(&mut self, path: &str, content: &[u8], sign: &Sign<'_>) -> Result<(), WriteError> {
        let failed = |error| WriteError::Signing { path: path.to_owned(), error };
        let signature = sign(path, content).map_err(failed)?;
        let kind = |bytes: &[u8]| Kind::File { mode: Mode::Public, size: bytes.len() as u64 };
        self.entry(path, kind(content), content)?;
        self.entry(&format!("{path}.sig"), kind(&signature), &signature)
    }
}

/// Counts and hashes the bytes that it passes on.
pub(super) struct Output<W> {
    inner: W,
    file: Context,
    size: u64,
}

impl<W> Output<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, file: Context::new(&SHA256), size: 0 }
    }

    /// Returns what was written.
    pub(super) fn written(self) -> Written {
        Written { file_sha256: Sha256::from_ring(&self.file.finish()), size: self.size }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.file.update(bytes.get(..length).unwrap_or_default());
        self.size += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
