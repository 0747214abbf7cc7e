//! Gzip members (RFC 1952). Each is compressed by itself, so that a part can be cut out without being compressed again.

use std::io::{BufRead, ErrorKind};
use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use ring::digest::{Context, SHA256};

use super::error::BundleError;
use super::hex::Sha256;
use super::limits::{COMPRESSED, MEMBER};

/// FLG 0, MTIME 0, XFL 0, OS 255 (unknown): nothing that depends on the place or the time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

const TRAILER: usize = 8;

/// Compresses members, and keeps the memory of each run for the next.
///
/// A run takes hundreds of kilobytes. They would otherwise be cleared twice for a member of a few.
#[derive(Default)]
pub(super) struct Compressor(Mutex<Vec<Compress>>);

impl Compressor {
    /// Compresses one member. Several threads may do so at once. The bytes depend only on the pinned miniz_oxide.
    pub(super) fn member(&self, content: &[u8]) -> std::io::Result<Vec<u8>> {
        // A poisoned lock does no harm, because a thread that panicked left only whole values.
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut deflate = kept.unwrap_or_else(|| Compress::new(Compression::new(6), false));
        let mut member = Vec::with_capacity(content.len() / 2 + HEADER.len() + TRAILER);
        member.extend_from_slice(&HEADER);
        loop {
            let rest = content.get(deflate.total_in() as usize..).unwrap_or_default();
            if deflate.compress_vec(rest, &mut member, FlushCompress::Finish)? == Status::StreamEnd {
                break;
            }
            member.reserve(content.len() / 4 + 64);
        }
        deflate.reset();
        idle().push(deflate);
        let mut crc = Crc::new();
        crc.update(content);
        member.extend_from_slice(&trailer(crc.sum(), content.len() as u64));
        Ok(member)
    }
}

/// Encodes the end of a member as RFC 1952, section 2.3.1, has it: CRC-32, then the length modulo 2^32.
const fn trailer(crc: u32, length: u64) -> [u8; TRAILER] {
    (crc as u64 | length << 32).to_le_bytes()
}

/// Reads members one after the other. Never reads more than the caller asks for, and finds where each member ends.
pub(super) struct Members<R> {
    source: R,
    inflate: Decompress,
    /// Whether the compressed data of this member has ended.
    ended: bool,
    /// The checksum of what this member unpacked to so far.
    crc: Crc,
    unpacked: u64,
    /// The digest of what all members unpacked to so far: the tar stream.
    content: Context,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            inflate: Decompress::new(false),
            ended: false,
            crc: Crc::new(),
            unpacked: 0,
            content: Context::new(&SHA256),
        }
    }

    /// Returns the source of the members.
    pub(super) const fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// Opens the next member.
    pub(super) fn begin(&mut self) -> Result<(), BundleError> {
        let mut header = [0; HEADER.len()];
        self.read_compressed(&mut header)?;
        if header != HEADER {
            return Err(BundleError::GzipHeader);
        }
        self.inflate.reset(false);
        self.ended = false;
        self.crc.reset();
        self.unpacked = 0;
        Ok(())
    }

    /// Fills the buffer from this member, or as much of it as the member still holds. Returns the number of bytes.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BundleError> {
        if self.unpacked + buffer.len() as u64 > MEMBER {
            return Err(BundleError::MemberTooLarge { limit: MEMBER });
        }
        self.unpack(buffer)
    }

    /// Reads this member to its end.
    pub(super) fn skip(&mut self) -> Result<(), BundleError> {
        let mut buffer = [0; 1 << 14];
        while self.unpack(&mut buffer)? == buffer.len() && self.unpacked <= MEMBER {}
        if self.unpacked > MEMBER { Err(BundleError::MemberTooLarge { limit: MEMBER }) } else { Ok(()) }
    }

    /// Closes this member. Returns `false` when the member holds more than was read.
    pub(super) fn end(&mut self) -> Result<bool, BundleError> {
        // Asking for one byte makes the decompressor reach the end of the data, or show that there is more.
        if self.unpack(&mut [0])? != 0 {
            return Ok(false);
        }
        let mut found = [0; TRAILER];
        self.read_compressed(&mut found)?;
        if found == trailer(self.crc.sum(), self.unpacked) { Ok(true) } else { Err(BundleError::GzipTrailer) }
    }

    /// Returns whether the source has ended.
    pub(super) fn at_end(&mut self) -> Result<bool, BundleError> {
        Ok(fill(&mut self.source)?.is_empty())
    }

    /// Returns the SHA-256 of everything that was unpacked.
    pub(super) fn content_sha256(&self) -> Sha256 {
        Sha256::from_ring(&self.content.clone().finish())
    }

    fn unpack(&mut self, buffer: &mut [u8]) -> Result<usize, BundleError> {
        let mut filled = 0;
        while let (Some(rest @ [_, ..]), false) = (buffer.get_mut(filled..), self.ended) {
            let input = fill(&mut self.source)?;
            let starved = input.is_empty();
            let (consumed, produced) = (self.inflate.total_in(), self.inflate.total_out());
            let status =
                self.inflate.decompress(input, rest, FlushDecompress::None).map_err(|_| BundleError::Deflate)?;
            let consumed = (self.inflate.total_in() - consumed) as usize;
            let produced = (self.inflate.total_out() - produced) as usize;
            self.source.consume(consumed);
            if self.inflate.total_in() > COMPRESSED {
                return Err(BundleError::MemberTooLong { limit: COMPRESSED });
            }
            filled += produced;
            self.ended = status == Status::StreamEnd;
            if consumed == 0 && produced == 0 && !self.ended {
                return Err(if starved { BundleError::Truncated } else { BundleError::Deflate });
            }
        }
        let found = buffer.get(..filled).unwrap_or_default();
        self.crc.update(found);
        self.content.update(found);
        self.unpacked += filled as u64;
        Ok(filled)
    }

    fn read_compressed(&mut self, buffer: &mut [u8]) -> Result<(), BundleError> {
        self.source.read_exact(buffer).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => BundleError::Truncated,
            _ => error.into(),
        })
    }
}

