//! The file of a record of shares.

use std::path::Path;

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::misplaced_secret;
use crate::host;
use crate::shares::Record;

/// The most bytes of a record. That of 255 shares has 27,000.
const LIMIT: u64 = 1 << 20;

/// Reads a record.
pub(crate) fn read(path: &Path) -> Result<Record, Failure> {
    let bytes = host::read(path, LIMIT).or_cannot("read the record", path)?;
    misplaced_secret::refuse_content(path, &bytes, "a record")?;
    Record::parse(&bytes).map_err(|error| {
        let error = error.to_string();
        // The reader of TOML shows the line below its first words.
        let (reason, lines) = error.split_once('\n').unwrap_or((&error, ""));
        Failure::cannot_run(format!("{} is no record of shares: {reason}", path.display()))
            .lines(lines)
            .hint("it is what `certferry seed split` writes beside the shares")
    })
}
