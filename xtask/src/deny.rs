//! `cargo xtask deny`: checks every crate in the lock file by the rules of `deny.toml`.
//!
//! Advisories change with the world and not with the code, and need the network. So they are checked only on request.

use crate::{Outcome, process};

/// Runs `cargo deny`.
///
/// # Errors
/// Fails when cargo-deny is not installed, with the way to get it, and when it finds something.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let checks = checks(arguments)?;
    if !is_installed() {
        return Err("cargo-deny is not installed\nhint: cargo install cargo-deny --locked".to_owned());
    }
    process::run(process::cargo().args(["deny", "--workspace", "--locked", "check"]).args(checks))
}

/// Runs `cargo deny` without the advisories. Where it is not installed, says so and succeeds.
///
/// # Errors
/// Fails when cargo-deny finds something.
pub(crate) fn run_where_installed() -> Outcome {
    if !is_installed() {
        println!("skipped: cargo-deny is not installed (cargo install cargo-deny --locked)");
        return Ok(());
    }
    run(&[])
}

fn is_installed() -> bool {
    process::succeeds(process::cargo().args(["deny", "--version"]))
}

fn checks(arguments: &[String]) -> Result<Vec<&'static str>, String> {
    let mut checks = vec!["licenses", "bans", "sources"];
    for argument in arguments {
        match argument.as_str() {
            "--advisories" => checks.push("advisories"),
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    Ok(checks)
}

#[cfg(test)]
mod tests {
    use super::checks;

    #[test]
    fn advisories_only_when_asked() {
        assert_eq!(checks(&[]), Ok(vec!["licenses", "bans", "sources"]));
        assert_eq!(checks(&["--advisories".to_owned()]), Ok(vec!["licenses", "bans", "sources", "advisories"]));
        assert_eq!(checks(&["advisories".to_owned()]), Err("unknown argument `advisories`".to_owned()));
    }
}
