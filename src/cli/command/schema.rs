//! `schema`: prints the JSON Schema of a document that `-o json` prints.

use crate::cli::args::SchemaArguments;
use crate::cli::failure::Failure;
use crate::schema::{SCHEMAS, schema};

pub(crate) fn run(arguments: &SchemaArguments) -> Result<String, Failure> {
    let Some(document) = &arguments.document else { return Ok(names("\n") + "\n") };
    // As it stands in a document: certferry.apply.v1.
    let name = document.strip_prefix("certferry.").and_then(|name| name.strip_suffix(".v1")).unwrap_or(document);
    schema(name).ok_or_else(|| {
        Failure::cannot_run(format!("there is no document `{document}`")).hint(format!("there is {}", names(", ")))
    })
}

/// Returns the names of all documents.
fn names(between: &str) -> String {
    SCHEMAS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(between)
}
