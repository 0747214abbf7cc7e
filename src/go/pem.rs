//! Finds PEM blocks where Go's `encoding/pem` finds them, and what programs take from them.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::certificate::GoCertificate;
use super::{GoError, GoVersion};

/// A PEM block.
pub struct Block {
    /// The words between the dashes, such as `CERTIFICATE`.
    pub kind: String,
    /// The names of the headers, such as `Proc-Type` of a key that is encrypted.
    pub headers: Vec<String>,
    /// The decoded content.
    pub content: Zeroizing<Vec<u8>>,
}

/// Go does not look at the bits behind the last octet.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Returns the blocks that Go finds, in order. What it does not find it passes over without an error.
///
/// Source: encoding/pem/pem.go `Decode`, Go 1.19.8.
#[must_use]
pub fn blocks(text: &[u8]) -> Vec<Block> {
    blocks_of(text, GoVersion(19, 8))
}

/// Returns the blocks that a version of Go finds. Source: encoding/pem/pem.go `Decode`, Go 1.15.15 to 1.27.3.
pub(super) fn blocks_of(text: &[u8], go: GoVersion) -> Vec<Block> {
    // CVE-2025-61723: these releases look for the end first.
    let decode = if go.has(&[(24, 8), (25, 2)]) { decode_from_end } else { decode_from_begin };
    let (mut blocks, mut rest) = (Vec::new(), text);
    while let Some((block, after)) = decode(rest) {
        blocks.push(block);
        rest = after;
    }
    blocks
}

fn decode_from_begin(text: &[u8]) -> Option<(Block, &[u8])> {
    let mut rest = text;
    // Where the end that was found last stands, counted from the end of the text. It is looked for once, however many
    // beginnings stand before it.
    let mut known_end = usize::MAX;
    loop {
        rest = match rest.strip_prefix(BEGIN) {
            Some(after) => after,
            None => after_line_break(rest, BEGIN)?,
        };
        let (line, after) = line_of(rest);
        rest = after;
        let Some(kind) = line.strip_suffix(DASHES) else { continue };
        let mut headers = Vec::new();
        loop {
            if rest.is_empty() {
                return None;
            }
            let (line, after) = line_of(rest);
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
            let name = line.get(..colon).unwrap_or_default().trim_ascii();
            headers.push(String::from_utf8_lossy(name).into_owned());
            rest = after;
        }
        // The end may follow at once where there is no header.
        let (body, end) = if headers.is_empty() && rest.starts_with(END) {
            (&rest[..0], rest)
        } else {
            // It must follow a line break of what is left.
            if known_end >= rest.len() {
                known_end = rest.len() - position_after_line_break(rest, END)?;
            }
            let position = rest.len() - known_end;
            (&rest[..position - 1], &rest[position..])
        };
        if let Some((content, after)) = close(kind, body, end) {
            let kind = String::from_utf8_lossy(kind).into_owned();
            return Some((Block { kind, headers, content }, after));
        }
    }
}

/// Finds the first end, and the last beginning before it. What stands before is passed over, also other beginnings.
fn decode_from_end(text: &[u8]) -> Option<(Block, &[u8])> {
    let mut rest = text;
    loop {
        let line_break = position_after_line_break(rest, END)? - 1;
        let tried = rest.get(line_break + 1 + END.len()..)?;
        let before = rest.get(..line_break)?;
        let begin = before.windows(BEGIN.len()).rposition(|window| window == BEGIN);
        let begin = begin.filter(|begin| *begin == 0 || before.get(begin - 1) == Some(&b'\n'));
        let Some(begin) = begin else {
            rest = tried;
            continue;
        };
        let block = rest.get(begin + BEGIN.len()..)?;
        // The line break before the end, seen from where the block is read.
        let end = line_break - begin - BEGIN.len();
        rest = tried;
        let (line, mut inner) = line_of(block);
        let Some(kind) = line.strip_suffix(DASHES) else { continue };
        let mut headers = Vec::new();
        loop {
            if inner.is_empty() {
                return None;
            }
            let (line, after) = line_of(inner);
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
            let name = line.get(..colon).unwrap_or_default().trim_ascii();
            headers.push(String::from_utf8_lossy(name).into_owned());
            inner = after;
        }
        let consumed = block.len() - inner.len();
        // After headers a line must be there before the end.
        if !headers.is_empty() && consumed > end {
            if consumed > end + 1 + END.len() {
                return None;
            }
            continue;
        }
        let body = block.get(consumed..end).unwrap_or_default();
        let Some(end) = block.get(end + 1..) else { continue };
        if let Some((content, after)) = close(kind, body, end) {
            let kind = String::from_utf8_lossy(kind).into_owned();
            return Some((Block { kind, headers, content }, after));
        }
    }
}

/// Reads the line of the end and decodes what stands before it. Returns what follows, too.
fn close<'a>(kind: &[u8], body: &[u8], end: &'a [u8]) -> Option<(Zeroizing<Vec<u8>>, &'a [u8])> {
    let end = end.get(END.len()..)?.strip_prefix(kind)?.strip_prefix(DASHES)?;
    let (line, after) = line_of(end);
    if !line.is_empty() {
        return None;
    }
    // Go's decoder passes over line breaks alone.
    let is_kept = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    // A body with further beginnings in it ends at the first of them.
    if !body.iter().filter(|byte| is_kept(byte)).all(is_base64) {
        return None;
    }
    let packed = Zeroizing::new(body.iter().copied().filter(is_kept).collect::<Vec<u8>>());
    BASE64.decode(packed.as_slice()).ok().map(|content| (Zeroizing::new(content), after))
}

