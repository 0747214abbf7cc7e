//! Makes archives entry by entry and byte by byte, without certferry: whatever can be written to a file can be made.

use std::io::Write;

use flate2::{Compress, Compression, Crc, FlushCompress, GzBuilder};

/// Tar counts in blocks of this many bytes.
pub const BLOCK: usize = 512;

/// A header and what follows it.
#[derive(Clone)]
pub struct Entry {
    pub header: [u8; BLOCK],
    pub content: Vec<u8>,
}

/// Places of the fields of a ustar header (POSIX.1-2017, pax, "ustar Interchange Format").
pub mod field {
    pub const NAME: usize = 0;
    pub const MODE: usize = 100;
    pub const UID: usize = 108;
    pub const GID: usize = 116;
    pub const SIZE: usize = 124;
    pub const MTIME: usize = 136;
    pub const CHECKSUM: usize = 148;
    pub const KIND: usize = 156;
    pub const LINK: usize = 157;
    pub const MAGIC: usize = 257;
    pub const USER: usize = 265;
    pub const GROUP: usize = 297;
    pub const MAJOR: usize = 329;
    pub const PREFIX: usize = 345;
}

/// 2026-11-22, 00:00 UTC.
const MTIME: u64 = 1_795_305_600;

impl Entry {
    /// A regular file as a bundle has it.
    pub fn file(path: &str, mode: u32, content: &[u8]) -> Self {
        Self::new(path, b'0', mode, "", content)
    }

    /// A folder as a bundle has it; the path ends in a slash.
    pub fn folder(path: &str) -> Self {
        Self::new(path, b'5', 0o755, "", b"")
    }

    /// A symbolic link as a bundle has it.
    pub fn link(path: &str, target: &str) -> Self {
        Self::new(path, b'2', 0o777, target, b"")
    }

    fn new(path: &str, kind: u8, mode: u32, link: &str, content: &[u8]) -> Self {
        let mut header = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        let (prefix, name) = split(path);
        put(field::NAME, name.as_bytes());
        put(field::PREFIX, prefix.as_bytes());
        put(field::MODE, format!("{mode:07o}").as_bytes());
        put(field::UID, b"0000000");
        put(field::GID, b"0000000");
        put(field::SIZE, format!("{:011o}", content.len()).as_bytes());
        put(field::MTIME, format!("{MTIME:011o}").as_bytes());
        put(field::KIND, &[kind]);
        put(field::LINK, link.as_bytes());
        put(field::MAGIC, b"ustar\x0000");
        Self { header, content: content.to_vec() }.sealed()
    }

    /// With other bytes at a place of the header, and the checksum that belongs to them.
    pub fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self.sealed()
    }

    /// With other bytes at a place of the header, whatever the checksum says.
    pub fn with_unsealed(mut self, at: usize, bytes: &[u8]) -> Self {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// With another size in the header.
    pub fn with_size(self, size: u64) -> Self {
        self.with(field::SIZE, format!("{size:011o}").as_bytes())
    }

    fn sealed(mut self) -> Self {
        self.header[field::CHECKSUM..][..8].fill(b' ');
        let sum: u32 = self.header.iter().copied().map(u32::from).sum();
        self.header[field::CHECKSUM..][..8].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }

    /// The bytes in the archive, filled up with zeros.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.header[..], &self.content].concat();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }
}

/// Prefix and name: cut at the first slash that leaves at most 100 bytes; a path that ustar cannot hold anywhere.
fn split(path: &str) -> (&str, &str) {
    let Some(least) = path.len().checked_sub(101) else { return ("", path) };
    match path[least..].find('/') {
        Some(slash) => (&path[..least + slash], &path[least + slash + 1..]),
        None => ("", &path[..100]),
    }
}

/// The entries one after the other.
pub fn tar(entries: &[Entry]) -> Vec<u8> {
    entries.iter().flat_map(Entry::bytes).collect()
}

/// The header of every gzip member of a bundle: no flags, no time, no system.
pub const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A gzip member as a bundle has it.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// The members one after the other, each compressed.
pub fn pack(members: &[Vec<u8>]) -> Vec<u8> {
    members.iter().flat_map(|member| gzip(member)).collect()
}

/// A gzip member that unpacks to `start` and many MiB of zeros: a thousandth of that in size, rightly ended.
pub fn bomb(start: &[u8], mebibytes: u32) -> Vec<u8> {
    repeated(start, &[0; 1 << 20], mebibytes)
}

/// A gzip member that unpacks to `start` and a block so many times, rightly ended; made in the time that one takes.
pub fn repeated(start: &[u8], block: &[u8], times: u32) -> Vec<u8> {
    let mut member = [&GZIP_HEADER[..], &flushed(start)].concat();
    // Each flush ends on a byte and forgets what was before, so the same bytes mean the same again.
    let compressed = flushed(block);
    (0..times).for_each(|_| member.extend_from_slice(&compressed));
    // A last block that holds nothing (RFC 1951, section 3.2.4).
    member.extend([1, 0, 0, 0xff, 0xff]);
    let (mut crc, mut one) = (Crc::new(), Crc::new());
    crc.update(start);
    one.update(block);
    (0..times).for_each(|_| crc.combine(&one));
    member.extend(crc.sum().to_le_bytes());
    member.extend(crc.amount().to_le_bytes());
    member
}

/// Deflate blocks that end on a byte and are not the last.
fn flushed(content: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(6), false);
    let mut output = Vec::with_capacity(content.len() + 1024);
    compress.compress_vec(content, &mut output, FlushCompress::Full).unwrap();
    assert_eq!(usize::try_from(compress.total_in()).unwrap(), content.len());
    output
}
