//! What is wrong with a bundle, in words.

use std::path::Path;

use super::failure::Failure;
use crate::bundle::{BundleError, JsonError, RecordError, WriteError};
use crate::report::printable;

/// The failure for a bundle that was refused.
pub(super) fn failure(bundle: &Path, error: &BundleError) -> Failure {
    if let BundleError::Read(error) = error {
        return Failure::io("read", bundle, error);
    }
    let failure = Failure::says_no(format!("{} is refused: {}", bundle.display(), reason(error)));
    match error {
        BundleError::Signature { .. } => failure
            .hint("it was changed on its way, or another key signed it: compare --key with the fingerprint on paper"),
        BundleError::NotABundle { .. } | BundleError::GzipHeader => {
            failure.hint("give the file CLUSTER-gN.tar.gz as `certferry build` wrote it, not unpacked or packed anew")
        }
        _ => failure.hint("nothing was written; carry the bundle again"),
    }
}

/// The failure for a bundle that could not be written.
pub(super) fn write_failure(path: &Path, error: &WriteError) -> Failure {
    match error {
        WriteError::Output(error) => Failure::io("write", path, error),
        WriteError::Record { part: None, problem } => {
            Failure::cannot_run(format!("the bundle cannot be described: {}", record(problem)))
        }
        WriteError::Record { part: Some(part), problem } => {
            Failure::cannot_run(format!("the part {part} cannot be described: {}", record(problem)))
        }
        WriteError::PathTooLong { path } => {
            Failure::cannot_run(format!("the path {path} is too long for a tar archive")).hint("choose shorter names")
        }
        WriteError::TooLarge { part, size, limit } => {
            let what = part.as_ref().map_or_else(|| "the index".to_owned(), |part| format!("the part {part}"));
            Failure::cannot_run(format!("{what} has {size} bytes, and a reader takes {limit}"))
        }
        WriteError::PartChanged { part } => Failure::cannot_run(format!("the part {part} was made twice and differed")),
        WriteError::Making(reason) => Failure::defect(reason),
        WriteError::Signing { path } => Failure::cannot_run(format!("{path} could not be signed")),
    }
}

fn reason(error: &BundleError) -> String {
    match error {
        BundleError::Read(error) => error.to_string(),
        BundleError::Truncated => "it ends too early".to_owned(),
        BundleError::GzipHeader => "it is not gzip as a bundle is".to_owned(),
        BundleError::Deflate => "its compressed data is damaged".to_owned(),
        BundleError::GzipTrailer => "a checksum of its compressed data does not hold".to_owned(),
        BundleError::MemberTooLarge { limit } => format!("a part unpacks to more than {limit} bytes"),
        BundleError::MemberTooLong { limit } => format!("a part has more than {limit} compressed bytes"),
        BundleError::MemberEnds { entry } if entry.is_empty() => "a part of it is empty".to_owned(),
        BundleError::MemberEnds { entry } => format!("its compressed data ends before {entry} does"),
        BundleError::MemberContinues { after } => format!("something follows {after} in its part"),
        BundleError::End => "its end is not two zero blocks".to_owned(),
        BundleError::TrailingBytes => "bytes follow its end".to_owned(),
        BundleError::NotABundle { found } => format!("it begins with {found:?}, like neither a bundle nor a slice"),
        BundleError::UnexpectedEntry { expected, found } if found.is_empty() => format!("{expected} is missing"),
        BundleError::UnexpectedEntry { expected, found } => format!("{found} stands where {expected} belongs"),
        BundleError::Header { entry } => format!("the header of {entry} is not as its record says"),
        BundleError::Padding { entry } => format!("bytes follow {entry} in its last block"),
        BundleError::TooLarge { entry, size, limit } => format!("{entry} claims {size} bytes, more than {limit}"),
        BundleError::Signature { entry } => format!("the signature of {entry} does not hold"),
        BundleError::Record { entry, problem } => {
            format!("{entry} is rightly signed but not valid: {}", record(problem))
        }
        BundleError::Head { entry, field, expected, found } => {
            format!("{entry} says {field} {found}, the index {expected}")
        }
        BundleError::RecordPart { expected, found } => {
            format!("the record of {found} stands where {expected}'s belongs")
        }
        BundleError::RecordHash { part, expected, found } => {
            format!("the record of {part} has sha256 {found}, the index says {expected}")
        }
        BundleError::FileHash { entry, expected, found } => {
            format!("{entry} has sha256 {found}, its record says {expected}")
        }
        BundleError::MissingPart { part: Some(part) } => format!("the part {part} is missing"),
        BundleError::MissingPart { part: None } => "there is no part in it".to_owned(),
        BundleError::ExtraPart { found } => format!("{found} belongs to no part of its index"),
        BundleError::PathTooLong { path } => format!("the path {path} is too long"),
        BundleError::AfterError => "an error before this one".to_owned(),
    }
}

/// What is wrong with a record or an index. What it says may be anything at all, in any length.
pub(super) fn record(error: &RecordError) -> String {
    match error {
        RecordError::Json(JsonError::TooDeep { limit }) => format!("it nests deeper than {limit}"),
        RecordError::Json(JsonError::Syntax { line, column, problem }) => {
            format!("line {line}, column {column}: {}", plain(problem))
        }
        RecordError::Json(JsonError::NotCanonical { line, column }) => {
            format!("line {line}, column {column}: not in the one form that a record has")
        }
        RecordError::Field { field, found } => format!("{field} cannot be {}", quoted(found)),
        RecordError::Path { path } => format!("the path {} cannot be in this part", quoted(path)),
        RecordError::PathTooLong { path, limit } => {
            format!("the path {} has {} bytes, more than {limit}", quoted(path), path.len())
        }
        RecordError::Order { path, after } => format!("{} comes after {}", quoted(path), quoted(after)),
        RecordError::Doubled { path } => format!("{} stands twice", quoted(path)),
        RecordError::CaseTwins { path, twin } => {
            format!("{} and {} differ in case alone", quoted(path), quoted(twin))
        }
        RecordError::Link { path, target } => {
            format!("the link {} to {} is not the kubelet's", quoted(path), quoted(target))
        }
        RecordError::FileTooLarge { path, size, limit } => {
            format!("{} has {size} bytes, more than {limit}", quoted(path))
        }
        RecordError::TooManyEntries { count, limit } => format!("it has {count} entries, more than {limit}"),
        RecordError::NoParts => "it has no parts".to_owned(),
        RecordError::TooManyParts { count, limit } => format!("it has {count} parts, more than {limit}"),
        RecordError::PartOrder { part, after } => format!("{part} comes after {after}"),
        RecordError::PartTwins { part, twin } => format!("{part} and {twin} would share a path"),
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
