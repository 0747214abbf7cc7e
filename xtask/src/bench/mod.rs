//! `cargo xtask bench`: how fast it is, on this machine and now. Timings are no tests: machines differ and are shared.

mod builds;
mod cost;
mod others;

use crate::{Outcome, no_arguments};

/// Runs every benchmark.
///
/// # Errors
/// A program that fails or a folder that cannot be written to.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    builds::run()?;
    others::run()
}
