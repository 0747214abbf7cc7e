//! The head of a sealed file: text that wraps the file key once for each who may open it.

use std::io::{BufRead, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::OpenError;
use super::wrap::{self, FILE_KEY, WRAPPED};

/// The most bytes of a head. One stanza of the hybrid kind has 1,600.
const LIMIT: u64 = 1 << 20;
/// The most stanzas of a head: as many as 1 MiB has of the shorter kind, X25519. Shorter ones than that would take a
/// hundred times their size in memory.
const STANZAS: usize = 10_000;
/// The letters of a full line of a stanza's body.
const COLUMNS: usize = 64;

const VERSION: &[u8] = b"age-encryption.org/v1";
const STANZA: &[u8] = b"-> ";
const END: &[u8] = b"---";

/// One wrapping of the file key.
pub(super) struct Stanza {
    arguments: Vec<String>,
    body: Vec<u8>,
}

impl Stanza {
    /// Returns a stanza: its first arguments, one of bytes, further ones, and its body.
    pub(super) fn new(first: &[&str], bytes: &[u8], last: &[&str], body: Vec<u8>) -> Self {
        let bytes = [STANDARD_NO_PAD.encode(bytes)];
        let arguments = first.iter().copied().chain(bytes.iter().map(String::as_str)).chain(last.iter().copied());
        Self { arguments: arguments.map(str::to_owned).collect(), body }
    }

    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.arguments.first().is_some_and(|first| first == name)
    }

    /// Returns the bytes of an argument; `None` when it is not base64 in its one form.
    pub(super) fn bytes(argument: &str) -> Option<Vec<u8>> {
        STANDARD_NO_PAD.decode(argument).ok()
    }

    /// Returns the body as a wrapped file key.
    pub(super) fn wrapped(&self) -> Result<[u8; WRAPPED], OpenError> {
        self.body.as_slice().try_into().map_err(|_| OpenError::Header("a wrapped file key is not 32 bytes"))
    }

    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(STANZA);
        text.extend_from_slice(self.arguments.join(" ").as_bytes());
        text.push(b'\n');
        let body = STANDARD_NO_PAD.encode(&self.body);
        let lines = body.as_bytes().chunks(COLUMNS);
        // The last line is shorter than the others, if need be empty.
        let needs_empty = body.len().is_multiple_of(COLUMNS);
        for line in lines.chain(needs_empty.then_some(&[][..])) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
}

/// A head that was read.
pub(super) struct Header {
    pub(super) stanzas: Vec<Stanza>,
    /// What the tag is of.
    tagged: Vec<u8>,
    tag: Vec<u8>,
}

impl Header {
    /// Reads a head, and not a byte behind it.
    pub(super) fn read(source: &mut impl BufRead) -> Result<Self, OpenError> {
        let mut lines = Lines { source: source.take(LIMIT), tagged: Vec::new() };
        let first = lines.next()?;
        if first != VERSION {
            return Err(match first.starts_with(b"age-encryption.org/") {
                true => OpenError::Header("its format is not age-encryption.org/v1"),
                false => OpenError::NotSealed,
            });
        }
        let mut stanzas = Vec::new();
        loop {
            let line = lines.next()?;
            if let Some(arguments) = line.strip_prefix(STANZA) {
                if stanzas.len() == STANZAS {
                    return Err(OpenError::Header("it has more than 10,000 stanzas"));
                }
                let arguments = arguments.split(|byte| *byte == b' ').map(argument).collect::<Option<_>>();
                let arguments = arguments.ok_or(OpenError::Header("an argument of a stanza is not visible text"))?;
                stanzas.push(Stanza { arguments, body: body(&mut lines)? });
                continue;
            }
            let tag = line.strip_prefix(b"--- ").filter(|_| !stanzas.is_empty());
            let tag = tag.and_then(|tag| STANDARD_NO_PAD.decode(tag).ok()).filter(|tag| tag.len() == 32);
            let tag = tag.ok_or(OpenError::Header("a line of its head is neither a stanza nor the tag"))?;
            let end = lines.tagged.len() - (line.len() + 1) + END.len();
            lines.tagged.truncate(end);
            return Ok(Self { stanzas, tagged: lines.tagged, tag });
        }
    }

    /// Returns whether the head is the one that whoever had the file key wrote.
    pub(super) fn is_tagged_by(&self, file_key: &[u8; FILE_KEY]) -> bool {
        tag(file_key).is_some_and(|mut mac| {
            mac.update(&self.tagged);
            mac.verify_slice(&self.tag).is_ok()
        })
    }
}

/// Writes a head.
pub(super) fn write(stanzas: &[Stanza], file_key: &[u8; FILE_KEY], output: &mut impl Write) -> std::io::Result<()> {
    let mut text = [VERSION, b"\n"].concat();
    stanzas.iter().for_each(|stanza| stanza.write(&mut text));
    text.extend_from_slice(END);
    let tag = tag(file_key).map(|mut mac| {
        mac.update(&text);
        mac.finalize().into_bytes()
    });
    let tag = tag.ok_or_else(|| std::io::Error::other("HMAC takes no key"))?;
    text.push(b' ');
    text.extend_from_slice(STANDARD_NO_PAD.encode(tag).as_bytes());
    text.push(b'\n');
    output.write_all(&text)
}

/// Returns the HMAC of a head. It takes keys of every length.
fn tag(file_key: &[u8; FILE_KEY]) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(wrap::derive(file_key, b"", b"header").as_slice()).ok()
}

fn argument(bytes: &[u8]) -> Option<String> {
    let is_text = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    is_text.then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Reads a stanza's body: full lines, and a shorter one, which may be empty.
fn body<R: BufRead>(lines: &mut Lines<R>) -> Result<Vec<u8>, OpenError> {
    let mut text = Vec::new();
    loop {
        let line = lines.next()?;
        text.extend_from_slice(&line);
        match line.len() {
            COLUMNS => {}
            length if length < COLUMNS => break,
            _ => return Err(OpenError::Header("a line of a stanza is longer than 64 letters")),
        }
    }
    STANDARD_NO_PAD.decode(&text).map_err(|_| OpenError::Header("a stanza is not base64"))
}

/// The lines of a head, and all of them that were read.
struct Lines<R> {
    source: std::io::Take<R>,
    tagged: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Returns the next line without its end.
    fn next(&mut self) -> Result<Vec<u8>, OpenError> {
        let start = self.tagged.len();
        self.source.read_until(b'\n', &mut self.tagged)?;
        let line = self.tagged.get(start..).unwrap_or_default();
        match line.strip_suffix(b"\n") {
            Some(line) => Ok(line.to_vec()),
            None if start == 0 && !line.starts_with(b"age-encryption.org/") => Err(OpenError::NotSealed),
            None => Err(OpenError::Header(match self.source.limit() {
                0 => "its head is longer than 1 MiB",
                _ => "it ends within its head",
            })),
        }
    }
}
