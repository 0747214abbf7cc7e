//! Everything that can be wrong, with the values that a person needs. The room `cli` says what to do about it.

use std::error::Error;
use std::fmt::{Display, Formatter, Result as FormatResult};
use std::io;

use super::hex::Sha256;
use super::json::JsonError;
use super::mode::Mode;
use crate::kubernetes::{PartName, Role};
use crate::x509::escape_for_terminal;

/// Why bytes are not a record or an index of this format, or why no record or index can describe the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes are not JSON in canonical form with exactly the expected keys.
    Json(JsonError),
    /// A field has a value that it cannot have.
    Field {
        /// The key in the JSON.
        field: &'static str,
        /// The value.
        found: String,
    },
    /// A path cannot be in this part.
    Path {
        /// The path, as the row has it.
        path: String,
    },
    /// A path is longer than ustar can hold.
    PathTooLong {
        /// The path, as the row has it.
        path: String,
        /// The most bytes of a path.
        limit: usize,
    },
    /// Rows are not in archive order.
    Order {
        /// The path of the row that comes too late.
        path: String,
        /// The path of the row before it.
        after: String,
    },
    /// A path occurs twice, or is both a file and a folder.
    Doubled {
        /// The path.
        path: String,
    },
    /// Two paths differ only in case.
    CaseTwins {
        /// The later path.
        path: String,
        /// The earlier path.
        twin: String,
    },
    /// A symbolic link is not the kubelet's, or leads elsewhere than the kubelet's may.
    Link {
        /// The path of the link.
        path: String,
        /// The target of the link.
        target: String,
    },
    /// A path, or the target of the link, is not in the format's list of places.
    Place {
        /// The path.
        path: String,
    },
    /// A file does not belong on a node of this role.
    Role {
        /// The path of the file.
        path: String,
        /// The role of the node.
        role: Role,
    },
    /// A file has another mode than the format gives it.
    Mode {
        /// The path of the file.
        path: String,
        /// The mode that the file has.
        found: Mode,
    },
    /// The names of a node are without its own.
    OwnName {
        /// The node's own name.
        name: String,
    },
    /// A file is larger than a reader accepts.
    FileTooLarge {
        /// The path of the file.
        path: String,
        /// The size of the file in bytes.
        size: u64,
        /// The most bytes that a reader accepts.
        limit: u64,
    },
    /// A part has more entries than a reader accepts.
    TooManyEntries {
        /// The number of entries, including record, signature and folders.
        count: usize,
        /// The most entries that a reader accepts.
        limit: usize,
    },
    /// There is no part at all.
    NoParts,
    /// There are more parts than a reader accepts.
    TooManyParts {
        /// The number of parts.
        count: usize,
        /// The most parts that a reader accepts.
        limit: usize,
    },
    /// Parts are not in archive order, or one occurs twice.
    PartOrder {
        /// The part that comes too late or again.
        part: PartName,
        /// The part before it.
        after: PartName,
    },
    /// The folder of a node would have the name of another node's record or of its signature: `a.json` beside `a`.
    PartTwins {
        /// The node whose folder it is.
        part: PartName,
        /// The other node.
        twin: PartName,
    },
}

