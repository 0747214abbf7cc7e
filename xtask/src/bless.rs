//! `cargo xtask bless`: the golden tests write their files anew, so that a wanted change of bytes shows as a diff to review.

use crate::{Outcome, no_arguments, process, targets};

/// Runs the golden tests in release with the variable that makes them write.
///
/// # Errors
/// When no target has golden files, or a test fails for another reason.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let golden = targets::golden_targets(process::root()).map_err(|error| error.to_string())?;
    if golden.is_empty() {
        return Err(format!("no test target names `{}`: nothing to bless", targets::BLESS));
    }
    process::run(process::cargo().args(["test", "--release", "--locked"]).args(golden).env(targets::BLESS, "1"))?;
    println!("xtask: review with `git diff tests/golden`, and commit it on its own with the reason");
    Ok(())
}
