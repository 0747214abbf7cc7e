//! How much a reader takes, and so how much a writer writes (formats.md, section 4).
//!
//! A reader that holds the index, the part it reads and the part it was asked for must stay below 64 MiB in all.

/// Bytes of a gzip member, unpacked.
pub(super) const MEMBER: u64 = 16 << 20;
/// Bytes of a gzip member, compressed: deflate knows blocks that hold nothing, and a member could consist of them.
pub(super) const COMPRESSED: u64 = 2 * MEMBER;
/// Bytes of a file or a record.
pub(super) const FILE: u64 = 4 << 20;
/// Bytes of the index.
pub(super) const INDEX: u64 = 12 << 20;
/// Bytes of a signature: two integers of up to 33 octets, each with a head of two, in a SEQUENCE with a head of two.
pub(super) const SIGNATURE: u64 = 72;
/// Entries of a part, its record and signature counted; also the elements of any array in a record.
pub(super) const ENTRIES: usize = 4096;
/// Bytes of a path: what ustar can hold.
pub(super) const PATH: usize = 256;
/// Parts of a bundle.
pub(super) const PARTS: usize = 100_000;