/// Why something is not a bundle, or a slice, that the key signed.
///
/// Paths are those in the archive. Where nothing vouches for a path yet, its unprintable bytes are escaped.
#[derive(Debug)]
pub enum BundleError {
    /// The source cannot be read.
    Read(io::Error),
    /// The source ends too early.
    Truncated,
    /// There is no gzip member, or it does not begin with the ten bytes that begin each one of a bundle.
    GzipHeader,
    /// The compressed data is damaged.
    Deflate,
    /// The checksum or the length of a gzip member is wrong.
    GzipTrailer,
    /// A gzip member unpacks to more bytes than the limit.
    MemberTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A gzip member has more compressed bytes than the limit.
    MemberTooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// A gzip member ends before this entry does.
    MemberEnds {
        /// The entry that is missing or cut, or an empty text for the first entry of a member.
        entry: String,
    },
    /// A gzip member goes on after its last entry.
    MemberContinues {
        /// The last entry.
        after: String,
    },
    /// The last gzip member is not two zero blocks.
    End,
    /// Bytes follow the last gzip member.
    TrailingBytes,
    /// The archive begins neither like a bundle nor like a slice.
    NotABundle {
        /// The first path in the archive.
        found: String,
    },
    /// There is another entry than the one that belongs here. An entry is missing, extra, doubled, or in another order.
    UnexpectedEntry {
        /// The path that belongs here.
        expected: String,
        /// The path that is here, or an empty text for zeros, which are the end of a tar archive.
        found: String,
    },
    /// The header of an entry differs from that which its record requires, in meaning or only in its bytes.
    Header {
        /// The path of the entry.
        entry: String,
    },
    /// The bytes that fill the last block of an entry are not zero.
    Padding {
        /// The path of the entry.
        entry: String,
    },
    /// A record, an index or a signature is larger than the limit.
    TooLarge {
        /// The path of the entry.
        entry: String,
        /// The size in bytes, as the header states it.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A signature does not hold: the bytes or the signer are not the right ones.
    Signature {
        /// The path of what it should sign.
        entry: String,
    },
    /// A rightly signed entry is not a record or an index of this format.
    Record {
        /// The path of the record or index.
        entry: String,
        /// The reason.
        problem: RecordError,
    },
    /// An index, of which nobody has looked at the signature, is not one of this format.
    Unproven {
        /// The path of the index.
        entry: String,
        /// The reason.
        problem: RecordError,
    },
    /// What is sealed in an envelope is not the slice of its part.
    Slice {
        /// The path of the envelope.
        entry: String,
        /// What is wrong with it.
        problem: Box<BundleError>,
    },
    /// A record is of another cluster, generation, version or day than the index.
    Head {
        /// The path of the record.
        entry: String,
        /// The key in the JSON.
        field: &'static str,
        /// The value in the index.
        expected: String,
        /// The value in the record.
        found: String,
    },
    /// A record is in the place of another part's record.
    RecordPart {
        /// The part whose record belongs there.
        expected: PartName,
        /// The part whose record is there.
        found: PartName,
    },
    /// A rightly signed record is not the one that the index names.
    RecordHash {
        /// The part of the record.
        part: PartName,
        /// The digest in the index.
        expected: Sha256,
        /// The digest of the record.
        found: Sha256,
    },
    /// A file is not the one that its record names.
    FileHash {
        /// The path of the file.
        entry: String,
        /// The digest in the record.
        expected: Sha256,
        /// The digest of the content.
        found: Sha256,
    },
    /// The archive ends before a part that the index names, or before any part.
    MissingPart {
        /// The first part that is missing, or `None` when there is no index to name it.
        part: Option<PartName>,
    },
    /// There is a part that the index does not name, or a second part without an index.
    ExtraPart {
        /// The path of the part's first entry.
        found: String,
    },
    /// A path of a record or an index cannot be cut so that it fits in ustar.
    PathTooLong {
        /// The path.
        path: String,
    },
    /// The caller went on reading after an error.
    AfterError,
}

impl Display for JsonError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        let text = match self {
            Self::TooDeep { limit } => format!("it nests deeper than {limit}"),
            Self::Syntax { line, column, problem } => format!("line {line}, column {column}: {}", plain(problem)),
            Self::NotCanonical { line, column } => {
                format!("line {line}, column {column}: not in the one form that a record has")
            }
        };
        formatter.write_str(&text)
    }
}

impl Error for JsonError {}

impl Display for RecordError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        let text = match self {
            Self::Json(error) => error.to_string(),
            Self::Field { field, found } => format!("{field} cannot be {}", quoted(found)),
            Self::Path { path } => format!("the path {} cannot be in this part", quoted(path)),
            Self::PathTooLong { path, limit } => {
                format!("the path {} has {} bytes, more than {limit}", quoted(path), path.len())
            }
            Self::Order { path, after } => format!("{} comes after {}", quoted(path), quoted(after)),
            Self::Doubled { path } => format!("{} stands twice", quoted(path)),
            Self::CaseTwins { path, twin } => {
                format!("{} and {} differ in case alone", quoted(path), quoted(twin))
            }
            Self::Link { path, target } => {
                format!("the link {} to {} is not the kubelet's (rule link)", quoted(path), quoted(target))
            }
            Self::Place { path } => format!("{} is no place of this part (rule place)", quoted(path)),
            Self::Role { path, role } => {
                format!("{} does not belong on a node of role {} (rule role)", quoted(path), role.name())
            }
            Self::Mode { path, found } => {
                format!("{} must not have the mode {} (rule mode)", quoted(path), found.text())
            }
            Self::OwnName { name } => format!("names are without the node's own, {} (rule names)", quoted(name)),
            Self::FileTooLarge { path, size, limit } => {
                format!("{} has {size} bytes, more than {limit}", quoted(path))
            }
            Self::TooManyEntries { count, limit } => format!("it has {count} entries, more than {limit}"),
            Self::NoParts => "it has no parts".to_owned(),
            Self::TooManyParts { count, limit } => format!("it has {count} parts, more than {limit}"),
            Self::PartOrder { part, after } => format!("{part} comes after {after}"),
            Self::PartTwins { part, twin } => format!("{part} and {twin} would share a path"),
        };
        formatter.write_str(&text)
    }
}

