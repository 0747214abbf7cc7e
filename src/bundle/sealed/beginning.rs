//! What a bundle and its sealed form begin with: the top folder, the index, its signature, the folder `nodes`.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use super::super::error::BundleError;
use super::super::gzip::Members;
use super::super::head::Head;
use super::super::hex::Sha256;
use super::super::index::Index;
use super::super::limits::{INDEX, SIGNATURE};
use super::super::split::{Slices, SplitError, split};
use super::super::tar::{BLOCK, padding, raw_path, raw_size};
use crate::kubernetes::PartName;

/// The most bytes of a beginning.
const LIMIT: u64 = INDEX + SIGNATURE + 8 * BLOCK as u64;

/// The beginning of a bundle, and its end. Nothing of it is verified.
pub struct Beginning {
    /// The tar stream up to the first part.
    pub(super) tar: Vec<u8>,
    /// The gzip member with the end of the archive, as it is in the bundle.
    pub(super) end: Vec<u8>,
    index: Index,
    index_bytes: Vec<u8>,
    signature: Vec<u8>,
}

impl Beginning {
    /// Returns the index.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Returns the bytes of the index, of which [`Self::signature`] should be one.
    #[must_use]
    pub fn index_bytes(&self) -> &[u8] {
        &self.index_bytes
    }

    /// Returns the SHA-256 of the bytes of the index.
    #[must_use]
    pub fn index_sha256(&self) -> Sha256 {
        Sha256::of(&self.index_bytes)
    }

    /// Returns what stands in the place of the signature of the index.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Reads the beginning and the end of a bundle, which is read whole for that. Returns `None` for a slice, which has no
/// index.
///
/// # Errors
/// Returns [`BundleError`] when this is neither.
pub fn beginning(mut source: impl BufRead) -> Result<Option<Beginning>, BundleError> {
    let mut members = Members::new(Recording { source: &mut source, bytes: Vec::new() });
    members.begin()?;
    let mut tar = Vec::new();
    let mut block = [0; BLOCK];
    while let length @ 1.. = members.read(&mut block)? {
        tar.extend_from_slice(&block[..length]);
        if raw_path(&block).ends_with(".json") && tar.len() == BLOCK {
            return Ok(None);
        }
        if tar.len() as u64 > LIMIT {
            return Err(BundleError::NotABundle { found: path_at(&tar, 0) });
        }
    }
    members.end()?;
    let first_member = std::mem::take(&mut members.source_mut().bytes);
    let (index_bytes, signature_at) = file_at(&tar, BLOCK, "/manifest.json")?;
    let (signature, _) = file_at(&tar, signature_at, "/manifest.json.sig")?;
    let entry = path_at(&tar, BLOCK);
    let index = Index::read(&index_bytes).map_err(|problem| BundleError::Record { entry, problem })?;
    let mut end = End(Vec::new());
    split(io::BufReader::new(first_member.chain(source)), &mut end).map_err(|error| match error {
        SplitError::Bundle(error) => error,
        other => BundleError::Read(io::Error::other(other)),
    })?;
    Ok(Some(Beginning { tar, end: end.0, index, index_bytes, signature }))
}

/// Returns the content of the file whose header stands here, and where the next one stands.
fn file_at(tar: &[u8], at: usize, ending: &str) -> Result<(Vec<u8>, usize), BundleError> {
    let found = path_at(tar, at);
    if !found.ends_with(ending) {
        return Err(BundleError::NotABundle { found });
    }
    let header = tar.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>());
    let size = header.and_then(raw_size).and_then(|size| usize::try_from(size).ok());
    let content = size.and_then(|size| tar.get(at + BLOCK..)?.get(..size));
    let content = content.ok_or(BundleError::Header { entry: found })?;
    Ok((content.to_vec(), at + BLOCK + content.len() + padding(content.len())))
}

fn path_at(tar: &[u8], at: usize) -> String {
    let header = tar.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>());
    header.map(raw_path).unwrap_or_default()
}

/// A source that keeps what was read of it.
struct Recording<R> {
    source: R,
    bytes: Vec<u8>,
}

impl<R: BufRead> Read for Recording<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.bytes.extend_from_slice(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Recording<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffered) = self.source.fill_buf() {
            self.bytes.extend_from_slice(buffered.get(..amount).unwrap_or_default());
        }
        self.source.consume(amount);
    }
}

/// Keeps the end of the archive, and cuts nothing out.
struct End(Vec<u8>);

impl Slices for End {
    fn wants(&self, _: &PartName) -> bool {
        false
    }

    fn begin(&mut self, _: &PartName, _: &Head) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &PartName, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &BTreeSet<PartName>, member: &[u8]) -> Result<(), SplitError> {
        member.clone_into(&mut self.0);
        Ok(())
    }
}
