//! The entries of an archive, apart and together again.

use std::io::Read;

use flate2::Crc;
use flate2::bufread::GzDecoder;

/// Tar counts in blocks of this many bytes.
pub const BLOCK: usize = 512;
/// The header of every gzip member of a bundle.
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A header and what follows it.
#[derive(Clone)]
pub struct Entry {
    pub header: [u8; BLOCK],
    pub content: Vec<u8>,
}

impl Entry {
    /// The path, as far as it is UTF-8; none of the good archive needs a prefix.
    pub fn path(&self) -> &str {
        let name = self.header[..100].split(|byte| *byte == 0).next().unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }

    /// Writes the content's size and the checksum into the header.
    pub fn seal(&mut self) {
        let size = format!("{:011o}", self.content.len());
        self.header[124..135].copy_from_slice(size.as_bytes());
        self.header[148..156].fill(b' ');
        let sum: u32 = self.header.iter().copied().map(u32::from).sum();
        self.header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    /// The bytes in the archive.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.header[..], &self.content].concat();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }
}

/// The entries of each member but the last.
pub fn members(archive: &[u8]) -> Vec<Vec<Entry>> {
    let mut rest = archive;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let mut member = Vec::new();
        let unpacked = GzDecoder::new(&mut rest).read_to_end(&mut member);
        assert!(unpacked.is_ok(), "not gzip");
        members.push(entries(&member));
    }
    members.pop();
    members
}

fn entries(mut member: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some((header, rest)) = member.split_first_chunk::<BLOCK>() {
        let digits = std::str::from_utf8(&header[124..135]).unwrap_or_default();
        let size = usize::from_str_radix(digits, 8).unwrap_or_default();
        let content = rest.get(..size).unwrap_or_default().to_vec();
        entries.push(Entry { header: *header, content });
        member = rest.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
    }
    entries
}

/// The members' bytes, the end's too.
pub fn tars(members: &[Vec<Entry>]) -> Vec<Vec<u8>> {
    let members = members.iter().map(|entries| entries.iter().flat_map(Entry::bytes).collect());
    members.chain([vec![0; 2 * BLOCK]]).collect()
}

/// A gzip member whose content is only stored: quick, and a reader takes any compression.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut member = GZIP.to_vec();
    for block in content.chunks(0xffff) {
        let length = u16::try_from(block.len()).unwrap_or_default();
        member.push(0);
        member.extend(length.to_le_bytes());
        member.extend((!length).to_le_bytes());
        member.extend_from_slice(block);
    }
    member.extend([1, 0, 0, 0xff, 0xff]);
    let mut crc = Crc::new();
    crc.update(content);
    member.extend(crc.sum().to_le_bytes());
    member.extend(crc.amount().to_le_bytes());
    member
}
