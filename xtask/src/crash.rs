//! `cargo xtask crash`: kills and refuses `apply` and `rollback` at every system call. The tests of every day do so
//! with the tree of a worker. Here it is that of a control plane, every error is tried at every call, and 1,000 times
//! two runs are started at once. `build`, `unpack` and `split` are refused and ended by signals at every call, too, and
//! install.sh is killed at each call of its tools on overlayfs.

use crate::{Outcome, no_arguments, process, tools};

/// Runs the tests of `tests/apply_crash.rs`, `tests/build_at_once.rs`, `tests/signals.rs` and of kills in
/// `tests/install_sh/overlay.rs` in full.
///
/// # Errors
/// Fails when a program is missing or a test fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    tools::require("strace", "apt-get install strace")?;
    let mut cargo = process::cargo();
    process::run(
        cargo
            .args(["test", "--test=main", "--", "apply_crash::", "build_at_once::", "signals::", "killed_on_overlayfs"])
            .env("CERTFERRY_CRASH_ALL", "1"),
    )
}
