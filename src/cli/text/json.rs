//! Results as JSON, for programs.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::x509::escape_in_json;

/// Returns one JSON document with an indent of two spaces and a newline at its end. What a terminal would obey or not
/// show is escaped in it.
pub(crate) fn document(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Failure::json(&error))?;
    text.push('\n');
    Ok(escape_in_json(text))
}
