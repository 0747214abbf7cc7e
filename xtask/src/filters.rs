//! The names by which a step selects the tests that only it runs, because all integration tests are one program.
//!
//! A test that is too slow for a program not made for release begins with `release_`, and one that is too slow for every
//! day with `long_`. A golden test, whose bytes must not depend on the build, is in the module `golden` or begins with
//! `golden_`. A test that runs Kubernetes' programs begins with `kube_`.

/// The names of golden tests. With [`BLESS`] set to 1 they rewrite their files instead of comparing.
pub(crate) const GOLDEN: [&str; 2] = ["::golden_", "golden::"];

/// The names of the tests that are too slow for a program not made for release. Each is ignored unless a step asks for it.
pub(crate) const RELEASE: &str = "::release_";

/// The names of the tests that take too long for every day. Each is ignored unless `cargo xtask long` asks for it.
pub(crate) const LONG: &str = "::long_";

/// The names of the tests that run the programs in [`KUBE_BIN_DIR`]. Each is ignored unless a step asks for it.
pub(crate) const KUBERNETES: &str = "::kube_";

/// The variable that makes golden tests rewrite their files when it is 1.
pub(crate) const BLESS: &str = "CERTFERRY_BLESS";

/// The variable that names the program for the tests to run in place of the one that cargo built beside them.
pub(crate) const PROGRAM: &str = "CERTFERRY_PROGRAM";

/// The variable that names the folder with Kubernetes' programs.
pub(crate) const KUBE_BIN_DIR: &str = "KUBE_BIN_DIR";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use std::fs;

    use walkdir::WalkDir;

    use super::BLESS;
    use crate::process;

    /// The attributes that exclude a test from those of every day, each with the beginning of the test's name.
    const MARKS: [(&str, &str); 3] = [
        ("#[ignore = \"release only\"]", "release_"),
        ("#[ignore = \"long form\"]", "long_"),
        ("#[ignore = \"needs KUBE_BIN_DIR\"]", "kube_"),
    ];

    /// Returns every source below a folder of the repository: its path in the repository, and its text.
    fn sources(folder: &str) -> Vec<(String, String)> {
        let sources = WalkDir::new(process::root().join(folder)).sort_by_file_name().into_iter();
        let paths = sources.map(|entry| entry.unwrap().into_path());
        paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| (path.strip_prefix(process::root()).unwrap().display().to_string(), path))
            .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
            .collect()
    }

    #[test]
    fn what_is_ignored_is_named_for_the_step_that_runs_it() {
        let mut ignored = 0;
        for (path, text) in sources("tests") {
            let mut lines = text.lines().map(str::trim);
            while let Some(line) = lines.next() {
                if line.starts_with("#[ignore") || line.starts_with("#[cfg_attr") && line.contains("ignore") {
                    let name = lines.find_map(|line| line.strip_prefix("fn ")).unwrap();
                    let mark = MARKS.iter().find(|(mark, _)| line.starts_with(mark));
                    assert!(mark.is_some_and(|(_, prefix)| name.starts_with(prefix)), "{path}: no step runs {name}");
                    ignored += 1;
                }
            }
        }
        assert!(ignored > MARKS.len(), "or this looked at nothing");
    }

    /// The step for release runs only integration tests, because they run the program and are not compiled for release
    /// themselves.
    #[test]
    fn no_test_of_the_library_waits_for_release() {
        for (path, text) in sources("src") {
            assert!(!text.contains("#[ignore") && !text.contains("#[cfg_attr(debug_assertions, ignore"), "{path}");
        }
    }

    #[test]
    fn what_rewrites_files_is_named_golden() {
        let blessing: Vec<_> = sources("tests").into_iter().filter(|(_, text)| text.contains(BLESS)).collect();
        assert!(blessing.len() > 1);
        for (path, text) in blessing {
            assert!(path == "tests/golden.rs" || text.contains("#[test]\nfn golden_"), "{path}");
        }
    }
}
