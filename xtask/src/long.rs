//! `cargo xtask long`: runs with the static program what takes too long for every day: install.sh on each hostile bundle,
//! and killed at each call of its tools. `cargo xtask test` takes some of each.

use crate::{Outcome, dist, filters, no_arguments, process, tools};

/// Builds the static program and runs the tests of this kind.
///
/// # Errors
/// Fails when a program is missing, the build fails or a test fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    tools::prepare()?;
    dist::run(&[])?;
    let mut cargo = process::cargo();
    cargo.args(["test", "--test=main", "--locked", "--", "--ignored", filters::LONG]);
    process::run(cargo.env(filters::PROGRAM, dist::built()).env("CERTFERRY_DIST", dist::program()))
}
