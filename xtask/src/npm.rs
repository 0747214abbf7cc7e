//! What the tests take from npm: another implementation of age, and age's public test vectors.

use std::{fs, path::Path};

use crate::{Outcome, process};

/// The files that pin the packages, each with the hash of its content.
const PINS: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs the packages of `tests/seal/npm` into `target/npm`, unless they are there. No script of theirs is run.
///
/// # Errors
/// Fails when npm does.
pub(crate) fn prepare() -> Outcome {
    let (pins, folder) = (process::root().join("tests/seal/npm"), process::root().join("target/npm"));
    if is_installed(&pins, &folder) {
        return Ok(());
    }
    println!("xtask: installing what tests take from npm");
    let copied = fs::create_dir_all(&folder)
        .and_then(|()| PINS.iter().try_for_each(|name| fs::copy(pins.join(name), folder.join(name)).map(drop)));
    copied.map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut npm = process::command("npm");
    process::run(npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))
}

/// Returns whether npm has installed what is pinned: it writes its own list when it is done.
fn is_installed(pins: &Path, folder: &Path) -> bool {
    let is_same = |name: &str| match (fs::read(pins.join(name)), fs::read(folder.join(name))) {
        (Ok(wanted), Ok(found)) => wanted == found,
        _ => false,
    };
    PINS.iter().all(|name| is_same(name)) && folder.join("node_modules/.package-lock.json").is_file()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use std::fs;

    use super::{PINS, is_installed};

    #[test]
    fn what_is_not_what_is_pinned_is_not_installed() {
        let root = std::env::temp_dir().join(format!("xtask-npm-{}", std::process::id()));
        let (pins, folder) = (root.join("pins"), root.join("folder"));
        fs::create_dir_all(&pins).unwrap();
        fs::create_dir_all(folder.join("node_modules")).unwrap();
        for name in PINS {
            fs::write(pins.join(name), "1").unwrap();
            fs::write(folder.join(name), "1").unwrap();
        }
        assert!(!is_installed(&pins, &folder), "npm was not done");
        fs::write(folder.join("node_modules/.package-lock.json"), "").unwrap();
        assert!(is_installed(&pins, &folder));
        fs::write(folder.join(PINS[1]), "2").unwrap();
        assert!(!is_installed(&pins, &folder));
        fs::remove_dir_all(root).unwrap();
    }
}
