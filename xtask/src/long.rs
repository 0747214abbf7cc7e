//! `cargo xtask long`: runs with the static program what takes too long for every day: install.sh on each hostile bundle,
//! and killed at each call of its tools; every changed byte and every cut of a bundle; more changed copies of what the
//! readers read; the fleet with the newest Ansible. `cargo xtask test` takes some of each.

use std::path::PathBuf;

use crate::{Outcome, dist, filters, no_arguments, process, tools};

/// Builds the static program and runs the tests of this kind.
///
/// # Errors
/// Fails when a program is missing, the build fails or a test fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    tools::prepare()?;
    let ansible = newest_ansible()?;
    dist::run(&[])?;
    let mut cargo = process::cargo();
    cargo.args(["test", "--test=main", "--locked", "--", "--ignored", filters::LONG]).env("ANSIBLE_BIN_DIR", ansible);
    process::run(cargo.env(filters::PROGRAM, dist::built()).env("CERTFERRY_DIST", dist::program()))
}

/// Returns the folder of the newest Ansible that this machine's Python runs, installed with pip into `target/ansible`.
fn newest_ansible() -> Result<PathBuf, String> {
    let folder = process::root().join("target/ansible");
    let hint = |error| format!("{error}\nhint: apt-get install python3-venv");
    process::run(process::command("python3").args(["-m", "venv"]).arg(&folder)).map_err(hint)?;
    let pip = folder.join("bin/pip").display().to_string();
    process::run(process::command(&pip).args(["install", "--quiet", "--upgrade", "ansible-core"]))?;
    Ok(folder.join("bin"))
}