/// Returns the bytes that the source has buffered, none at its end.
pub(super) fn fill<R: BufRead>(source: &mut R) -> Result<&[u8], BundleError> {
    loop {
        match source.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    // This reads nothing more. The borrow of the call above cannot leave the loop.
    Ok(source.fill_buf()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use std::io::{BufReader, Read};

    use super::{BundleError, Compression, Compressor, HEADER, Members, Sha256};

    fn compress(content: &[u8]) -> std::io::Result<Vec<u8>> {
        Compressor::default().member(content)
    }

    #[test]
    fn writes_the_fixed_header() {
        for content in [&b""[..], b"abc", &[0; 1024]] {
            assert_eq!(compress(content).unwrap()[..10], HEADER);
        }
    }

    /// The gzip bytes are a contract: another version of the compressor must not go unnoticed.
    #[test]
    fn compresses_to_pinned_bytes() {
        let text: Vec<u8> =
            (0..200_000_u32).flat_map(|number| (number.wrapping_mul(number) >> 7).to_be_bytes()).collect();
        let sha256 = Sha256::of(&compress(&text).unwrap()).to_string();
        assert_eq!(sha256, "cf4bf1d968c91a1c0a73037f942d8270220890523c911d2f07d88945e3716ec1");
    }

    /// Texts that do not shrink, that shrink well, and that repeat earlier ones. Earlier texts must leave no trace.
    #[test]
    fn members_do_not_depend_on_what_was_compressed_before() {
        let noise: Vec<u8> = (0..3_000_u32).flat_map(|number| Sha256::of(&number.to_be_bytes()).0).collect();
        let contents = [&b""[..], &noise, b"abc", &noise[..70_000], &[0; 200_000], &noise[1..], b"abcabcabc", &noise];
        let kept = Compressor::default();
        for content in contents.iter().chain(&contents) {
            assert_eq!(kept.member(content).unwrap(), compress(content).unwrap());
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&*kept.member(content).unwrap()).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == *content);
        }
    }

    #[test]
    fn reads_members_from_any_buffer_size() {
        let (first, second) = (vec![b'a'; 100_000], b"second".to_vec());
        let source = [compress(&first).unwrap(), compress(&second).unwrap()].concat();
        for capacity in [1, 2, 7, 4096, 1 << 20] {
            let mut members = Members::new(BufReader::with_capacity(capacity, &*source));
            for expected in [&first, &second] {
                members.begin().unwrap();
                let mut found = vec![0; expected.len()];
                assert_eq!(members.read(&mut found).unwrap(), expected.len());
                assert!(members.end().unwrap());
                assert_eq!(found, *expected);
            }
            assert!(members.at_end().unwrap());
            assert_eq!(members.content_sha256(), Sha256::of(&[&*first, &*second].concat()));
        }
    }

    #[test]
    fn sees_what_is_left_and_what_is_missing() {
        let source = compress(b"abc").unwrap();
        let mut members = Members::new(&*source);
        members.begin().unwrap();
        assert_eq!(members.read(&mut [0; 2]).unwrap(), 2);
        assert!(!members.end().unwrap());
        let mut members = Members::new(&*source);
        members.begin().unwrap();
        assert_eq!(members.read(&mut [0; 9]).unwrap(), 3);
        assert!(members.end().unwrap());
    }

    #[test]
    fn unpacks_no_more_than_the_limit() {
        let pack = |mebibytes: u64| {
            let zeros = std::io::repeat(0).take(mebibytes << 20);
            let mut source = Vec::new();
            flate2::read::GzEncoder::new(zeros, Compression::new(6)).read_to_end(&mut source).unwrap();
            source[..10].copy_from_slice(&HEADER);
            source
        };
        let mut buffer = vec![0; 1 << 20];
        for mebibytes in [16, 17] {
            let source = pack(mebibytes);
            let mut members = Members::new(&*source);
            members.begin().unwrap();
            for _ in 0..16 {
                assert_eq!(members.read(&mut buffer).unwrap(), 1 << 20);
            }
            assert!(matches!(members.read(&mut [0]), Err(BundleError::MemberTooLarge { .. })));
            let mut skipped = Members::new(&*source);
            skipped.begin().unwrap();
            assert_eq!(skipped.skip().is_ok(), mebibytes == 16);
            assert_eq!(members.end().unwrap(), mebibytes == 16);
        }
    }

    #[test]
    fn reads_no_more_compressed_data_than_the_limit() {
        // An empty stored block that is not the last block (RFC 1951, section 3.2.4).
        let empty = [0, 0, 0, 0xff, 0xff];
        let with = |blocks: usize| [&HEADER[..], &empty.repeat(blocks), &compress(b"abc").unwrap()[10..]].concat();
        let source = with(1000);
        let mut members = Members::new(&*source);
        members.begin().unwrap();
        assert_eq!(members.read(&mut [0; 3]).unwrap(), 3);
        assert!(members.end().unwrap());
        let source = with((32 << 20) / 5 + 1);
        let mut members = Members::new(&*source);
        members.begin().unwrap();
        assert!(matches!(members.read(&mut [0; 3]), Err(BundleError::MemberTooLong { limit: 33_554_432 })));
    }
}
