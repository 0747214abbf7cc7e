//! `status`: says what is on this node.

use crate::cli::args::{OutputFormat, StatusArguments};
use crate::cli::failure::Failure;
use crate::cli::input::node_folder;
use crate::cli::text::status;
use crate::node;

pub(crate) fn run(arguments: &StatusArguments) -> Result<String, Failure> {
    let status = node::status(&node_folder::open(&arguments.root)?)?;
    match arguments.output {
        OutputFormat::Text => Ok(status::text(&status)),
        OutputFormat::Json => status::json(&status),
    }
}
