//! Hostile archives, each signed with the right key, so that nothing but the reader stands between them and the disk.
//!
//! One case per rule of the format: `verify` and `unpack` refuse it with the reason, nothing is written inside or
//! outside the folder to unpack to, and neither memory nor time grows with what the archive claims.

pub mod archive;
pub mod bundle;
mod install_script;
mod limits;
mod rules;

use crate::common;
use std::fs;
use std::process::Output;

use crate::common::desk::Desk;
use bundle::{Bundle, public_key};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rules::Case;

/// Everything that is run on a hostile archive; `jail` is there so that `..` leads to a place that is watched.
const COMMANDS: [&str; 2] =
    ["verify b.tar.gz --key lab.pub", "unpack b.tar.gz --key lab.pub --node cp-1 --root jail/root"];

/// The far side, with this archive.
fn carry(archive: &[u8]) -> Desk {
    let desk = Desk::new();
    desk.write("b.tar.gz", archive);
    desk.write("lab.pub", public_key());
    fs::create_dir(desk.path("jail")).unwrap();
    desk
}

/// What `verify` and `unpack` say.
fn refusal(reason: &str) -> String {
    let hint = if reason.starts_with("the signature of") {
        "it was changed on its way, or another key signed it: compare --key with the fingerprint on paper"
    } else if reason.starts_with("it begins with") || reason == "it is not gzip as a bundle is" {
        "give the file CLUSTER-gN.tar.gz as `certferry build` wrote it, not unpacked or packed anew"
    } else {
        "nothing was written; carry the bundle again"
    };
    format!("error: b.tar.gz is refused: {reason}\nhint: {hint}\n")
}

/// Without this, everything below could be refused for another reason than its own.
#[test]
fn the_bundle_that_every_case_changes_is_taken() {
    let desk = carry(&Bundle::genuine().packed());
    let [verify, unpack] = COMMANDS;
    // What is in the files is no part of the format, and is looked at last.
    for (line, text) in [
        (verify, "error: every signature and hash holds, but 5 files are wrong\n"),
        (unpack, "error: the files of cp-1 would not work\n"),
    ] {
        let said = String::from_utf8(common::run(&mut desk.command(line)).stderr).unwrap();
        assert!(said.starts_with(text), "{said}");
    }
    desk.succeed("split b.tar.gz --node cp-1 --out cp-1.tar.gz");
    assert_eq!(desk.names("jail"), Vec::<String>::new());
}

#[test]
fn every_rule_has_a_case_of_its_own_name() {
    let mut names: Vec<_> = rules::ALL.iter().map(|case| format!("{}: {}", case.rule, case.name)).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert!(names.len() == count && count >= 400, "{} of {count}", names.len());
}

#[test]
fn each_is_refused_with_the_reason_and_nothing_is_written() {
    let wrong: Vec<String> = rules::ALL.par_iter().filter_map(misjudged).collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// `split` looks at no signature and at no file, but takes no record that breaks the table of places.
#[test]
fn split_cuts_out_no_part_that_breaks_the_table_of_places() {
    let mut tried = 0;
    for case in rules::places::cases() {
        let desk = carry(&case.archive);
        let of = if case.rule == rules::places::CLUSTER { "--with-cluster" } else { "--node cp-1" };
        // What no signature was looked at for is not called rightly signed.
        let reason = case.reason.replace("is rightly signed but not valid", "is not valid");
        let text = format!("error: b.tar.gz is refused: {reason}\nhint: nothing was written; carry the bundle again\n");
        desk.refuse(&format!("split b.tar.gz {of} --out slice.tar.gz"), 1, &text);
        assert!(!desk.exists("slice.tar.gz"), "{}", case.name);
        tried += 1;
    }
    assert!(tried > 100, "{tried}");
}

/// How a case went wrong, if it did: all of them are told at once.
fn misjudged(Case { rule, name, archive, reason }: &Case) -> Option<String> {
    let desk = carry(archive);
    let before = desk.state();
    COMMANDS.iter().find_map(|line| {
        let Output { status, stdout, stderr } = common::run(&mut desk.command(line));
        let stderr = String::from_utf8(stderr).unwrap();
        let right = stderr == refusal(reason) && status.code() == Some(1) && stdout.is_empty();
        let changed = if desk.state() == before { "" } else { " SOMETHING WAS WRITTEN" };
        (!right || !changed.is_empty())
            .then(|| format!("{rule}: {name}: {line}: {status}{changed}\n  expected {reason}\n  found {stderr}"))
    })
}
