//! Section 8 of the chapter `formats`, by its words alone: another implementation reads what is written, and writes
//! what is read.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use certferry::shares::split;
use certferry::words::{indices, word};

use super::{desk, words_of};
use crate::common::desk::CANARY;
use crate::common::tool;

const CHAPTER: &str = include_str!("../../src/manual/formats.md");

/// Runs the other implementation.
fn other(arguments: &[&str], input: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = tool("python3");
    python.arg(root.join("tests/paper/shamir.py")).arg(root.join("src/words/english.txt")).args(arguments);
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn another_implementation_reads_the_shares() {
    let (desk, id) = desk();
    for (shares, threshold) in [(2, 2), (5, 3), (9, 9)] {
        let folder = format!("of-{shares}");
        desk.succeed(&format!("seed split lab.seed --shares {shares} --threshold {threshold} --out {folder}"));
        for last in [threshold, shares] {
            let lines = (last - threshold + 1..=last)
                .map(|index| words_of(&desk.text(&format!("{folder}/share-{index}.txt")), 31).join(" ") + "\n");
            assert_eq!(other(&["combine"], &lines.collect::<String>()), format!("{CANARY} {id}\n"));
        }
    }
}

#[test]
fn shares_of_another_implementation_are_read() {
    let (desk, id) = desk();
    // Any coefficients do, the highest one being 0 among them.
    let coefficients = ["5a".repeat(32), CANARY.chars().rev().collect(), "00".repeat(32)];
    let made = other(&["split", "1", "200", "255", "7"], &format!("{CANARY}\n{}\n", coefficients.join("\n")));
    for (number, line) in made.lines().enumerate() {
        desk.write(&format!("{number}"), line);
        desk.set_mode(&format!("{number}"), 0o600);
    }
    desk.succeed(&format!("seed combine 3 0 2 1 --out new.seed --plain --id {id}"));
    assert_eq!(desk.text("new.seed"), format!("certferry-seed-1:{CANARY}\nseed-id {id}\n"));
}

/// The examples of the chapter.
#[test]
fn the_chapters_examples_are_right() {
    let seed: [u8; 32] = std::array::from_fn(|place| place as u8);
    let mut drawn = 0;
    // The set is 01020304, and every coefficient is 0, so that each share is the seed.
    let fill = |bytes: &mut [u8]| {
        bytes.fill(0);
        if drawn == 0 {
            bytes.copy_from_slice(&[1, 2, 3, 4]);
        }
        drawn += 1;
        true
    };
    let share = split(&seed, 3, 3, fill).unwrap_or_else(|error| panic!("{error}")).remove(1);
    let section = CHAPTER.split("\n## 8. ").nth(1).unwrap();
    let example = |name: &str| {
        let (_, rest) = section.rsplit_once(&format!("\n{name}")).unwrap_or_else(|| panic!("{name}"));
        let value = ["\n\n", "\nSHA-256", "\n```"].iter().fold(rest, |value, end| value.split(end).next().unwrap());
        value.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let line = |indices: &[u16]| indices.iter().map(|index| word(*index)).collect::<Vec<_>>().join(" ");
    assert_eq!(line(&indices(&seed)), example("words of the seed "));
    assert_eq!(line(&share.indices()), example("words of the share "));
    assert_eq!(share.checksum(), example("checksum "));
    assert_eq!(share.sha256(), example("SHA-256 "));
}
