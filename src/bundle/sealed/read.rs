//! Reads a sealed bundle: the index in the clear, and behind it each part's slice in an envelope of its own.
//!
//! What an envelope is, and who opens it, is not known here. As in a bundle, the path and the size in two headers are
//! used before the index is proved, and nothing else; then each header is encoded and compared. Of the headers to come
//! only the sizes are not known before, and a size is limited before anything is read by it.

use std::io::{self, BufRead, Read};

use super::super::error::BundleError;
use super::super::gzip::fill;
use super::super::hex::Sha256;
use super::super::index::Index;
use super::super::limits::{INDEX, SEALED, SIGNATURE};
use super::super::mode::Mode;
use super::super::name::folder;
use super::super::read::compare;
use super::super::tar::{BLOCK, Kind, padding, raw_path, raw_size};
use super::name::entry_path;
use crate::kubernetes::PartName;
use crate::sign::PublicKey;

/// Reads the envelopes of a sealed bundle one after the other.
pub struct SealedReader<R> {
    source: R,
    pub(super) index: Index,
    /// The bytes of the index and of its signature.
    pub(super) signed: (Vec<u8>, Vec<u8>),
    /// The number of envelopes that were begun.
    read: usize,
    /// What is left of the envelope that was begun: its bytes, and the zeros behind them.
    left: u64,
    zeros: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Ended,
    /// An error occurred. Nothing further can be trusted.
    Failed,
}

/// The envelope of one part, to be read. What is not read is passed over.
pub struct SealedPart<'a, R> {
    /// The part whose slice is to be in it.
    pub part: PartName,
    /// The path of the entry.
    pub entry: String,
    /// The number of its bytes. No slice in it is longer.
    pub size: usize,
    reader: &'a mut SealedReader<R>,
}

impl<R: BufRead> SealedReader<R> {
    /// Opens a sealed bundle and reads its index. With a key the index is proved; without one nothing is.
    ///
    /// # Errors
    ///
    /// Returns [`BundleError`] when this is not a sealed bundle, or its index is not right.
    pub fn open(mut source: R, key: Option<&PublicKey>) -> Result<Self, BundleError> {
        let first = block(&mut source)?;
        let second = block(&mut source)?;
        let found = raw_path(&second);
        if !raw_path(&first).ends_with('/') || !found.ends_with("/manifest.json") {
            return Err(BundleError::NotABundle { found });
        }
        let bytes = claimed(&mut source, &second, &found, INDEX)?;
        let third = block(&mut source)?;
        let signature_path = format!("{found}.sig");
        let found_there = raw_path(&third);
        if found_there != signature_path {
            return Err(BundleError::UnexpectedEntry { expected: signature_path, found: found_there });
        }
        let signature = claimed(&mut source, &third, &signature_path, SIGNATURE)?;
        if let Some(key) = key {
            key.verify(&bytes, &signature).map_err(|_| BundleError::Signature { entry: found.clone() })?;
        }
        let index = Index::read(&bytes).map_err(|problem| match key {
            Some(_) => BundleError::Record { entry: found, problem },
            None => BundleError::Unproven { entry: found, problem },
        })?;
        let (top, mtime) = (index.head.top(), index.head.mtime());
        let kind = |bytes: &[u8]| Kind::File { mode: Mode::Public, size: bytes.len() as u64 };
        compare(&first, &format!("{top}/"), Kind::Folder, mtime)?;
        compare(&second, &format!("{top}/manifest.json"), kind(&bytes), mtime)?;
        compare(&third, &format!("{top}/manifest.json.sig"), kind(&signature), mtime)?;
        let nodes = format!("{top}/nodes/");
        compare(&block(&mut source)?, &nodes, Kind::Folder, mtime)?;
        // A bundle that somebody has unpacked from gzip begins alike, and goes on with a record.
        let ahead = fill(&mut source)?.split(|byte| *byte == 0).next().unwrap_or_default();
        if index.parts.first().is_some_and(|(part, _)| ahead == format!("{top}/{}.json", folder(part)).as_bytes()) {
            return Err(BundleError::GzipHeader);
        }
        Ok(Self { source, index, signed: (bytes, signature), read: 0, left: 0, zeros: 0, state: State::Between })
    }

    /// Returns the index. It is proved if there was a key when the bundle was opened.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Returns the SHA-256 of the bytes of the index.
    #[must_use]
    pub fn index_sha256(&self) -> Sha256 {
        Sha256::of(&self.signed.0)
    }

