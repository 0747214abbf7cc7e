//! How much a reader takes, and so how much a writer writes (formats.md, section 4).

/// Bytes of a gzip member, unpacked.
pub(super) const MEMBER: u64 = 64 << 20;
/// Bytes of a file or a record.
pub(super) const FILE: u64 = 4 << 20;
/// Bytes of the index.
pub(super) const INDEX: u64 = 16 << 20;
/// Bytes of a signature: two integers of up to 33 octets, each with a head of two, in a SEQUENCE with a head of two.
pub(super) const SIGNATURE: u64 = 72;
/// Entries of a part, its record and signature counted.
pub(super) const ENTRIES: usize = 4096;
/// Parts of a bundle.
pub(super) const PARTS: usize = 100_000;
