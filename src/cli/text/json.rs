//! Results as JSON, for programs.

use serde::Serialize;

use crate::cli::document::Document;
use crate::cli::failure::Failure;
use crate::cli::text::printer;
use crate::x509::escape_in_json;

/// Returns the JSON document with the schema of that name and the warnings so far.
pub(crate) fn document(name: &str, body: &impl Serialize) -> Result<String, Failure> {
    Document::new(name, body).text().map_err(|error| Failure::json(&error))
}

/// Prints one JSON document like [`document`], while it is made. Those about large clusters have hundreds of megabytes.
pub(crate) fn print(name: &str, body: &impl Serialize) -> Result<(), Failure> {
    printer::print(escape_in_json, |output| Document::new(name, body).write(output))
}
