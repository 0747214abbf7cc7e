//! `status`: says what is on this node, and what of it is not as it was installed.

use std::path::Path;

use crate::cli::args::{OutputFormat, StatusArguments};
use crate::cli::failure::Failure;
use crate::cli::input::node_folder;
use crate::cli::text::{drift, status};
use crate::node::{self, Drift};

pub(crate) fn run(arguments: &StatusArguments) -> Result<String, Failure> {
    let tree = node_folder::open(&arguments.root)?;
    let places: Vec<_> = arguments.accept.iter().map(|path| place(&arguments.root, path)).collect();
    let changed = match () {
        () if places.is_empty() => false,
        () if arguments.dry_run => node::accept_dry_run(&tree, &places)?,
        () => node::accept(&tree, &places)?,
    };
    let (status, found) = (node::status(&tree)?, node::drift(tree.reading())?);
    let text = match arguments.output {
        OutputFormat::Text => {
            let noted = if arguments.dry_run { status::would_accept(&places) } else { String::new() };
            noted + &status::text(&status) + &found.as_ref().map(drift::text).unwrap_or_default()
        }
        OutputFormat::Json => status::json(changed, arguments.dry_run, &status, found.as_ref())?,
    };
    found.as_ref().and_then(complaint).map_or_else(|| Ok(text.clone()), |failure| Err(failure.output(text.clone())))
}

/// Returns the place below the root of a path that a person has typed: from `/` on a node, with or without the root in
/// front of it.
fn place(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).or_else(|_| path.strip_prefix("/")).unwrap_or(path);
    below.display().to_string()
}

/// Returns the failure when something differs, or could not be read.
fn complaint(found: &Drift) -> Option<Failure> {
    let (all, count) = (found.places.len(), drift::differing(found));
    if !found.unread.is_empty() {
        let unread = found.unread.len();
        let message = format!("{unread} of {all} files cannot be read, and {count} are not as they were installed");
        return Some(Failure::cannot_run(message).hint("run this as root, or mend what is named above"));
    }
    let message = match count {
        0 => return None,
        1 => format!("1 of {all} files is not as it was installed"),
        _ => format!("{count} of {all} files are not as they were installed"),
    };
    Some(Failure::says_no(message).hint(
        "`certferry apply` with the installed bundle mends it; if the change is wanted, build and apply a new generation",
    ))
}
