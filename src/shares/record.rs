//! The record of a set of shares, for the protocol of a ceremony. No secret is in it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::share::Share;

/// What is written down of a set: TOML, format 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The format of the record: 1.
    pub record: u32,
    /// The id of the seed that the shares make.
    pub seed_id: String,
    /// The id of the set.
    pub set_id: String,
    /// How many shares make the seed.
    pub threshold: u8,
    /// Every share.
    #[serde(rename = "share")]
    pub shares: Vec<RecordedShare>,
}

/// What is written down of a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedShare {
    /// Its number.
    pub index: u8,
    /// The hash of its words: [`Share::sha256`].
    pub sha256: String,
}

/// Why a file is no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// It is not UTF-8, not TOML, or has not the keys of a record; the text is what the parser said.
    #[error("{0}")]
    Syntax(String),
    /// It has a format that this version does not know.
    #[error("it has format {0}, and this version knows format 1")]
    Format(u32),
    /// An id or a hash is not of the form that it has.
    #[error("`{0}` is not lower-case hex digits, as many as it should have")]
    Digits(&'static str),
}

const HEAD: &str =
    "# Written by `certferry seed split`. Keep it with the protocol of the ceremony; nothing in it is secret.\n";

impl Record {
    /// Returns the record of the shares of a seed.
    #[must_use]
    pub fn of(seed_id: &str, shares: &[Share]) -> Self {
        let row = |share: &Share| RecordedShare { index: share.index(), sha256: share.sha256() };
        Self {
            record: 1,
            seed_id: seed_id.to_owned(),
            set_id: shares.first().map(Share::set_id).unwrap_or_default(),
            threshold: shares.first().map(Share::threshold).unwrap_or_default(),
            shares: shares.iter().map(row).collect(),
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// Returns [`RecordError`] when the bytes are no record of format 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct AnyFormat {
            record: u32,
        }
        let text = std::str::from_utf8(bytes).map_err(|error| RecordError::Syntax(error.to_string()))?;
        let syntax = |error: toml::de::Error| RecordError::Syntax(error.to_string().trim_end().to_owned());
        let AnyFormat { record } = toml::from_str(text).map_err(syntax)?;
        if record != 1 {
            return Err(RecordError::Format(record));
        }
        let read: Self = toml::from_str(text).map_err(syntax)?;
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        };
        match read {
            _ if !is_hex(&read.seed_id, 16) => Err(RecordError::Digits("seed_id")),
            _ if !is_hex(&read.set_id, 8) => Err(RecordError::Digits("set_id")),
            _ if !read.shares.iter().all(|share| is_hex(&share.sha256, 64)) => Err(RecordError::Digits("sha256")),
            _ => Ok(read),
        }
    }

    /// Returns the text of the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        use std::fmt::Write;
        let Self { record, seed_id, set_id, threshold, shares } = self;
        let mut text = format!(
            "{HEAD}record = {record}\nseed_id = \"{seed_id}\"\nset_id = \"{set_id}\"\nthreshold = {threshold}\n"
        );
        for RecordedShare { index, sha256 } in shares {
            let _ = write!(text, "\n[[share]]\nindex = {index}\nsha256 = \"{sha256}\"\n");
        }
        text
    }
}
