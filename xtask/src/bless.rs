//! `cargo xtask bless`: has the golden tests write their files anew, so that a wanted change of bytes shows as a diff
//! to review.

use crate::{Outcome, dist, filters, no_arguments, process};

/// Runs the golden tests on the static program, with the variable that makes them write.
///
/// # Errors
/// Fails when a test fails for another reason than other bytes.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    dist::run(&[])?;
    let mut cargo = process::cargo();
    cargo.args(["test", "--locked", "--test=main", "--", "--include-ignored"]).args(filters::GOLDEN);
    process::run(cargo.env(filters::PROGRAM, dist::built()).env(filters::BLESS, "1"))?;
    println!("xtask: review with `git diff tests`, and commit it on its own with the reason");
    Ok(())
}