impl Error for RecordError {}

impl Display for BundleError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        let text = match self {
            Self::Read(error) => error.to_string(),
            Self::Truncated => "it ends too early".to_owned(),
            Self::GzipHeader => "it is not gzip as a bundle is".to_owned(),
            Self::Deflate => "its compressed data is damaged".to_owned(),
            Self::GzipTrailer => "a checksum of its compressed data does not hold".to_owned(),
            Self::MemberTooLarge { limit } => format!("a part unpacks to more than {limit} bytes"),
            Self::MemberTooLong { limit } => format!("a part has more than {limit} compressed bytes"),
            Self::MemberEnds { entry } if entry.is_empty() => "a part of it is empty".to_owned(),
            Self::MemberEnds { entry } => format!("its compressed data ends before {entry} does"),
            Self::MemberContinues { after } => format!("something follows {after} in its part"),
            Self::End => "its end is not two zero blocks".to_owned(),
            Self::TrailingBytes => "bytes follow its end".to_owned(),
            Self::NotABundle { found } => format!("it begins with {found:?}, like neither a bundle nor a slice"),
            Self::UnexpectedEntry { expected, found } if found.is_empty() => format!("{expected} is missing"),
            Self::UnexpectedEntry { expected, found } => format!("{found} stands where {expected} belongs"),
            Self::Header { entry } => format!("the header of {entry} is not as its record says"),
            Self::Padding { entry } => format!("bytes follow {entry} in its last block"),
            Self::TooLarge { entry, size, limit } => format!("{entry} claims {size} bytes, more than {limit}"),
            Self::Signature { entry } => format!("the signature of {entry} does not hold"),
            Self::Record { entry, problem } => {
                format!("{entry} is rightly signed but not valid: {problem}")
            }
            Self::Unproven { entry, problem } => format!("{entry} is not valid: {problem}"),
            Self::Slice { entry, problem } => format!("what is sealed in {entry} is not its slice: {problem}"),
            Self::Head { entry, field, expected, found } => {
                format!("{entry} says {field} {found}, the index {expected}")
            }
            Self::RecordPart { expected, found } => {
                format!("the record of {found} stands where {expected}'s belongs")
            }
            Self::RecordHash { part, expected, found } => {
                format!("the record of {part} has sha256 {found}, the index says {expected}")
            }
            Self::FileHash { entry, expected, found } => {
                format!("{entry} has sha256 {found}, its record says {expected}")
            }
            Self::MissingPart { part: Some(part) } => format!("the part {part} is missing"),
            Self::MissingPart { part: None } => "there is no part in it".to_owned(),
            Self::ExtraPart { found } => format!("{found} belongs to no part of its index"),
            Self::PathTooLong { path } => format!("the path {path} is too long"),
            Self::AfterError => "an error before this one".to_owned(),
        };
        formatter.write_str(&text)
    }
}

impl From<io::Error> for BundleError {
    /// Returns the error that a reader of this room put into one of I/O, or that of I/O.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Read(error),
        }
    }
}

impl From<BundleError> for io::Error {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Read(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

impl Error for BundleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}

/// The most characters that are shown of a text that somebody else wrote.
const SHOWN: usize = 300;

/// Returns the text in quotation marks, shortened and without control characters.
fn quoted(text: &str) -> String {
    let (shown, rest) = shorten(text);
    format!("{shown:?}{rest}")
}

/// Returns the text shortened and without control characters, which a terminal would obey.
fn plain(text: &str) -> String {
    let (shown, rest) = shorten(text);
    format!("{}{rest}", escape_for_terminal(shown))
}

/// Returns the beginning of a text, and the dots that stand for the rest.
fn shorten(text: &str) -> (&str, &'static str) {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), "..."),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, quoted};

    #[test]
    fn shows_what_somebody_else_wrote_without_obeying_it() {
        assert_eq!(quoted("a \u{1b}[2J\n\"b\""), r#""a \u{1b}[2J\n\"b\"""#);
        assert_eq!(plain("unknown field `\u{1b}[2J\u{9b}1m\r`, ä"), r"unknown field `\u{1b}[2J\u{9b}1m\u{d}`, ä");
    }

    #[test]
    fn shows_no_more_than_a_few_lines() {
        assert_eq!(quoted(&"ä".repeat(300)), format!("\"{}\"", "ä".repeat(300)));
        assert_eq!(quoted(&"ä".repeat(301)), format!("\"{}\"...", "ä".repeat(300)));
        assert_eq!(plain(&"a".repeat(4 << 20)), format!("{}...", "a".repeat(300)));
    }
}
