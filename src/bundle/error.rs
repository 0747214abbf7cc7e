//! What can be wrong, with the values that a person needs. What to do about it is said in `cli`.

use std::error::Error;
use std::fmt::{Display, Formatter, Result as FormatResult};
use std::io;

use super::hex::Sha256;
use super::json::JsonError;
use crate::kubernetes::PartName;
use crate::x509::printable;

/// Why a record or an index, or the part that it would describe, is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// Not JSON in canonical form with exactly its keys.
    Json(JsonError),
    /// A field holds what it cannot hold.
    Field {
        /// The key in the JSON.
        field: &'static str,
        /// What stands there.
        found: String,
    },
    /// A path that this part cannot hold.
    Path {
        /// As it stands in the row.
        path: String,
    },
    /// A path longer than ustar can hold.
    PathTooLong {
        /// As it stands in the row.
        path: String,
        /// Bytes that a path may have.
        limit: usize,
    },
    /// Rows are not in archive order.
    Order {
        /// The row that comes too late.
        path: String,
        /// The row before it.
        after: String,
    },
    /// A path stands twice, or is both a file and a folder.
    Doubled {
        /// That path.
        path: String,
    },
    /// Two paths differ in case alone.
    CaseTwins {
        /// The later one.
        path: String,
        /// The earlier one.
        twin: String,
    },
    /// A symbolic link other than the kubelet's, or to somewhere else.
    Link {
        /// Where it stands.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// A file larger than a reader takes.
    FileTooLarge {
        /// Its path.
        path: String,
        /// Its bytes.
        size: u64,
        /// The bytes a reader takes.
        limit: u64,
    },
    /// More entries than a reader takes in one part.
    TooManyEntries {
        /// How many there are, record, signature and folders counted.
        count: usize,
        /// How many a reader takes.
        limit: usize,
    },
    /// No part at all.
    NoParts,
    /// More parts than a reader takes.
    TooManyParts {
        /// How many there are.
        count: usize,
        /// How many a reader takes.
        limit: usize,
    },
    /// Parts are doubled or not in archive order.
    PartOrder {
        /// The part that comes too late or again.
        part: PartName,
        /// The part before it.
        after: PartName,
    },
    /// The tree of a node would stand where the record of another, or its signature, does: `a.json` beside `a`.
    PartTwins {
        /// The node whose tree it is.
        part: PartName,
        /// The other.
        twin: PartName,
    },
}

/// Why a bundle cannot be written.
#[derive(Debug)]
pub enum WriteError {
    /// A part, or the bundle's head, cannot be described; the part is absent when it is the bundle.
    Record {
        /// Whose record.
        part: Option<PartName>,
        /// Why.
        problem: RecordError,
    },
    /// A path that ustar cannot hold (100 bytes, or 155 and 100 around a `/`).
    PathTooLong {
        /// In the archive.
        path: String,
    },
    /// A record, the index or a gzip member is larger than a reader takes.
    TooLarge {
        /// Of which part; absent for the index.
        part: Option<PartName>,
        /// Its bytes.
        size: u64,
        /// The bytes a reader takes.
        limit: u64,
    },
    /// Whoever makes the parts failed to; what they said.
    Making(String),
    /// The second making of a part had other content than the first.
    PartChanged {
        /// That part.
        part: PartName,
    },
    /// The key would not sign.
    Signing {
        /// Path in the archive of what was to be signed.
        path: String,
    },
    /// The output would not take the bytes.
    Output(io::Error),
}

