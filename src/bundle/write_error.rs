//! Why a bundle cannot be written.

use std::error::Error;
use std::fmt::{Display, Formatter, Result as FormatResult};
use std::io;

use super::error::RecordError;
use crate::kubernetes::PartName;
use crate::sign::SigningFailed;

/// Why a bundle cannot be written.
#[derive(Debug)]
pub enum WriteError {
    /// The record of a part, or the index, cannot be made.
    Record {
        /// The part, or `None` for the index.
        part: Option<PartName>,
        /// The reason.
        problem: RecordError,
    },
    /// A path does not fit in ustar (100 bytes, or 155 and 100 around a `/`).
    PathTooLong {
        /// The path in the archive.
        path: String,
    },
    /// A record, the index or a gzip member is larger than a reader accepts.
    TooLarge {
        /// The part, or `None` for the index.
        part: Option<PartName>,
        /// The size in bytes.
        size: u64,
        /// The most bytes that a reader accepts.
        limit: u64,
    },
    /// The caller could not make a part; the text is its error.
    Making(String),
    /// There is no signature.
    Signing {
        /// The path in the archive of what was to be signed.
        path: String,
        /// The reason.
        error: SigningFailed,
    },
    /// The output did not accept the bytes.
    Output(io::Error),
}

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
            Self::Signing { path, error } => format!("{path} {error}"),
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
