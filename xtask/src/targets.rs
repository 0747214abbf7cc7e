//! Which tests a step of their own runs: optimised those too slow without, and the golden files, whose bytes must not depend
//! on the build; with `KUBE_BIN_DIR` those of Kubernetes' own programs.
//!
//! A target is found by what its source says, so that no list can forget it. A slow test carries
//! `#[cfg_attr(debug_assertions, ignore = "release only")]`; a golden test reads the variable `CERTFERRY_BLESS`; a test that
//! runs Kubernetes' programs carries `#[ignore = "needs KUBE_BIN_DIR"]`.

use std::{collections::BTreeSet, fs, io, path::Path};

use walkdir::WalkDir;

/// Marks a test that only runs in release: the condition of its `ignore`.
pub(crate) const RELEASE_ONLY: &str = "cfg_attr(debug_assertions, ignore";

/// With this variable set to 1, golden tests rewrite their files instead of comparing.
pub(crate) const BLESS: &str = "CERTFERRY_BLESS";

/// The variable that names the folder with Kubernetes' programs.
pub(crate) const KUBERNETES: &str = "KUBE_BIN_DIR";

/// Marks a test that runs them.
const NEEDS_KUBERNETES: &str = "#[ignore = \"needs KUBE_BIN_DIR\"]";

/// The arguments of `cargo test` that name every target with a test that runs Kubernetes' programs.
///
/// # Errors
/// When a source file cannot be read.
pub(crate) fn kubernetes_targets(root: &Path) -> io::Result<Vec<String>> {
    targets(root, &[NEEDS_KUBERNETES])
}

/// The arguments of `cargo test` that name every target with a test for release, or with golden files.
///
/// # Errors
/// When a source file cannot be read.
pub(crate) fn release_targets(root: &Path) -> io::Result<Vec<String>> {
    targets(root, &[RELEASE_ONLY, BLESS])
}

/// The arguments of `cargo test` that name every target with golden files.
///
/// # Errors
/// When a source file cannot be read.
pub(crate) fn golden_targets(root: &Path) -> io::Result<Vec<String>> {
    targets(root, &[BLESS])
}

fn targets(root: &Path, marks: &[&str]) -> io::Result<Vec<String>> {
    let mut arguments = Vec::new();
    if !marked(&root.join("src"), Path::new(""), marks)?.is_empty() {
        arguments.push("--lib".to_owned());
    }
    for name in marked(&root.join("tests"), Path::new("main.rs"), marks)? {
        arguments.extend(["--test".to_owned(), name]);
    }
    Ok(arguments)
}

/// The first path components, without `.rs`, of all marked sources below a folder. A folder counts as a target when it holds `main`:
/// cargo takes `tests/x/main.rs` for a target and `tests/common/mod.rs` for none.
fn marked(folder: &Path, main: &Path, marks: &[&str]) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    if !folder.exists() {
        return Ok(names);
    }
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let path = entry?.into_path();
        let Some(first) = path.strip_prefix(folder).ok().and_then(|below| below.iter().next()) else { continue };
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        let is_target = path.parent() == Some(folder) || folder.join(first).join(main).exists();
        if is_source && is_target {
            let text = fs::read_to_string(&path)?;
            if marks.iter().any(|mark| text.contains(mark)) {
                names.insert(first.to_string_lossy().trim_end_matches(".rs").to_owned());
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use std::{fs, path::Path};

    use super::{golden_targets, kubernetes_targets, release_targets};

    #[test]
    fn targets_are_found_by_their_marks() {
        let root = std::env::temp_dir().join(format!("xtask-release-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let slow = "#[cfg_attr(debug_assertions, ignore = \"release only\")]";
        write("tests/plain.rs", "#[test] fn t() {}");
        write("tests/slow.rs", slow);
        write("tests/golden/main.rs", "mod files;");
        write("tests/golden/files.rs", "const VARIABLE: &str = \"CERTFERRY_BLESS\";");
        write("tests/common/mod.rs", "// CERTFERRY_BLESS");
        write("tests/facts/notes.txt", "CERTFERRY_BLESS");
        write("tests/kube.rs", "#[test]\n#[ignore = \"needs KUBE_BIN_DIR\"]\nfn t() {}");
        assert_eq!(kubernetes_targets(&root).unwrap(), ["--test", "kube"]);
        assert_eq!(release_targets(&root).unwrap(), ["--test", "golden", "--test", "slow"]);
        assert_eq!(golden_targets(&root).unwrap(), ["--test", "golden"]);
        write("src/keys/rsa.rs", slow);
        assert_eq!(release_targets(&root).unwrap(), ["--lib", "--test", "golden", "--test", "slow"]);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(release_targets(Path::new("/nowhere")).unwrap(), [""; 0]);
    }
}