    /// Returns the envelope of the next part, or `None` after the last one. The end of the archive has been checked
    /// then, too: there is an envelope for each part of the index, in its order, and nothing else.
    ///
    /// # Errors
    ///
    /// Returns [`BundleError`] when the archive is not right. Every later call fails too.
    pub fn next_part(&mut self) -> Result<Option<SealedPart<'_, R>>, BundleError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Between => {}
            State::Ended => {
                self.state = State::Ended;
                return Ok(None);
            }
            State::Failed => return Err(BundleError::AfterError),
        }
        self.pass_over()?;
        let header = block(&mut self.source)?;
        let found = raw_path(&header);
        if header == [0; BLOCK] {
            self.end()?;
            self.state = State::Ended;
            return Ok(None);
        }
        let Some((part, _)) = self.index.parts.get(self.read) else { return Err(BundleError::ExtraPart { found }) };
        let (part, entry) = (part.clone(), entry_path(&self.index.head.top(), part));
        if found != entry {
            return Err(BundleError::UnexpectedEntry { expected: entry, found });
        }
        let size = raw_size(&header).ok_or_else(|| BundleError::Header { entry: entry.clone() })?;
        compare(&header, &entry, Kind::File { mode: Mode::Public, size }, self.index.head.mtime())?;
        if size > SEALED {
            return Err(BundleError::TooLarge { entry, size, limit: SEALED });
        }
        self.read += 1;
        (self.left, self.zeros) = (size, padding(size as usize));
        self.state = State::Between;
        Ok(Some(SealedPart { part, entry, size: size as usize, reader: self }))
    }

    /// Reads what is left of an envelope.
    fn pass_over(&mut self) -> Result<(), BundleError> {
        while self.left > 0 {
            let available = fill(&mut self.source)?.len();
            if available == 0 {
                return Err(BundleError::Truncated);
            }
            let count = available.min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.source.consume(count);
            self.left -= count as u64;
        }
        let mut zeros = [1; BLOCK];
        let zeros = zeros.get_mut(..std::mem::take(&mut self.zeros)).unwrap_or_default();
        exactly(&mut self.source, zeros)?;
        if zeros.iter().any(|byte| *byte != 0) {
            let part = self.read.checked_sub(1).and_then(|place| self.index.parts.get(place));
            let entry = part.map(|(part, _)| entry_path(&self.index.head.top(), part));
            return Err(BundleError::Padding { entry: entry.unwrap_or_default() });
        }
        Ok(())
    }

    /// Reads the second of two zero blocks, behind which nothing is.
    fn end(&mut self) -> Result<(), BundleError> {
        if let Some((part, _)) = self.index.parts.get(self.read) {
            return Err(BundleError::MissingPart { part: Some(part.clone()) });
        }
        if block(&mut self.source)? != [0; BLOCK] {
            return Err(BundleError::End);
        }
        if fill(&mut self.source)?.is_empty() { Ok(()) } else { Err(BundleError::TrailingBytes) }
    }
}

impl<R: BufRead> Read for SealedPart<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.fill_buf()?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for SealedPart<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.reader.left).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(&[]);
        }
        let rest = self.reader.source.fill_buf()?;
        if rest.is_empty() { Err(BundleError::Truncated.into()) } else { Ok(&rest[..rest.len().min(left)]) }
    }

    fn consume(&mut self, count: usize) {
        self.reader.source.consume(count);
        self.reader.left = self.reader.left.saturating_sub(count as u64);
    }
}

fn block(source: &mut impl BufRead) -> Result<[u8; BLOCK], BundleError> {
    let mut block = [0; BLOCK];
    exactly(source, &mut block)?;
    Ok(block)
}

fn exactly(source: &mut impl BufRead, buffer: &mut [u8]) -> Result<(), BundleError> {
    source.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BundleError::Truncated,
        _ => error.into(),
    })
}

/// Reads the content of an entry whose size only its header states, and the zeros that fill its last block.
fn claimed(source: &mut impl BufRead, header: &[u8; BLOCK], path: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
    let size = raw_size(header).ok_or_else(|| BundleError::Header { entry: path.to_owned() })?;
    if size > limit {
        return Err(BundleError::TooLarge { entry: path.to_owned(), size, limit });
    }
    let mut bytes = vec![0; size as usize];
    exactly(source, &mut bytes)?;
    let mut zeros = [1; BLOCK];
    let zeros = &mut zeros[..padding(bytes.len())];
    exactly(source, zeros)?;
    match zeros.iter().all(|byte| *byte == 0) {
        true => Ok(bytes),
        false => Err(BundleError::Padding { entry: path.to_owned() }),
    }
}
