//! Why a build made nothing.

use std::path::Path;

use crate::cli::command::sealing::changes;
use crate::cli::failure::Failure;
use crate::cli::text::adoption;
use crate::cli::text::nearest::did_you_mean;
use crate::cli::text::sealing;
use crate::lock::Refusal;
use crate::make::{MakeError, Objection, Request};

/// Returns the failure for a build that made nothing.
pub(super) fn cannot_make(error: &MakeError, request: &Request<'_>, archive: &Path, lock: &Path) -> Failure {
    let failure = Failure::make(error, archive, lock);
    match error {
        MakeError::UnknownNodes(unknown) => unknown_nodes(failure, unknown, request),
        MakeError::Objection(Objection::Refused(Refusal::ChangedRecipients { .. })) => {
            failure.lines(sealing::lines(&changes(request)))
        }
        MakeError::ExternalAuthority { id, below } => adoption::external(error.to_string(), id, below),
        _ => failure,
    }
}

/// Adds which nodes were most likely meant by names that no node has.
fn unknown_nodes(failure: Failure, unknown: &[String], request: &Request<'_>) -> Failure {
    let names = || request.profile.nodes.iter().map(|node| node.name.as_str());
    let meant = unknown.iter().filter_map(|name| did_you_mean(name, names()));
    meant.fold(failure, Failure::hint).hint("`certferry plan PROFILE --verbose` lists the nodes")
}
