//! `cargo xtask crash`: what the tests do with a worker's tree, `apply` and `rollback` killed and refused at every
//! system call, with a control plane's, every error at every call, and 1,000 pairs of runs at once.

use crate::{Outcome, no_arguments, process, tools};

/// Runs the tests of `tests/apply_crash.rs` in full; each prints its number of points.
///
/// # Errors
/// What is missing, or that a test failed.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    tools::require("strace", "apt-get install strace")?;
    let mut cargo = process::cargo();
    process::run(cargo.args(["test", "--test=main", "apply_crash::"]).env("CERTFERRY_CRASH_ALL", "1"))
}
