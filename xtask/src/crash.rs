//! `cargo xtask crash`: kills and refuses `apply` and `rollback` at every system call. The tests of every day do so
//! with the tree of a worker. Here it is that of a control plane, every error is tried at every call, and 1,000 times
//! two runs are started at once.

use crate::{Outcome, no_arguments, process, tools};

/// Runs the tests of `tests/apply_crash.rs` in full. Each prints the number of its points.
///
/// # Errors
/// Fails when a program is missing or a test fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    tools::require("strace", "apt-get install strace")?;
    let mut cargo = process::cargo();
    process::run(cargo.args(["test", "--test=main", "apply_crash::"]).env("CERTFERRY_CRASH_ALL", "1"))
}