/// Returns the first line without the white space at its end, and what follows.
fn line_of(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n');
    let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let line = if end.is_some() { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    let length = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    (line.get(..length).unwrap_or_default(), end.and_then(|end| text.get(end + 1..)).unwrap_or_default())
}

fn after_line_break<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    text.get(position_after_line_break(text, mark)? + mark.len()..)
}

/// Returns the position of the first mark that follows a line break.
fn position_after_line_break(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len() + 1)
        .position(|window| window.first() == Some(&b'\n') && &window[1..] == mark)
        .map(|at| at + 1)
}

/// Returns the certificates that a pool takes from a file that names trusted CAs. Blocks of another kind, those with
/// headers, and certificates that cannot be read are passed over.
///
/// Source: crypto/x509/cert_pool.go `AppendCertsFromPEM`.
#[must_use]
pub fn trusted(text: &[u8], go: GoVersion) -> Vec<GoCertificate> {
    let blocks =
        blocks_of(text, go).into_iter().filter(|block| block.kind == "CERTIFICATE" && block.headers.is_empty());
    blocks.filter_map(|block| GoCertificate::parse(&block.content, go).ok()).collect()
}

/// Returns the certificates of a file, which must all be readable.
///
/// # Errors
/// Fails with the first certificate that cannot be read. Source: client-go util/cert/pem.go `ParseCertsPEM`.
pub fn certificates(text: &[u8], go: GoVersion) -> Result<Vec<GoCertificate>, GoError> {
    let blocks =
        blocks_of(text, go).into_iter().filter(|block| block.kind == "CERTIFICATE" && block.headers.is_empty());
    let read: Vec<_> = blocks.map(|block| GoCertificate::parse(&block.content, go)).collect::<Result<_, _>>()?;
    if read.is_empty() {
        return Err(GoError::text("data does not contain any valid RSA or ECDSA certificates"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::blocks_of;
    use crate::go::GoVersion;

    fn kinds(text: &str, go: GoVersion) -> Vec<String> {
        blocks_of(text.as_bytes(), go)
            .into_iter()
            .map(|block| format!("{}:{}", block.kind, block.content.len()))
            .collect()
    }

    /// Were each beginning followed by a look at all that is left, this would not end within a day.
    #[test]
    fn beginnings_without_number_are_gone_through_once() {
        let begin = "-----BEGIN A-----\n";
        for text in [
            begin.repeat(400_000),
            format!("{}-----END B-----\n", begin.repeat(400_000)),
            format!("{}!\n-----END A-----\n", format!("{begin}AAAA\n").repeat(300_000)),
            format!("{}!\n-----END A-----\n", format!("{begin}X: y\n").repeat(300_000)),
            "-----END A-----\n".repeat(400_000),
        ] {
            for go in [GoVersion(19, 8), GoVersion(26, 0)] {
                assert_eq!(kinds(&text, go), [""; 0]);
            }
        }
        let text = format!("{}AAAA\n-----END A-----\n", begin.repeat(400_000));
        assert_eq!(kinds(&text, GoVersion(19, 8)), ["A:3"]);
    }

    #[test]
    fn blocks_are_found_where_go_finds_them() {
        let block = "-----BEGIN A-----\nAAAA\n-----END A-----\n";
        for (text, found) in [
            (block.to_owned(), vec!["A:3"]),
            (block.trim_end().to_owned(), vec!["A:3"]),
            (block.replace('\n', "\r\n"), vec!["A:3"]),
            (format!("words\n{block}more\n{block}"), vec!["A:3", "A:3"]),
            // The line of the end must end, and the beginning must begin a line.
            (format!("{}{block}", block.trim_end()), vec![]),
            (format!("words {block}"), vec![]),
            ("-----BEGIN A-----\nAA AA\t\n-----END A-----  \n".to_owned(), vec!["A:3"]),
            ("-----BEGIN A-----\n-----END A-----\n".to_owned(), vec!["A:0"]),
            ("-----BEGIN A-----\n!\n-----END A-----\n".to_owned(), vec![]),
            ("-----BEGIN A-----\nAAAA\n-----END B-----\n".to_owned(), vec![]),
            ("-----BEGIN A-----\nX: y\n\nAAAA\n-----END A-----\n".to_owned(), vec!["A:3"]),
            ("-----BEGIN A-----\nX: y\n-----END A-----\n".to_owned(), vec![]),
            (format!("-----BEGIN A-----\n{block}"), vec!["A:3"]),
            (format!("-----END A-----\n{block}{block}"), vec!["A:3", "A:3"]),
            (String::new(), vec![]),
        ] {
            for go in [GoVersion(19, 8), GoVersion(26, 0)] {
                assert_eq!(kinds(&text, go), found, "{text:?} {go}");
            }
        }
    }
}
