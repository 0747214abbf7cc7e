//! What a reader makes, and nobody else: whoever holds one need not ask whether it was verified.

use super::error::BundleError;
use super::files::Content;
use super::hex::Sha256;
use super::index::Index;
use super::record::Record;
use super::tree::Row;
use crate::sign::PublicKey;

/// What a record or an index brought along: its exact bytes, and the signature over them.
pub(super) struct Signed {
    pub(super) bytes: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Signed {
    pub(super) fn prove(&self, key: &PublicKey, entry: &str) -> Result<(), BundleError> {
        key.verify(&self.bytes, &self.signature).map_err(|_| BundleError::Signature { entry: entry.to_owned() })
    }
}

/// An index that the key signed, in the place where it belongs. Only a [`Reader`](super::Reader) makes one.
///
/// Its bytes are not kept: they are many for a large cluster, and a reader holds this as long as it reads.
pub struct VerifiedIndex {
    pub(super) index: Index,
    pub(super) sha256: Sha256,
    pub(super) signature: Vec<u8>,
}

impl VerifiedIndex {
    /// What it says.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub const fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The signature of its bytes, DER.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// A part whose record the key signed, with exactly the files of the record. Only a [`Reader`](super::Reader) makes one.
pub struct VerifiedPart {
    pub(super) record: Record,
    pub(super) signed: Signed,
    /// One for each row; a link's is empty.
    pub(super) contents: Vec<Content>,
}

impl VerifiedPart {
    /// What its record says.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// SHA-256 of its record.
    #[must_use]
    pub fn record_sha256(&self) -> Sha256 {
        Sha256::of(&self.signed.bytes)
    }

    /// The bytes of its record.
    #[must_use]
    pub fn record_bytes(&self) -> &[u8] {
        &self.signed.bytes
    }

    /// The signature of the record's bytes, DER.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signed.signature
    }

    /// Each file with its content, in archive order; a link has none.
    pub fn files(&self) -> impl Iterator<Item = (&Row, &[u8])> {
        self.record.rows.iter().zip(self.contents.iter().map(|content| content.as_slice()))
    }
}

/// A part of which only one thing may be open: whether its record's signature holds.
pub(super) struct Unproven {
    pub(super) part: VerifiedPart,
    /// The record's path, if that is open.
    pub(super) entry: Option<String>,
}

impl Unproven {
    pub(super) fn prove(self, key: &PublicKey) -> Result<VerifiedPart, BundleError> {
        let Self { part, entry } = self;
        match entry {
            Some(entry) => part.signed.prove(key, &entry).map(|()| part),
            None => Ok(part),
        }
    }
}

/// What was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An index and all its parts.
    Whole,
    /// An index that says it is partial, and all its parts.
    Partial,
    /// One part without an index.
    Slice,
}

/// The whole archive is as it must be. Only [`Reader::finish`](super::Reader::finish) makes one.
#[derive(Debug)]
pub struct VerifiedArchive {
    pub(super) shape: Shape,
    pub(super) parts: usize,
    pub(super) content_sha256: Sha256,
}

impl VerifiedArchive {
    /// What it is.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// How many parts it has.
    #[must_use]
    pub const fn parts(&self) -> usize {
        self.parts
    }

    /// SHA-256 of the tar stream: what names a bundle. A slice's is its own.
    #[must_use]
    pub const fn content_sha256(&self) -> Sha256 {
        self.content_sha256
    }
}
