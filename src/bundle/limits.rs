//! How much a reader accepts, and so how much a writer writes (manual/formats.md, section 4).
//!
//! A reader that holds the index, the part that it reads and the part that the caller wants must stay below 64 MiB in
//! all, and below 128 MiB where the bundle is sealed.

/// Bytes of a gzip member, unpacked.
pub(crate) const MEMBER: u64 = 16 << 20;
/// Bytes of a gzip member, compressed. Without this limit a member could consist of deflate's empty blocks.
pub(crate) const COMPRESSED: u64 = 2 * MEMBER;
/// Bytes of an envelope: a member that is as long as it may be, what age adds to it, and its head. A reader of sealed
/// bundles holds the slice that came out of one besides.
pub(crate) const SEALED: u64 = COMPRESSED + (2 << 20);
/// Bytes of a file or a record.
pub(crate) const FILE: u64 = 4 << 20;
/// Bytes of the index.
pub(crate) const INDEX: u64 = 12 << 20;
/// Bytes of a signature: two integers of up to 33 octets, each with a head of two, in a SEQUENCE with a head of two.
pub(crate) const SIGNATURE: u64 = 72;
/// Entries of a part, including its record and signature. Also the elements of any array in a record.
pub(crate) const ENTRIES: usize = 4096;
/// Bytes of a path, as many as ustar can hold.
pub(crate) const PATH: usize = 256;
/// Parts of a bundle.
pub(crate) const PARTS: usize = 100_000;
/// How deep objects and arrays of JSON may nest.
pub(crate) const DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::{COMPRESSED, DEPTH, ENTRIES, FILE, INDEX, MEMBER, PARTS, PATH, SEALED, SIGNATURE};

    const FORMATS: &str = include_str!("../manual/formats.md");
    const THREAT_MODEL: &str = include_str!("../manual/threat-model.md");

    fn mebibytes(bytes: u64) -> String {
        assert_eq!(bytes % (1 << 20), 0);
        format!("{} MiB", bytes >> 20)
    }

    fn thousands(number: usize) -> String {
        assert!((1000..1_000_000).contains(&number), "{number}");
        format!("{},{:03}", number / 1000, number % 1000)
    }

    /// The manual gives these numbers to people who read a bundle by other means, or ask what a foreign one may cost.
    #[test]
    fn the_manual_states_them() {
        for (of, at_most) in [
            ("a gzip member, unpacked", mebibytes(MEMBER)),
            ("a gzip member, compressed", mebibytes(COMPRESSED)),
            ("a file, a record", mebibytes(FILE)),
            ("the index", mebibytes(INDEX)),
            ("a signature in the archive", format!("{SIGNATURE} bytes")),
            ("an envelope", mebibytes(SEALED)),
            ("entries of a part, its record and signature among them", thousands(ENTRIES)),
            ("parts", thousands(PARTS)),
            ("a path in a tree", format!("{PATH} bytes")),
            ("JSON, nested", format!("{DEPTH} deep")),
        ] {
            let row = format!("| {of} | {at_most} |\n");
            assert!(FORMATS.contains(&row), "{row}");
        }
        let limits = format!(
            "{} a part, {} a file, {} entries a part, {} parts",
            mebibytes(MEMBER),
            mebibytes(FILE),
            thousands(ENTRIES),
            thousands(PARTS)
        );
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(THREAT_MODEL).contains(&limits), "{limits}");
    }
}
