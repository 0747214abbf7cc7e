//! `cargo xtask crash`: kills and refuses `apply` and `rollback` at every system call. The tests of every day do so
//! with the tree of a worker. Here it is that of a control plane, every error is tried at every call, and 1,000 times
//! two runs are started at once. `build`, `unpack` and `split` are refused and ended by signals at every call, too, and
//! install.sh is killed at each call of its tools on overlayfs.
//!
//! With `--power` the power fails instead: what a file system may leave of `apply`, `rollback` and install.sh is made
//! 100,000 times, and the next run is started on it. What a test of every day or of here found wrong has a number, with
//! which `--from` makes it again.

use std::process::Command;

use crate::{Outcome, no_arguments, process, tools};

/// How many states are made, if it is not said.
const STATES: &str = "100000";

/// Runs the tests of `tests/apply_crash.rs`, `tests/build_at_once.rs`, `tests/signals.rs` and of kills in
/// `tests/install_sh/overlay.rs` in full; or, with `--power`, those of `tests/power_loss`.
///
/// # Errors
/// Fails when an argument is unknown, a program is missing or a test fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut cargo = process::cargo();
    cargo.args(["test", "--test=main", "--locked", "--"]);
    match arguments.split_first() {
        Some((first, rest)) if first == "--power" => power(&mut cargo, rest)?,
        _ => {
            no_arguments(arguments)?;
            cargo.args(["apply_crash::", "build_at_once::", "signals::", "killed_on_overlayfs"]);
            cargo.env("CERTFERRY_CRASH_ALL", "1");
        }
    }
    tools::require("strace", "apt-get install strace")?;
    process::run(&mut cargo)
}

/// Takes the arguments after `--power`: how many states, of which seed, or the number of one state.
fn power(cargo: &mut Command, arguments: &[String]) -> Outcome {
    cargo.arg("power_loss::").env("CERTFERRY_POWER_STATES", STATES);
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { return Err(format!("{} needs a number", pair.concat())) };
        let name = match option.as_str() {
            "--states" => "CERTFERRY_POWER_STATES",
            "--seed" => "CERTFERRY_POWER_SEED",
            "--from" => "CERTFERRY_POWER_FROM",
            _ => return Err(format!("unknown argument `{option}`")),
        };
        let number: u64 = value.parse().map_err(|_| format!("{option} takes a number, not `{value}`"))?;
        cargo.env(name, number.to_string());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::power;

    fn said(line: &str) -> Result<Vec<String>, String> {
        let mut cargo = Command::new("cargo");
        let arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        power(&mut cargo, &arguments)?;
        let text = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
            format!("{}={}", name.display(), value.unwrap_or_default().display())
        };
        Ok(cargo.get_envs().map(text).collect())
    }

    #[test]
    fn a_state_is_named_by_its_number() {
        assert_eq!(said(""), Ok(vec!["CERTFERRY_POWER_STATES=100000".to_owned()]));
        let all = said("--states 5 --seed 2 --from 7");
        let names = ["CERTFERRY_POWER_FROM=7", "CERTFERRY_POWER_SEED=2", "CERTFERRY_POWER_STATES=5"];
        assert_eq!(all, Ok(names.map(str::to_owned).into()));
        assert_eq!(said("--from"), Err("--from needs a number".to_owned()));
        assert_eq!(said("--from one"), Err("--from takes a number, not `one`".to_owned()));
        assert_eq!(said("--to 1"), Err("unknown argument `--to`".to_owned()));
    }
}
