//! `cargo xtask msrv [TOOLCHAIN]`: checks that the oldest Rust that `Cargo.toml` promises takes every crate and test.
//!
//! There is no `rust-toolchain.toml`, because a builder without a network has one toolchain and must not be sent to
//! fetch another. So this check runs only when it is asked for by name, uses a toolchain that is installed, and
//! installs none.

use std::fs;

use crate::{Outcome, process};

/// Checks all targets with the toolchain, by default the one of `rust-version`, in a target folder of its own.
///
/// # Errors
/// Fails when rustup has no such toolchain, with the way to get it, and when something does not compile.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let manifest = process::root().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let promised = rust_version(&text).ok_or("Cargo.toml names no rust-version")?;
    let toolchain = match arguments {
        [] => promised,
        [toolchain] if !toolchain.starts_with('-') => toolchain,
        [_, argument, ..] | [argument] => return Err(format!("unknown argument `{argument}`")),
    };
    let rustup = |arguments: &[&str]| {
        let mut command = process::command("rustup");
        // A cargo that rustup started would hand its own toolchain on.
        command.env_remove("RUSTUP_TOOLCHAIN").args(["run", toolchain]).args(arguments);
        command
    };
    if !process::succeeds(&mut rustup(&["rustc", "--version"])) {
        let hint = format!("rustup toolchain install {toolchain} --profile minimal");
        return Err(format!("rustup has no toolchain {toolchain}\nhint: {hint}"));
    }
    let rustc = process::output(&mut rustup(&["rustc", "--version"]))?;
    println!("xtask: the oldest Rust promised is {promised}; checking with {}", rustc.trim());
    let target = process::root().join("target/msrv");
    let mut check = rustup(&["cargo", "check", "--workspace", "--all-targets", "--locked", "--target-dir"]);
    process::run(check.arg(target))
}

/// Returns the value of `rust-version` in the workspace's manifest.
fn rust_version(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version"))?;
    line.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::{run, rust_version};

    #[test]
    fn the_version_is_read_from_the_manifest() {
        assert_eq!(rust_version("[workspace.package]\nrust-version = \"1.89\"\n"), Some("1.89"));
        assert_eq!(rust_version("[package]\nrust-version.workspace = true\n"), None);
    }

    #[test]
    fn other_arguments_are_refused() {
        assert_eq!(run(&["--all".to_owned()]), Err("unknown argument `--all`".to_owned()));
        assert_eq!(run(&["1.89".to_owned(), "1.90".to_owned()]), Err("unknown argument `1.90`".to_owned()));
    }
}
