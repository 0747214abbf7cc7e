//! The traps of a rotation: each is proved by something that exists, and the chapter has their table.

use std::collections::BTreeSet;

use certferry::doctor::RULES;
use certferry::kubernetes::{Check, TRAPS};
use certferry::layout::scripts::ROTATION;

use crate::common::{certferry, succeed};

#[test]
fn every_check_exists() {
    let rules: BTreeSet<&str> = RULES.into_iter().flatten().map(|rule| rule.id).collect();
    let mut steps = BTreeSet::new();
    for trap in TRAPS {
        for check in trap.checks {
            match check {
                Check::Rule(rule) => assert!(rules.contains(rule), "{}: {rule}", trap.id),
                Check::Step(step) => {
                    assert!(ROTATION.contains(&format!("\n{step}() {{\n")), "{}: {step}", trap.id);
                    steps.insert(*step);
                }
                Check::Line(line) => {
                    let program = line.split(' ').next().unwrap();
                    assert!(["certferry", "etcdctl", "kubectl"].contains(&program), "{}: {line}", trap.id);
                }
            }
        }
    }
    // And every step of the script is for a trap, but for the mark of the phase itself.
    let of_script =
        ROTATION.lines().filter_map(|line| line.strip_suffix("() {")).filter(|name| name.starts_with("step_"));
    assert_eq!(of_script.filter(|name| *name != "step_marker").collect::<BTreeSet<_>>(), steps);
}

fn table(arguments: &[&str]) -> Vec<String> {
    let chapter = succeed(certferry().args(arguments));
    let is_row = |line: &&str| ["| 1 | ", "| 2 | ", "| 3 | "].iter().any(|start| line.starts_with(start));
    chapter.lines().filter(is_row).filter(|line| line.matches(" | ").count() == 4).map(str::to_owned).collect()
}

#[test]
fn the_chapter_has_every_trap() {
    let expected: Vec<_> = TRAPS.iter().map(|trap| trap.row()).collect();
    assert_eq!(table(&["help", "rotation", "--markdown"]), expected);
}

/// Phase, subject and proof are the same in both languages.
#[test]
fn the_korean_chapter_has_every_trap() {
    let facts = |row: &String| {
        let cells: Vec<_> = row.split(" | ").collect();
        [cells[0].to_owned(), cells[2].to_owned(), cells[4].to_owned()]
    };
    let expected: Vec<_> = TRAPS.iter().map(|trap| facts(&trap.row())).collect();
    let korean = table(&["help", "rotation", "--markdown", "--lang", "ko"]);
    assert_eq!(korean.iter().map(facts).collect::<Vec<_>>(), expected);
}
