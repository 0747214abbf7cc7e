//! Writes a bundle.
//!
//! The index comes first and names the digest of every record, so the writer goes over the parts twice: once to
//! describe them, once to write them. It holds a few at a time, whatever their number.

use std::borrow::Borrow;
use std::io::Write;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::error::WriteError;
use super::files::Part;
use super::gzip::Compressor;
use super::head::Head;
use super::hex::Sha256;
use super::index::Index;
use super::limits::{FILE, INDEX, MEMBER};
use super::mode::Mode;
use super::name::folder;
use super::record::Record;
use super::tar::{BLOCK, END, Kind, header, padding, ustar_split};
use super::tree::{Entry, Row, entries};
use crate::kubernetes::PartName;
use crate::sign::Sign;

/// How many parts are compressed side by side; as many are held besides, which are written in order meanwhile. Fewer would
/// let processors wait for each other more often.
const CHUNK: usize = 128;

/// What a bundle says about itself, besides its parts.
#[derive(Clone, Debug)]
pub struct Description {
    /// The head of the index and of every record.
    pub head: Head,
    /// Whether the parts are a choice of the cluster's.
    pub partial: bool,
    /// SHA-256 of the profile's bytes.
    pub profile_sha256: Sha256,
}

/// A bundle whose every part has been looked at once: what will be written is known and possible, nothing is signed.
pub struct Writer<F> {
    part: F,
    index: Index,
    index_bytes: Vec<u8>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the tar stream: what names the bundle.
    pub content_sha256: Sha256,
    /// SHA-256 of the file.
    pub file_sha256: Sha256,
    /// Bytes of the file.
    pub size: u64,
}

impl<P, F> Writer<F>
where
    P: Borrow<Part>,
    F: Fn(usize) -> Result<P, WriteError> + Sync,
{
    /// Describes the parts `part(0)` to `part(count - 1)`, which are in archive order: nodes bytewise by name, then the
    /// cluster. `part` is called twice for each, from any thread, and makes or finds the same part each time.
    ///
    /// # Errors
    ///
    /// Whatever a reader would refuse: the head, the order of the parts, paths too long for ustar, sizes; and what
    /// `part` fails with.
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
        // Collected before it is looked through, so that of several errors the first is told, not the fastest.
        // Few at a time, so that no thread has a long piece left when the others are done.
        let parts: Vec<Result<_, WriteError>> = (0..count).into_par_iter().with_max_len(32).map(describe).collect();
        let parts = parts.into_iter().collect::<Result<_, _>>()?;
        let index = Index { head, partial, profile_sha256, parts };
        index.check().map_err(bundle)?;
        let index_bytes = index.encode().map_err(WriteError::Output)?;
        within(None, index_bytes.len() as u64, INDEX)?;
        Ok(Self { part, index, index_bytes })
    }

    /// The index that will be written: each part with the digest of its record.
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// SHA-256 of the index.
    pub fn index_sha256(&self) -> Sha256 {
        Sha256::of(&self.index_bytes)
    }

    /// The name of the bundle's file.
    pub fn file_name(&self) -> String {
        self.index.file_name(&self.index_sha256())
    }

    /// Writes the bundle.
    ///
    /// # Errors
    ///
    /// The key does not sign, the output fails, or a part is not the one that was described.
    pub fn write<W: Write + Send>(&self, sign: &Sign<'_>, output: W) -> Result<Written, WriteError> {
        let mut output = Output { inner: output, content: Context::new(&SHA256), file: Context::new(&SHA256), size: 0 };
        let compressor = Compressor::default();
        let member = |tar: Zeroizing<Vec<u8>>| {
            let gzip = compressor.member(&tar).map_err(WriteError::Output)?;
            Ok(Member { tar, gzip })
        };
        let count = self.index.parts.len();
        let make = |start: usize| {
            let numbers = start..count.min(start + CHUNK);
            numbers.into_par_iter().map(|number| member(self.nth(number, sign)?)).collect()
        };
        // The index of a large cluster keeps one processor busy for as long as a hundred parts.
        let (first, mut ready) = rayon::join(|| member(self.first(sign)?), || make(0));
        output.member(&first?)?;
        for start in (CHUNK..count).step_by(CHUNK) {
            // The hashes go over everything in order; nobody waits for them but the disk.
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

    /// Top folder, index, its signature, `nodes`.
    fn first(&self, sign: &Sign<'_>) -> Result<Zeroizing<Vec<u8>>, WriteError> {
        let top = self.index.head.top();
        let mut tar = Tar::new(&self.index.head, 8 * BLOCK + self.index_bytes.len());
        tar.entry(&format!("{top}/"), Kind::Folder, b"")?;
        tar.signed(&format!("{top}/manifest.json"), &self.index_bytes, sign)?;
        tar.entry(&format!("{top}/nodes/"), Kind::Folder, b"")?;
        Ok(tar.bytes)
    }

    /// Record, its signature, folders and files of one part.
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

/// Everything about a part that could be too long or too large.
fn check_sizes(record: &Record, bytes: &[u8]) -> Result<(), WriteError> {
    let (part, top) = (record.owner.part(), record.head.top());
    within(Some(&part), bytes.len() as u64, FILE)?;
    within(Some(&part), tar_size(record, bytes), MEMBER)?;
    let signature = format!("{top}/{}.json.sig", folder(&part));
    if ustar_split(&signature).is_none() {
        return Err(WriteError::PathTooLong { path: signature });
    }
    for (path, entry) in entries(&top, &part, &record.rows) {
        // A link's target is the name of a file beside it, so it is the path that is too long.
        if header(&path, entry.kind(), 0).is_none() {
            return Err(WriteError::PathTooLong { path });
        }
    }
    Ok(())
}

fn within(part: Option<&PartName>, size: u64, limit: u64) -> Result<(), WriteError> {
    if size > limit { Err(WriteError::TooLarge { part: part.cloned(), size, limit }) } else { Ok(()) }
}

/// Bytes of a part in the tar stream.
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

/// A tar stream in the making.
struct Tar {
    mtime: u64,
    bytes: Zeroizing<Vec<u8>>,
}

impl Tar {
    /// The capacity is the final size: growing would leave copies of keys behind.
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

    /// A record or the index, and its signature.
    fn signed(&mut self, path: &str, content: &[u8], sign: &Sign<'_>) -> Result<(), WriteError> {
        let signature = sign(content).map_err(|_| WriteError::Signing { path: path.to_owned() })?;
        let kind = |bytes: &[u8]| Kind::File { mode: Mode::Public, size: bytes.len() as u64 };
        self.entry(path, kind(content), content)?;
        self.entry(&format!("{path}.sig"), kind(&signature), &signature)
    }
}

/// One gzip member, before and after.
struct Member {
    tar: Zeroizing<Vec<u8>>,
    gzip: Vec<u8>,
}

/// Counts and hashes what it passes on.
struct Output<W> {
    inner: W,
    content: Context,
    file: Context,
    size: u64,
}

impl<W: Write> Output<W> {
    fn members(&mut self, members: Vec<Result<Member, WriteError>>) -> Result<(), WriteError> {
        members.into_iter().try_for_each(|member| self.member(&member?))
    }

    fn member(&mut self, member: &Member) -> Result<(), WriteError> {
        self.content.update(&member.tar);
        self.file.update(&member.gzip);
        self.size += member.gzip.len() as u64;
        self.inner.write_all(&member.gzip).map_err(WriteError::Output)
    }
}
