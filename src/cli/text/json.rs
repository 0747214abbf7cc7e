//! Results as JSON, for programs.

use std::io::Write;

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::printer;
use crate::x509::escape_in_json;

/// Returns one JSON document with an indent of two spaces and a newline at its end. What a terminal would obey or not
/// show is escaped in it.
pub(crate) fn document(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Failure::json(&error))?;
    text.push('\n');
    Ok(escape_in_json(text))
}

/// Prints one JSON document like [`document`], while it is made. Those about large clusters have hundreds of megabytes.
pub(crate) fn print(value: &impl Serialize) -> Result<(), Failure> {
    printer::print(escape_in_json, |output| {
        serde_json::to_writer_pretty(&mut *output, value)?;
        output.write_all(b"\n")
    })
}
