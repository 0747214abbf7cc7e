//! The content of a sealed file: parts of 64 KiB, each with a tag that also says where it stands and whether it is the
//! last.

use std::io::{self, BufRead, Read, Write};

use ring::aead::{Aad, LessSafeKey, Nonce};
use zeroize::Zeroizing;

use super::error::OpenError;
use super::wrap::{self, FILE_KEY};

/// The bytes of a part, but for the last.
pub(super) const PART: usize = 64 << 10;
/// The bytes of a tag.
const TAG: usize = 16;
/// The bytes from which, with the file key, the key of the content comes.
pub(super) const NONCE: usize = 16;

/// The key of the content, and the number of the part that comes next.
pub(super) struct Stream {
    /// `None` where there is none, which does not happen: 32 bytes are a key.
    cipher: Option<Box<LessSafeKey>>,
    part: u64,
}

impl Stream {
    pub(super) fn new(file_key: &[u8; FILE_KEY], nonce: &[u8; NONCE]) -> Self {
        Self { cipher: wrap::cipher(&wrap::derive(file_key, nonce, b"payload")), part: 0 }
    }

    /// Returns the nonce of the next part: its number in eleven octets, and whether it is the last.
    fn nonce(&mut self, is_last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.part.to_be_bytes());
        nonce[11] = u8::from(is_last);
        self.part = self.part.wrapping_add(1);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals the next part in its place, and writes it.
    pub(super) fn seal(&mut self, part: &mut [u8], is_last: bool, output: &mut impl Write) -> io::Result<()> {
        let nonce = self.nonce(is_last);
        let cipher = self.cipher.as_ref();
        let tag = cipher.and_then(|cipher| cipher.seal_in_place_separate_tag(nonce, Aad::empty(), part).ok());
        let tag = tag.ok_or_else(|| io::Error::other("a part is too long for its cipher"))?;
        output.write_all(part)?;
        output.write_all(tag.as_ref())
    }

    /// Opens the next part, behind which its tag is, in its place.
    fn open(&mut self, part: &mut [u8], is_last: bool) -> Result<(), OpenError> {
        let nonce = self.nonce(is_last);
        let cipher = self.cipher.as_ref();
        let opened = cipher.and_then(|cipher| cipher.open_in_place(nonce, Aad::empty(), part).ok());
        opened.map(drop).ok_or(OpenError::Payload(self.part))
    }
}

/// What is in a sealed file, to be read. A part is handed on once its tag holds. The end is the end of all of it:
/// whoever has read to it has the whole content, and an error comes in its place otherwise.
pub struct Opened<R> {
    source: R,
    stream: Stream,
    /// The part, opened, and how much of it was handed on.
    part: Zeroizing<Vec<u8>>,
    read: usize,
    is_last: bool,
    is_broken: bool,
}

impl<R: BufRead> Opened<R> {
    pub(super) fn new(source: R, stream: Stream) -> Self {
        let part = Zeroizing::new(Vec::with_capacity(PART + TAG));
        Self { source, stream, part, read: 0, is_last: false, is_broken: false }
    }

    /// Reads to the end. The bytes are wiped when dropped.
    ///
    /// # Errors
    /// Returns [`OpenError::Payload`] when the content was cut off or changed or is longer than `limit`, and what the
    /// source said.
    pub fn read_all(mut self, limit: usize) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        // All room at once: what grows leaves copies behind.
        let mut content = Zeroizing::new(Vec::with_capacity(limit.saturating_add(1)));
        let length = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        self.by_ref().take(length).read_to_end(&mut content)?;
        if content.len() > limit {
            let what = format!("longer than {limit} bytes");
            return Err(OpenError::Io(io::Error::new(io::ErrorKind::FileTooLarge, what)));
        }
        Ok(content)
    }

    fn next_part(&mut self) -> Result<(), OpenError> {
        self.part.clear();
        self.read = 0;
        let room = u64::try_from(PART + TAG).unwrap_or(u64::MAX);
        self.source.by_ref().take(room).read_to_end(&mut self.part)?;
        self.is_last = self.source.fill_buf()?.is_empty();
        let is_first = self.stream.part == 0;
        let length = self.part.len().checked_sub(TAG).ok_or(OpenError::Payload(self.stream.part + 1))?;
        let opened = self.stream.open(&mut self.part, self.is_last);
        self.part.truncate(length);
        opened?;
        // One that is empty stands alone.
        if length == 0 && !is_first { Err(OpenError::Payload(self.stream.part)) } else { Ok(()) }
    }
}

impl<R: BufRead> Read for Opened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let rest = self.fill_buf()?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Opened<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.part.len() && !self.is_last {
            // Nothing comes behind an error, for a reader that goes on all the same either.
            let next = if self.is_broken { Err(OpenError::Payload(self.stream.part)) } else { self.next_part() };
            if next.is_err() {
                self.part.clear();
                self.read = 0;
                self.is_last = false;
                self.is_broken = true;
            }
            next?;
        }
        Ok(self.part.get(self.read..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.read = self.part.len().min(self.read + count);
    }
}
