//! Bytes that wait on a disk for the process that wrote them, and for nobody else.
//!
//! They are sealed with a key that is in memory alone and goes with the process, so that what is found on the disk
//! later, also after a crash, holds nothing.

use std::io::{self, Read, Seek, SeekFrom, Write};

use ring::aead::{Aad, LessSafeKey, Nonce};
use zeroize::Zeroizing;

use super::error::SealError;
use super::{random, wrap};

/// The bytes that are sealed together.
const PART: usize = 64 << 10;
/// The bytes of a tag.
const TAG: usize = 16;

/// A file that holds what is written to it sealed. What was written can be read, from its beginning on and several
/// times; after the first read nothing more is written.
pub struct Ephemeral<F> {
    inner: F,
    key: Box<LessSafeKey>,
    /// While writing, what is not sealed yet; while reading, the part that was opened last.
    part: Zeroizing<Vec<u8>>,
    /// How much of the part was read.
    read: usize,
    /// The number of parts before `part` while writing, and up to it while reading.
    count: u64,
    /// The number of all parts. `None` while writing.
    parts: Option<u64>,
}

impl<F> Ephemeral<F> {
    /// Returns an empty file over another empty one.
    ///
    /// # Errors
    /// Returns [`SealError::NoRandomness`] when the operating system gives no random bytes.
    pub fn new(inner: F) -> Result<Self, SealError> {
        let key = wrap::cipher(&*random::bytes::<32>()?).ok_or(SealError::NoRandomness)?;
        Ok(Self { inner, key, part: Zeroizing::new(Vec::with_capacity(PART + TAG)), read: 0, count: 0, parts: None })
    }

    /// Returns the nonce of a part. A key seals each number once.
    fn nonce(count: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&count.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }
}

impl<F: Write> Ephemeral<F> {
    fn seal(&mut self) -> io::Result<()> {
        let sealed = self.key.seal_in_place_append_tag(Self::nonce(self.count), Aad::empty(), &mut *self.part);
        sealed.map_err(|_| io::Error::other("a part cannot be sealed"))?;
        self.inner.write_all(&self.part)?;
        self.part.clear();
        self.count += 1;
        Ok(())
    }
}

impl<F: Write> Write for Ephemeral<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.parts.is_some() {
            return Err(io::Error::other("written to after it was read"));
        }
        if self.part.len() == PART {
            self.seal()?;
        }
        let count = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Does nothing: a part is written when it is full, and the last one before anything is read.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: Read> Read for Ephemeral<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.parts.is_none() {
            return Err(io::Error::other("read before it was rewound"));
        }
        if self.read == self.part.len() && Some(self.count) != self.parts {
            self.part.clear();
            self.read = 0;
            self.inner.by_ref().take((PART + TAG) as u64).read_to_end(&mut self.part)?;
            let opened = self.key.open_in_place(Self::nonce(self.count), Aad::empty(), &mut self.part);
            let length = opened.map_err(|_| io::Error::other("it was changed while it waited"))?.len();
            self.part.truncate(length);
            self.count += 1;
        }
        let rest = self.part.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl<F: Write + Seek> Seek for Ephemeral<F> {
    /// Goes to the beginning, and nowhere else.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if to != SeekFrom::Start(0) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        if self.parts.is_none() {
            if !self.part.is_empty() {
                self.seal()?;
            }
            self.inner.flush()?;
            self.parts = Some(self.count);
        }
        self.inner.seek(to)?;
        self.part.clear();
        (self.read, self.count) = (0, 0);
        Ok(0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use std::io::{Cursor, Read, Seek, SeekFrom, Write};

    use super::{Ephemeral, PART, TAG};

    fn written(content: &[u8]) -> Ephemeral<Cursor<Vec<u8>>> {
        let mut file = Ephemeral::new(Cursor::new(Vec::new())).unwrap();
        content.chunks(1000).for_each(|some| file.write_all(some).unwrap());
        file
    }

    fn read(file: &mut Ephemeral<Cursor<Vec<u8>>>) -> std::io::Result<Vec<u8>> {
        let mut content = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn what_was_written_is_read_again_and_lies_there_sealed() {
        for length in [0, 1, PART - 1, PART, PART + 1, 3 * PART] {
            let content: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
            let mut file = written(&content);
            assert!(read(&mut file).unwrap() == content && read(&mut file).unwrap() == content, "{length}");
            assert!(file.write_all(b"x").is_err());
            let lies_there = file.inner.into_inner();
            assert_eq!(lies_there.len(), length + length.div_ceil(PART) * TAG);
            assert!(length < 16 || !lies_there.windows(16).any(|some| *some == content[..16]));
        }
    }

    #[test]
    fn what_was_changed_or_cut_off_is_not_read() {
        let content = vec![7; 2 * PART];
        let mut file = written(&content);
        read(&mut file).unwrap();
        let whole = file.inner.get_ref().clone();
        let mut changes: Vec<Vec<u8>> = vec![whole[..PART].to_vec(), whole[..PART + TAG].to_vec()];
        let (first, second) = whole.split_at(PART + TAG);
        changes.push([second, first].concat());
        let mut flipped = whole.clone();
        flipped[PART] ^= 1;
        changes.push(flipped);
        for changed in changes {
            *file.inner.get_mut() = changed;
            assert!(read(&mut file).is_err());
        }
        *file.inner.get_mut() = whole;
        assert!(read(&mut file).unwrap() == content);
    }

    #[test]
    fn it_goes_to_its_beginning_alone() {
        let mut file = written(b"abc");
        assert!(file.read(&mut [0]).is_err(), "not before it was rewound");
        assert!(file.seek(SeekFrom::Start(1)).is_err());
        assert!(file.seek(SeekFrom::End(0)).is_err());
        assert_eq!(read(&mut file).unwrap(), b"abc");
    }
}
