//! The exact text of every refusal and warning: `profile_errors/*.toml` with `*.stderr` beside it.
//!
//! With `CERTFERRY_BLESS=1` the texts are rewritten; look at the difference before committing it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use certferry::cli::problems::render;
use certferry::profile::{Parsed, Problem, parse};

fn toml_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn problems(source: &[u8]) -> Vec<Problem> {
    parse(source).map_or_else(|problems| problems, |parsed| parsed.warnings)
}

#[test]
fn every_refusal_has_its_text() {
    let bless = std::env::var_os("CERTFERRY_BLESS").is_some();
    let mut wrong = Vec::new();
    for file in toml_files("tests/profile_errors") {
        let source = fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = render(name, &source, &problems(&source));
        let expected_file = file.with_extension("stderr");
        if bless {
            fs::write(&expected_file, &text).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if text.is_empty() || text != expected {
            wrong.push(format!("--- {name}: expected\n{expected}\n+++ found\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
