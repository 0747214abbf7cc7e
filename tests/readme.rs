//! The README's first command does what the README says it does.

use std::fs;
use std::path::Path;

use crate::common::{certferry, succeed};

/// Every run of 64 hex digits becomes `HASH`, and eight groups of four `GROUPS`: another seed makes others.
fn without_hashes(text: &str) -> String {
    let is_group = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_groups = |line: &str| line.split_whitespace().count() == 8 && line.split_whitespace().all(is_group);
    let lines: Vec<_> = text.lines().map(|line| if is_groups(line) { "GROUPS" } else { line }).collect();
    assert_eq!(lines.iter().filter(|line| **line == "GROUPS").count(), 2);
    let text = lines.join("\n");
    let mut words = Vec::new();
    for word in text.split_inclusive([' ', '\n']) {
        match word.trim_end().strip_prefix("sha256:") {
            Some(hash) => {
                assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{word}");
                words.push(word.replace(hash, "HASH"));
            }
            None => words.push(word.to_owned()),
        }
    }
    words.concat()
}

#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.strip_prefix("    cargo run --release -- ")).unwrap();
    let shown = readme.split("```\n").nth(1).unwrap();

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("profiles")).unwrap();
    for entry in fs::read_dir(root.join("profiles")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join("profiles").join(path.file_name().unwrap())).unwrap();
    }
    let printed = succeed(certferry().args(line.split(' ')).current_dir(folder.path()));
    assert_eq!(without_hashes(&printed), without_hashes(shown), "{line}");
    assert_ne!(printed, shown, "another seed makes other keys");
    let listed = printed.lines().filter_map(|line| line.strip_prefix("  out/")).count();
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), listed, "no file but those it names");
}
