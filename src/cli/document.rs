//! The documents for programs. The chapter `json` of the manual has their rules, and each one's schema stands in
//! the room `schema`.

use std::io::Write;

use serde::{Serialize, Serializer};

use crate::cli::notice::{self, Notice};
use crate::x509::escape_in_json;

/// The version of every document. A key may be added to it; a key that goes, or means something else, is a new version.
const VERSION: u8 = 1;

/// A document: the name of its schema, what the command has to say, and the warnings on the way.
#[derive(Serialize)]
pub(crate) struct Document<'a, Body> {
    schema: Schema<'a>,
    #[serde(flatten)]
    body: &'a Body,
    warnings: Vec<Notice>,
}

/// The name of a schema, such as `certferry.seed-id.v1`.
struct Schema<'a>(&'a str);

impl Serialize for Schema<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("certferry.{}.v{VERSION}", self.0))
    }
}

impl<'a, Body: Serialize> Document<'a, Body> {
    /// Returns the document with the schema of that name. It takes the warnings so far.
    pub(crate) fn new(name: &'a str, body: &'a Body) -> Self {
        Self { schema: Schema(name), body, warnings: notice::take() }
    }

    /// Returns the document with an indent of two spaces and a newline at its end. What a terminal would obey or not show
    /// is escaped in it.
    pub(crate) fn text(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(escape_in_json(text))
    }

    /// Writes the document like [`Self::text`], without the escapes.
    pub(crate) fn write(&self, mut output: impl Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut output, self)?;
        output.write_all(b"\n")
    }
}
