//! A sealed file as text: PEM as strict as RFC 7468, figure 3, has it, so that one file has one text.

use std::io::{self, BufRead, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::OpenError;

const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----";
/// The letters of a full line, and the bytes in it.
const COLUMNS: usize = 64;
const LINE: usize = COLUMNS / 4 * 3;
/// The most bytes of blank lines before the first line, and behind the last.
const BLANKS: u64 = 1024;

/// Reads the bytes of a text.
pub(super) struct ArmorReader<R> {
    source: R,
    place: Place,
    /// The bytes of a line, and how many of them were read.
    line: Vec<u8>,
    read: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// Within. Behind a line that is not full there is none.
    Within {
        was_last: bool,
    },
    Behind,
}

impl<R: BufRead> ArmorReader<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, place: Place::Before, line: Vec::with_capacity(LINE), read: 0 }
    }

    fn next_line(&mut self) -> Result<(), OpenError> {
        self.line.clear();
        self.read = 0;
        if self.place == Place::Before {
            self.begin()?;
        }
        let Place::Within { was_last } = self.place else { return Ok(()) };
        let line = self.text_line()?;
        if line == END {
            self.place = Place::Behind;
            return self.end();
        }
        if was_last || line.is_empty() || line.len() > COLUMNS {
            return Err(OpenError::Armor("a line of its armor is not of 64 letters"));
        }
        let decoded = STANDARD.decode_vec(&line, &mut self.line);
        decoded.map_err(|_| OpenError::Armor("a line of its armor is not base64"))?;
        self.place = Place::Within { was_last: self.line.len() < LINE };
        Ok(())
    }

    /// Reads blank lines and the first one.
    fn begin(&mut self) -> Result<(), OpenError> {
        let mut blanks = BLANKS;
        loop {
            let line = self.text_line()?;
            if line == BEGIN {
                self.place = Place::Within { was_last: false };
                return Ok(());
            }
            blanks = blanks.saturating_sub(line.len() as u64 + 1);
            if !line.trim_ascii().is_empty() || blanks == 0 {
                return Err(OpenError::Armor("its first line is not -----BEGIN AGE ENCRYPTED FILE-----"));
            }
            if self.source.fill_buf()?.is_empty() {
                return Err(OpenError::NotSealed);
            }
        }
    }

    /// Reads what is behind the last line.
    fn end(&mut self) -> Result<(), OpenError> {
        let mut rest = Vec::new();
        self.source.by_ref().take(BLANKS).read_to_end(&mut rest)?;
        let is_end = rest.trim_ascii().is_empty() && self.source.fill_buf()?.is_empty();
        if is_end { Ok(()) } else { Err(OpenError::Armor("there is more behind its last line")) }
    }

    /// Returns the next line without its end, LF or CRLF. One that is too long is cut.
    fn text_line(&mut self) -> Result<Vec<u8>, OpenError> {
        // Longer than any that is good, so that one that goes on is seen.
        let most = (COLUMNS + 3) as u64;
        let mut line = Vec::new();
        self.source.by_ref().take(most).read_until(b'\n', &mut line)?;
        if line.is_empty() && self.place != Place::Before {
            return Err(OpenError::Armor("its last line is not -----END AGE ENCRYPTED FILE-----"));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        Ok(line)
    }
}

impl<R: BufRead> Read for ArmorReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() && self.place != Place::Behind {
            self.next_line()?;
        }
        let rest = self.line.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

/// Writes bytes as text.
pub(super) struct ArmorWriter<W> {
    output: W,
    /// The bytes of a line that is not full yet.
    line: Vec<u8>,
}

impl<W: Write> ArmorWriter<W> {
    pub(super) fn new(mut output: W) -> io::Result<Self> {
        output.write_all(BEGIN)?;
        output.write_all(b"\n")?;
        Ok(Self { output, line: Vec::with_capacity(LINE) })
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.line.is_empty() {
            self.write_line()?;
        }
        self.output.write_all(END)?;
        self.output.write_all(b"\n")?;
        Ok(self.output)
    }

    fn write_line(&mut self) -> io::Result<()> {
        let mut line = STANDARD.encode(&self.line);
        line.push('\n');
        self.line.clear();
        self.output.write_all(line.as_bytes())
    }
}

impl<W: Write> Write for ArmorWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(LINE - self.line.len());
        self.line.extend_from_slice(&bytes[..count]);
        if self.line.len() == LINE {
            self.write_line()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