/// Why something is not a bundle, or a slice, signed by the key.
///
/// Paths are those in the archive; where nothing vouches for one yet, its unprintable bytes are escaped.
#[derive(Debug)]
pub enum BundleError {
    /// The source could not be read.
    Read(io::Error),
    /// The source ends too early.
    Truncated,
    /// No gzip member, or not with the ten bytes that open each one of a bundle.
    GzipHeader,
    /// The compressed data is damaged.
    Deflate,
    /// Checksum or length of a gzip member does not hold.
    GzipTrailer,
    /// A gzip member unpacks to more than the limit.
    MemberTooLarge {
        /// In bytes.
        limit: u64,
    },
    /// A gzip member has more compressed bytes than the limit.
    MemberTooLong {
        /// In bytes.
        limit: u64,
    },
    /// A gzip member ends before this entry does.
    MemberEnds {
        /// The entry that is missing or cut; empty for the first of a member.
        entry: String,
    },
    /// A gzip member goes on after its last entry.
    MemberContinues {
        /// That last entry.
        after: String,
    },
    /// The last gzip member is not two zero blocks.
    End,
    /// Bytes follow the last gzip member.
    TrailingBytes,
    /// The archive begins like neither a bundle nor a slice.
    NotABundle {
        /// Its first path.
        found: String,
    },
    /// Another entry than the one that belongs here: missing, extra, doubled, or in another order.
    UnexpectedEntry {
        /// What belongs here.
        expected: String,
        /// What is here; empty for zeros, the end of a tar archive.
        found: String,
    },
    /// An entry's header says something else than its record, or says it in other bytes.
    Header {
        /// The entry.
        entry: String,
    },
    /// The bytes that fill an entry's last block are not zero.
    Padding {
        /// The entry.
        entry: String,
    },
    /// A record, an index or a signature larger than the limit.
    TooLarge {
        /// The entry.
        entry: String,
        /// Its bytes, as its header says.
        size: u64,
        /// In bytes.
        limit: u64,
    },
    /// The signature does not hold: other bytes, or another signer.
    Signature {
        /// What it should sign.
        entry: String,
    },
    /// Rightly signed, but not a record or an index of this format.
    Record {
        /// The record or index.
        entry: String,
        /// Why.
        problem: RecordError,
    },
    /// A record is of another cluster, generation, version or day than the index.
    Head {
        /// The record.
        entry: String,
        /// The key in the JSON.
        field: &'static str,
        /// In the index.
        expected: String,
        /// In the record.
        found: String,
    },
    /// A record that stands where another part's belongs.
    RecordPart {
        /// Whose record belongs there.
        expected: PartName,
        /// Whose it is.
        found: PartName,
    },
    /// A record, rightly signed, that is not the one of the index.
    RecordHash {
        /// Whose record.
        part: PartName,
        /// In the index.
        expected: Sha256,
        /// Of the record.
        found: Sha256,
    },
    /// A file is not the one of its record.
    FileHash {
        /// The entry.
        entry: String,
        /// In the record.
        expected: Sha256,
        /// Of the content.
        found: Sha256,
    },
    /// The archive ends, and the index names a part that did not come; or no part came at all.
    MissingPart {
        /// The first that is missing, if the index names it.
        part: Option<PartName>,
    },
    /// A part that the index does not name, or a second one without an index.
    ExtraPart {
        /// Path of its first entry.
        found: String,
    },
    /// A path of a record or an index cannot be cut so that it fits into ustar.
    PathTooLong {
        /// That path.
        path: String,
    },
    /// Reading went on after an error.
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
                format!("the link {} to {} is not the kubelet's", quoted(path), quoted(target))
            }
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

impl Display for WriteError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        let text = match self {
            Self::Record { part: None, problem } => format!("the bundle cannot be described: {problem}"),
            Self::Record { part: Some(part), problem } => format!("the part {part} cannot be described: {problem}"),
            Self::PathTooLong { path } => format!("the path {path} is too long for a tar archive"),
            Self::TooLarge { part, size, limit } => {
                let what = part.as_ref().map_or_else(|| "the index".to_owned(), |part| format!("the part {part}"));
                format!("{what} has {size} bytes, and a reader takes {limit}")
            }
            Self::Making(reason) => reason.clone(),
            Self::PartChanged { part } => format!("the part {part} was made twice and differed"),
            Self::Signing { path } => format!("{path} could not be signed"),
            Self::Output(error) => error.to_string(),
        };
        formatter.write_str(&text)
    }
}

impl Error for WriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Output(error) => Some(error),
            _ => None,
        }
    }
}

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

impl Error for BundleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}

/// As many characters of a text that somebody else wrote are shown.
const SHOWN: usize = 300;

/// In quotation marks, without control characters.
fn quoted(text: &str) -> String {
    let (shown, rest) = shorten(text);
    format!("{shown:?}{rest}")
}

/// As it is, but without control characters: a terminal would obey them.
fn plain(text: &str) -> String {
    let (shown, rest) = shorten(text);
    format!("{}{rest}", printable(shown))
}

/// The beginning of a text, and what is said of the rest.
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
