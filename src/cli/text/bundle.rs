//! What to do about what is wrong with a bundle.

use std::path::Path;

use crate::bundle::{BundleError, WriteError};
use crate::cli::failure::Failure;

/// The failure for a bundle that was refused.
pub(crate) fn failure(bundle: &Path, error: &BundleError) -> Failure {
    if let BundleError::Read(error) = error {
        return Failure::io("read", bundle, error);
    }
    let failure = Failure::says_no(format!("{} is refused: {error}", bundle.display()));
    match error {
        BundleError::Signature { .. } => failure
            .hint("it was changed on its way, or another key signed it: compare --key with the fingerprint on paper"),
        BundleError::NotABundle { .. } | BundleError::GzipHeader => {
            failure.hint("give the file CLUSTER-gN.tar.gz as `certferry build` wrote it, not unpacked or packed anew")
        }
        _ => failure.hint("nothing was written; carry the bundle again"),
    }
}

/// The failure for a bundle that could not be written.
pub(crate) fn write_failure(path: &Path, error: &WriteError) -> Failure {
    match error {
        WriteError::Output(error) => Failure::io("write", path, error),
        WriteError::PathTooLong { .. } => Failure::cannot_run(error.to_string()).hint("choose shorter names"),
        WriteError::Making(reason) => Failure::defect(reason),
        WriteError::Record { .. }
        | WriteError::TooLarge { .. }
        | WriteError::PartChanged { .. }
        | WriteError::Signing { .. } => Failure::cannot_run(error.to_string()),
    }
}
