//! `cargo xtask fuzz [TARGET] [SECONDS]`: has libFuzzer look for inputs that the tests did not think of.
//!
//! The targets are in `tests/fuzz`. `cargo test` runs them too, over the seeds and some thousand changes of them.
//! libFuzzer keeps what it learns in `target/fuzz/corpus`, and what it finds in `tests/fuzz/artifacts`.

use std::{fs, path::Path};

use crate::{Outcome, process, tools};

/// The seconds for which each target runs by default.
const SECONDS: u32 = 60;

/// Runs one target, or all of them one after the other.
///
/// # Errors
/// Fails when a program is missing, and when a target finds something.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let folder = process::root().join("tests/fuzz");
    let targets = targets(&folder.join("targets")).map_err(|error| error.to_string())?;
    let (targets, seconds) = choose(arguments, targets)?;
    prepare()?;
    for target in targets {
        println!("xtask: fuzzing {target} for {seconds} s");
        fuzz(&folder, &target, seconds)?;
    }
    Ok(())
}

/// Returns the names of all targets, in order.
fn targets(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(stem) = entry?.path().file_stem() {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Returns the targets that the arguments choose, and the seconds for each.
fn choose(arguments: &[String], targets: Vec<String>) -> Result<(Vec<String>, u32), String> {
    let (chosen, rest) = match arguments.split_first() {
        Some((name, rest)) if targets.contains(name) => (vec![name.clone()], rest),
        _ => (targets.clone(), arguments),
    };
    match rest {
        [] => Ok((chosen, SECONDS)),
        [text] => match text.parse() {
            Ok(seconds) if seconds > 0 => Ok((chosen, seconds)),
            _ => Err(format!("neither a target nor a number of seconds: `{text}`\nhint: {}", targets.join(", "))),
        },
        [_, more, ..] => Err(format!("unknown argument `{more}`")),
    }
}

/// Requires cargo-fuzz and a C++ compiler, because libFuzzer is C++ and is compiled with the targets.
fn prepare() -> Outcome {
    tools::require("g++", "apt-get install g++")?;
    match process::succeeds(process::cargo().args(["fuzz", "--version"])) {
        true => Ok(()),
        false => Err("missing program: cargo-fuzz\nhint: cargo install cargo-fuzz --locked".to_owned()),
    }
}

fn fuzz(folder: &Path, target: &str, seconds: u32) -> Outcome {
    let root = process::root();
    let corpus = root.join("target/fuzz/corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    // Runs without a sanitizer, because certferry's unsafe code touches no memory. So a stable compiler will do.
    let mut command = process::cargo();
    command.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"]).arg(folder);
    command.arg("--target-dir").arg(root.join("target/fuzz")).arg(target).arg(corpus);
    for seeds in [folder.join("seeds").join(target)].into_iter().chain(other_seeds(root, target)) {
        if seeds.exists() {
            command.arg(seeds);
        }
    }
    let limits = [format!("-max_total_time={seconds}"), "-timeout=20".to_owned(), "-max_len=65536".to_owned()];
    process::run(command.arg("--").args(limits).arg("-print_final_stats=1"))
        .map_err(|error| format!("{error}\n{target} found something: see tests/fuzz/artifacts/{target}"))
}

/// Returns the folders of seeds that the repository has for other reasons.
fn other_seeds(root: &Path, target: &str) -> Vec<std::path::PathBuf> {
    let folders: &[&str] = match target {
        "profile" => &["profiles", "tests/profile_errors"],
        "record" => &["src/bundle/testdata"],
        _ => &[],
    };
    folders.iter().map(|folder| root.join(folder)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use super::{SECONDS, choose, process, targets};

    fn chosen(arguments: &[&str]) -> Result<(Vec<String>, u32), String> {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        choose(&arguments, vec!["archive".to_owned(), "lock".to_owned()])
    }

    #[test]
    fn target_and_seconds_may_be_given() {
        let all = || vec!["archive".to_owned(), "lock".to_owned()];
        let lock = || vec!["lock".to_owned()];
        assert_eq!(chosen(&[]), Ok((all(), SECONDS)));
        assert_eq!(chosen(&["600"]), Ok((all(), 600)));
        assert_eq!(chosen(&["lock"]), Ok((lock(), SECONDS)));
        assert_eq!(chosen(&["lock", "5"]), Ok((lock(), 5)));
        for wrong in [&["look"][..], &["lock", "0"], &["lock", "-1"], &["5", "lock"], &["lock", "5", "6"]] {
            assert!(chosen(wrong).is_err(), "{wrong:?}");
        }
    }

    /// cargo-fuzz finds targets by the manifest, and the smoke test by its own list.
    #[test]
    fn every_target_is_in_the_manifest_and_in_the_library() {
        let folder = process::root().join("tests/fuzz");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let library = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        let names = targets(&folder.join("targets")).unwrap();
        assert_eq!(names.len(), manifest.matches("[[bin]]").count());
        for name in names {
            assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
            assert!(library.contains(&format!("(\"{name}\", {name}::run)")), "{name}");
        }
    }
}
