//! The file of a sealed bundle, for the commands that write one.

use std::path::Path;

use crate::bundle::sealed::SealedError;
use crate::cli::failure::Failure;

/// The mode of a sealed bundle: nothing in it is secret.
pub(super) const MODE: u32 = 0o644;

/// Returns the failure for a bundle that was not sealed.
pub(super) fn cannot_seal(bundle: &Path, target: &Path, error: &SealedError) -> Failure {
    match error {
        SealedError::Split(error) => Failure::split(bundle, error, |_| target.to_owned()),
        SealedError::PathTooLong { .. } => Failure::cannot_run(error.to_string()).hint("choose shorter names"),
        SealedError::Envelop { .. } => Failure::cannot_run(error.to_string()),
        SealedError::Beside { error, .. } | SealedError::Output(error) => Failure::io("write", target, error),
    }
}
