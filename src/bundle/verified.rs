//! Values that only a reader makes, so that nobody who has one need ask whether it was verified.

use super::error::BundleError;
use super::hex::Sha256;
use super::index::Index;
use super::part::Content;
use super::record::Record;
use super::rows::Row;
use crate::sign::PublicKey;

/// The exact bytes of a record or an index, and the signature over them.
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
/// Its bytes are not kept. They are many for a large cluster, and a reader holds this value as long as it reads.
pub struct VerifiedIndex {
    pub(super) index: Index,
    pub(super) sha256: Sha256,
    pub(super) signature: Vec<u8>,
}

impl VerifiedIndex {
    /// Returns the content of the index.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Returns the SHA-256 of the bytes of the index.
    #[must_use]
    pub const fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Returns the signature of the bytes of the index, in DER.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// A part whose record the key signed, with exactly the files of the record. Only a [`Reader`](super::Reader) makes
/// one.
pub struct VerifiedPart {
    pub(super) record: Record,
    pub(super) signed: Signed,
    /// The content of each row, empty for a link.
    pub(super) contents: Vec<Content>,
}

impl VerifiedPart {
    /// Returns the content of the record.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the SHA-256 of the record.
    #[must_use]
    pub fn record_sha256(&self) -> Sha256 {
        Sha256::of(&self.signed.bytes)
    }

    /// Returns the bytes of the record.
    #[must_use]
    pub fn record_bytes(&self) -> &[u8] {
        &self.signed.bytes
    }

    /// Returns the signature of the record's bytes, in DER.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signed.signature
    }

    /// Returns each file with its content, in archive order. The content of a link is empty.
    pub fn files(&self) -> impl Iterator<Item = (&Row, &[u8])> {
        self.record.rows.iter().zip(self.contents.iter().map(|content| content.as_slice()))
    }
}

/// A part whose hashes were checked. The signature of its record may not have been.
pub(super) struct Unproven {
    pub(super) part: VerifiedPart,
    /// The path of the record, when its signature was not verified yet.
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

/// What kind of archive was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// An index and all its parts.
    Whole,
    /// An index that says it is partial, and all its parts.
    Partial,
    /// One part without an index.
    Slice,
    /// The index of a sealed bundle, and those of its parts that were opened.
    Opened,
}

/// The proof that a whole archive is right. Only [`Reader::finish`](super::Reader::finish) makes one.
#[derive(Debug)]
pub struct VerifiedArchive {
    pub(super) kind: ArchiveKind,
    pub(super) parts: usize,
    pub(super) content_sha256: Sha256,
}

impl VerifiedArchive {
    /// Returns the kind of the archive.
    #[must_use]
    pub const fn kind(&self) -> ArchiveKind {
        self.kind
    }

    /// Returns the number of parts.
    #[must_use]
    pub const fn parts(&self) -> usize {
        self.parts
    }

    /// Returns the SHA-256 of the tar stream, which identifies a bundle. A slice has another than its bundle, and so
    /// has a sealed bundle of which parts were not opened.
    #[must_use]
    pub const fn content_sha256(&self) -> Sha256 {
        self.content_sha256
    }
}
