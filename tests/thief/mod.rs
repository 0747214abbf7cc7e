//! What a thief can do with what he has: each row of the table in the chapter `threat-model` is tried.

mod bundles;
mod forgery;
mod papers;
mod seeds;

use std::collections::BTreeSet;

use crate::canary::lab::LAB;
use crate::canary::search::Places;
use crate::common::desk::Desk;

/// The sources of the attempts.
const ATTEMPTS: [&str; 3] = [include_str!("bundles.rs"), include_str!("papers.rs"), include_str!("seeds.rs")];

/// The first cell of each row, as the name of a function.
fn rows() -> Vec<String> {
    let chapter = include_str!("../../src/manual/threat-model.md");
    let (_, section) = chapter.split_once("## What a thief of X can do\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells =
        section.lines().filter_map(|line| line.strip_prefix("| ")).map(|line| line.split(" | ").next().unwrap());
    let name = |cell: &str| {
        let words = cell.to_lowercase().replace('\'', " ").replace(|letter: char| !letter.is_alphanumeric(), " ");
        words.split_whitespace().collect::<Vec<_>>().join("_")
    };
    cells.skip(1).map(name).collect()
}

#[test]
fn each_row_of_the_chapter_is_tried_and_nothing_else() {
    let rows = rows();
    let named: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(named.len(), rows.len());
    let tests = ATTEMPTS.iter().flat_map(|source| source.split("#[test]\nfn ").skip(1));
    let tests: BTreeSet<&str> = tests.map(|rest| rest.split('(').next().unwrap()).collect();
    assert_eq!(named, tests);
}

/// A desk with a bundle in the clear in `out`, made of the sealed seed.
fn victim() -> Desk {
    let desk = LAB.desk();
    desk.succeed(&format!("build lab.toml --seed sealed.seed {} --out out", LAB.open()));
    desk
}

/// The names of the secrets that are in some bytes, compressed or not.
fn secrets_in(bytes: &[u8]) -> BTreeSet<String> {
    let mut places = Places::new();
    LAB.needles.look("it", bytes, &mut places);
    places.into_values().flatten().map(|(name, _)| name).collect()
}

/// The same of every file below a folder of a desk.
fn secrets_below(desk: &Desk, folder: &str) -> BTreeSet<String> {
    desk.names(folder)
        .iter()
        .flat_map(|name| secrets_in(&std::fs::read(desk.path(folder).join(name)).unwrap()))
        .collect()
}

/// Runs what has to be refused, whatever its words.
fn refused(desk: &Desk, line: &str) -> String {
    let ended = desk.run(line);
    assert!(matches!(ended.code, Some(1 | 2)), "{line}: {}", ended.stdout);
    ended.stderr
}
