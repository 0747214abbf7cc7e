//! Writes a bundle.
//!
//! The index comes first and names the digest of every record. The writer therefore makes every part twice: once to
//! describe it, once to write it. It holds only a few at a time, however many there are.

use std::borrow::Borrow;
use std::io::Write;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::error::WriteError;
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
use crate::kubernetes::PartName;
use crate::sign::Sign;

/// How many parts are compressed side by side. Meanwhile as many are written in order, and are in memory too. With
/// fewer, processors would wait for each other more often.
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

/// A bundle whose every part was made once. It is known that the bundle can be written, but nothing is signed.
pub struct Writer<F> {
    part: F,
    index: Index,
    index_bytes: Vec<u8>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The SHA-256 of the tar stream, which identifies the bundle.
    pub content_sha256: Sha256,
    /// The SHA-256 of the file.
    pub file_sha256: Sha256,
    /// The size of the file in bytes.
    pub size: u64,
}

impl<P, F> Writer<F>
where
    P: Borrow<Part>,
    F: Fn(usize) -> Result<P, WriteError> + Sync,
{
    /// Describes the parts `part(0)` to `part(count - 1)`, which must be in archive order: nodes bytewise by name, then
    /// the cluster.
    ///
    /// `part` is called twice for each number, from any thread, and must return the same part each time.
    ///
    /// # Errors
    ///
    /// Fails when a reader would refuse the bundle for its head, the order of its parts, paths too long for ustar, or
    /// sizes. Returns the error of `part` when it fails.
    pub fn prepare(description: Description, count: usize, part: F) -> Result<Self, WriteError> {
        let Description { head, partial, profile_sha256 } = description;
        let bundle = |problem| WriteError::Record { part: None, problem };
        head.check().map_err(bundle)?;
        let describe = |number| {
            let part = part(number)?;
            let (record, bytes) = record(&head, part.borrow())?;
            check_sizes(&record, &bytes)?;
            Ok((record.owner.part(), Sha256::of(&bytes)))
        };
        // All are collected before any is returned, so that of several errors the first is reported, not the fastest. A
        // thread takes few at a time, so that it has no long piece left when the others are done.
        let parts: Vec<Result<_, WriteError>> = (0..count).into_par_iter().with_max_len(32).map(describe).collect();
        let parts = parts.into_iter().collect::<Result<_, _>>()?;
        let index = Index { head, partial, profile_sha256, parts };
        index.check().map_err(bundle)?;
        let index_bytes = index.encode().map_err(WriteError::Output)?;
        within(None, index_bytes.len() as u64, INDEX)?;
        Ok(Self { part, index, index_bytes })
    }

    /// Returns the index: each part with the digest of its record.
    pub fn into_index(self) -> Index {
        self.index
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
    /// Fails when the key does not sign, when the output fails, and when a part is not the one that was described.
    pub fn write<W: Write + Send>(&self, sign: &Sign<'_>, output: W) -> Result<Written, WriteError> {
        let mut output = Output { inner: output, content: Context::new(&SHA256), file: Context::new(&SHA256), size: 0 };
        let compressor = Compressor::default();
        let member = |tar: Zeroizing<Vec<u8>>| {
            let gzip = compressor.member(&tar).map_err(WriteError::Output)?;
            Ok(PackedMember { tar, gzip })
        };
        let count = self.index.parts.len();
        let make = |start: usize| {
            let numbers = start..count.min(start + PARTS_AT_ONCE);
            numbers.into_par_iter().map(|number| member(self.nth(number, sign)?)).collect()
        };
        // The index of a large cluster takes one processor as long as a hundred parts do.
        let (first, mut ready) = rayon::join(|| member(self.first(sign)?), || make(0));
        output.member(&first?)?;
        for start in (PARTS_AT_ONCE..count).step_by(PARTS_AT_ONCE) {
            // The hashes cover everything in order. Only the disk waits for them.
            let (written, next) = rayon::join(|| output.members(ready), || make(start));
            written?;
            ready = next;
        }
        output.members(ready)?;
        output.member(&member(Zeroizing::new(END.to_vec()))?)?;
        output.inner.flush().map_err(WriteError::Output)?;
        Ok(Written {
            content_sha256: Sha256::from_ring(&output.content.finish()),
            file_sha256: Sha256::from_ring(&output.file.finish()),
            size: output.size,
        })
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

    /// Makes the member of one part: record, its signature, folders and files.
    fn nth(&self, number: usize, sign: &Sign<'_>) -> Result<Zeroizing<Vec<u8>>, WriteError> {
        let part = (self.part)(number)?;
        let part = part.borrow();
        let (record, bytes) = record(&self.index.head, part)?;
        let name = record.owner.part();
        if self.index.parts.get(number) != Some(&(name.clone(), Sha256::of(&bytes))) {
            return Err(WriteError::PartChanged { part: name });
        }
        let head = &record.head;
        let top = head.top();
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
        Ok(tar.bytes)
    }
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
struct Tar {
    mtime: u64,
    bytes: Zeroizing<Vec<u8>>,
}

impl Tar {
    /// `capacity` is the final size, because a buffer that grows would leave copies of keys behind.
    fn new(head: &Head, capacity: usize) -> Self {
        Self { mtime: head.mtime(), bytes: Zeroizing::new(Vec::with_capacity(capacity)) }
    }

    fn entry(&mut self, path: &str, kind: Kind<'_>, content: &[u8]) -> Result<(), WriteError> {
        let header = header(path, kind, self.mtime).ok_or_else(|| WriteError::PathTooLong { path: path.to_owned() })?;
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(content);
        let end = self.bytes.len() + padding(content.len());
        self.bytes.resize(end, 0);
        Ok(())
    }

    /// Adds a record or the index, and its signature.
    fn signed(&mut self, path: &str, content: &[u8], sign: &Sign<'_>) -> Result<(), WriteError> {
        let signature = sign(content).map_err(|_| WriteError::Signing { path: path.to_owned() })?;
        let kind = |bytes: &[u8]| Kind::File { mode: Mode::Public, size: bytes.len() as u64 };
        self.entry(path, kind(content), content)?;
        self.entry(&format!("{path}.sig"), kind(&signature), &signature)
    }
}

/// One gzip member, before and after compression.
struct PackedMember {
    tar: Zeroizing<Vec<u8>>,
    gzip: Vec<u8>,
}

/// Counts and hashes the bytes that it passes on.
struct Output<W> {
    inner: W,
    content: Context,
    file: Context,
    size: u64,
}

impl<W: Write> Output<W> {
    fn members(&mut self, members: Vec<Result<PackedMember, WriteError>>) -> Result<(), WriteError> {
        members.into_iter().try_for_each(|member| self.member(&member?))
    }

    fn member(&mut self, member: &PackedMember) -> Result<(), WriteError> {
        self.content.update(&member.tar);
        self.file.update(&member.gzip);
        self.size += member.gzip.len() as u64;
        self.inner.write_all(&member.gzip).map_err(WriteError::Output)
    }
}
