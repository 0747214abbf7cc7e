//! What can be wrong, with the values that a person needs. The words are written in `cli`.

use std::io;

use super::hex::Sha256;
use super::json::JsonError;
use crate::kubernetes::PartName;

/// Why a record or an index, or the part that it would describe, is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// Not JSON in canonical form with exactly its keys.
    Json(JsonError),
    /// A field holds what it cannot hold.
    Field {
        /// The key in the JSON.
        field: &'static str,
        /// What stands there.
        found: String,
    },
    /// A path that this part cannot hold.
    Path {
        /// As it stands in the row.
        path: String,
    },
    /// A path longer than ustar can hold.
    PathTooLong {
        /// As it stands in the row.
        path: String,
        /// Bytes that a path may have.
        limit: usize,
    },
    /// Rows are not in archive order.
    Order {
        /// The row that comes too late.
        path: String,
        /// The row before it.
        after: String,
    },
    /// A path stands twice, or is both a file and a folder.
    Doubled {
        /// That path.
        path: String,
    },
    /// Two paths differ in case alone.
    CaseTwins {
        /// The later one.
        path: String,
        /// The earlier one.
        twin: String,
    },
    /// A symbolic link other than the kubelet's, or to somewhere else.
    Link {
        /// Where it stands.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// A file larger than a reader takes.
    FileTooLarge {
        /// Its path.
        path: String,
        /// Its bytes.
        size: u64,
        /// The bytes a reader takes.
        limit: u64,
    },
    /// More entries than a reader takes in one part.
    TooManyEntries {
        /// How many there are, record, signature and folders counted.
        count: usize,
        /// How many a reader takes.
        limit: usize,
    },
    /// No part at all.
    NoParts,
    /// More parts than a reader takes.
    TooManyParts {
        /// How many there are.
        count: usize,
        /// How many a reader takes.
        limit: usize,
    },
    /// Parts are doubled or not in archive order.
    PartOrder {
        /// The part that comes too late or again.
        part: PartName,
        /// The part before it.
        after: PartName,
    },
    /// The tree of a node would stand where the record of another, or its signature, does: `a.json` beside `a`.
    PartTwins {
        /// The node whose tree it is.
        part: PartName,
        /// The other.
        twin: PartName,
    },
}

/// Why a bundle cannot be written.
#[derive(Debug)]
pub enum WriteError {
    /// A part, or the bundle's head, cannot be described; the part is absent when it is the bundle.
    Record {
        /// Whose record.
        part: Option<PartName>,
        /// Why.
        problem: RecordError,
    },
    /// A path that ustar cannot hold (100 bytes, or 155 and 100 around a `/`).
    PathTooLong {
        /// In the archive.
        path: String,
    },
    /// A record, the index or a gzip member is larger than a reader takes.
    TooLarge {
        /// Of which part; absent for the index.
        part: Option<PartName>,
        /// Its bytes.
        size: u64,
        /// The bytes a reader takes.
        limit: u64,
    },
    /// Whoever makes the parts failed to; what they said.
    Making(String),
    /// The second making of a part had other content than the first.
    PartChanged {
        /// That part.
        part: PartName,
    },
    /// The key would not sign.
    Signing {
        /// Path in the archive of what was to be signed.
        path: String,
    },
    /// The output would not take the bytes.
    Output(io::Error),
}

/// Why something is not a bundle, or a slice, signed by the key.
///
/// Paths are those in the archive; where nothing vouches for one yet, its unprintable bytes are escaped.
#[derive(Debug)]
pub enum BundleError {
    /// The source could not be read.
    Read(io::Error),
    /// The source ends too early.
    Truncated,
    /// No gzip member, or not with the ten bytes that open each one of a bundle.
    GzipHeader,
    /// The compressed data is damaged.
    Deflate,
    /// Checksum or length of a gzip member does not hold.
    GzipTrailer,
    /// A gzip member unpacks to more than the limit.
    MemberTooLarge {
        /// In bytes.
        limit: u64,
    },
    /// A gzip member has more compressed bytes than the limit.
    MemberTooLong {
        /// In bytes.
        limit: u64,
    },
    /// A gzip member ends before this entry does.
    MemberEnds {
        /// The entry that is missing or cut; empty for the first of a member.
        entry: String,
    },
    /// A gzip member goes on after its last entry.
    MemberContinues {
        /// That last entry.
        after: String,
    },
    /// The last gzip member is not two zero blocks.
    End,
    /// Bytes follow the last gzip member.
    TrailingBytes,
    /// The archive begins like neither a bundle nor a slice.
    NotABundle {
        /// Its first path.
        found: String,
    },
    /// Another entry than the one that belongs here: missing, extra, doubled, or in another order.
    UnexpectedEntry {
        /// What belongs here.
        expected: String,
        /// What is here; empty for zeros, the end of a tar archive.
        found: String,
    },
    /// An entry's header says something else than its record, or says it in other bytes.
    Header {
        /// The entry.
        entry: String,
    },
    /// The bytes that fill an entry's last block are not zero.
    Padding {
        /// The entry.
        entry: String,
    },
    /// A record, an index or a signature larger than the limit.
    TooLarge {
        /// The entry.
        entry: String,
        /// Its bytes, as its header says.
        size: u64,
        /// In bytes.
        limit: u64,
    },
    /// The signature does not hold: other bytes, or another signer.
    Signature {
        /// What it should sign.
        entry: String,
    },
    /// Rightly signed, but not a record or an index of this format.
    Record {
        /// The record or index.
        entry: String,
        /// Why.
        problem: RecordError,
    },
    /// A record is of another cluster, generation, version or day than the index.
    Head {
        /// The record.
        entry: String,
        /// The key in the JSON.
        field: &'static str,
        /// In the index.
        expected: String,
        /// In the record.
        found: String,
    },
    /// A record that stands where another part's belongs.
    RecordPart {
        /// Whose record belongs there.
        expected: PartName,
        /// Whose it is.
        found: PartName,
    },
    /// A record, rightly signed, that is not the one of the index.
    RecordHash {
        /// Whose record.
        part: PartName,
        /// In the index.
        expected: Sha256,
        /// Of the record.
        found: Sha256,
    },
    /// A file is not the one of its record.
    FileHash {
        /// The entry.
        entry: String,
        /// In the record.
        expected: Sha256,
        /// Of the content.
        found: Sha256,
    },
    /// The archive ends, and the index names a part that did not come; or no part came at all.
    MissingPart {
        /// The first that is missing, if the index names it.
        part: Option<PartName>,
    },
    /// A part that the index does not name, or a second one without an index.
    ExtraPart {
        /// Path of its first entry.
        found: String,
    },
    /// A path of a record or an index cannot be cut so that it fits into ustar.
    PathTooLong {
        /// That path.
        path: String,
    },
    /// Reading went on after an error.
    AfterError,
}
