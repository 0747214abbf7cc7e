//! `cargo xtask bench`: how fast certferry is on this machine, beside what it replaces, in one run.

mod engines;

pub(crate) use engines::compare;

use crate::Outcome;

/// Runs the benchmark that the first argument names.
///
/// # Errors
/// When there is none of this name, or it fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    match arguments.split_first() {
        Some((name, rest)) if name == "engines" => engines::run(rest),
        Some((name, _)) => Err(format!("no benchmark `{name}`\nhint: cargo xtask bench engines")),
        None => Err("which benchmark?\nhint: cargo xtask bench engines".to_owned()),
    }
}
