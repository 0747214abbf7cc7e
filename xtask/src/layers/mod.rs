//! Checks that imports follow the table of rooms.
//!
//! Why: an architecture holds only while its arrows do, and reviewers tire.
//!
//! Input: the sources under `src` and the table of rooms ([`rooms`]).
//!
//! Output: a list of every import or use that the table does not allow, with file and line.
//!
//! What it refuses: an arrow that is not in the table, a room that is not in the table, a name taken from the crate's
//! root (which hides the room it comes from), a glob import, the use of files, environment, clock or terminal outside
//! the outer rooms, and a circle of files inside a room ([`circles`]).
//!
//! Unit tests may import and touch what they like, because they are not shipped. Only globs are refused there as well.

mod circles;
mod file;
mod rooms;
mod source;

use std::{collections::BTreeSet, fs, path::Path};

use walkdir::WalkDir;

use self::{
    file::File,
    rooms::{MACHINE, PRINTING, Room},
    source::{Kind, Mention},
};
use crate::{Outcome, no_arguments, process};

/// Checks every source under `src`.
///
/// # Errors
/// Returns every line that breaks a rule.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let files = read(process::root())?;
    let findings = check(&files);
    if findings.is_empty() {
        println!("{} files keep to the table of rooms", files.len());
        return Ok(());
    }
    Err(format!("{}\nhint: the table is in xtask/src/layers/rooms.rs", findings.join("\n")))
}

fn read(root: &Path) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    for entry in WalkDir::new(root.join("src")).sort_by_file_name() {
        let entry = entry.map_err(|error| error.to_string())?;
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let name = path.to_string_lossy().into_owned();
            let text = fs::read_to_string(entry.path()).map_err(|error| format!("{name}: {error}"))?;
            files.push(File::read(&name, &text)?);
        }
    }
    Ok(files)
}

/// Returns everything that breaks a rule, in the order of the files and lines.
fn check(files: &[File]) -> Vec<String> {
    let test_modules: BTreeSet<&Vec<String>> = files.iter().flat_map(|file| &file.source.test_modules).collect();
    let mut findings = Vec::new();
    let mut tests = BTreeSet::new();
    for (index, file) in files.iter().enumerate() {
        let is_test = test_modules.iter().any(|test| file.module.starts_with(test));
        tests.extend(is_test.then_some(index));
        let room = file.module.first().map(|name| (name, rooms::room(name)));
        if let Some((name, None)) = room {
            findings.push(format!("{}: no room `{name}` in the table", file.name));
            continue;
        }
        let room = room.and_then(|(_, room)| room);
        for mention in &file.source.mentions {
            if let Some(problem) = problem(mention, room, is_test) {
                findings.push(format!("{}:{}: {problem}", file.name, mention.line));
            }
        }
    }
    findings.extend(circles::circles(files, &tests));
    findings
}

/// Returns what is wrong with a mention in a room, or in `lib.rs` when there is no room.
fn problem(mention: &Mention, room: Option<&Room>, is_test: bool) -> Option<String> {
    let path = mention.path.join("::");
    if mention.kind == Kind::Glob {
        return Some(format!("glob import `{path}::*`: name what you use"));
    }
    if is_test || mention.in_test {
        return None;
    }
    if !room.is_some_and(|room| room.touches_machine)
        && let Some(reached) = reaches_machine(mention)
    {
        return Some(format!("`{path}` reaches {reached}: only cli and host may, pass it in as an argument"));
    }
    match mention.path.split_first() {
        Some((first, rest)) if first == "crate" => room.and_then(|room| forbidden_arrow(room, rest)),
        _ => None,
    }
}

fn reaches_machine(mention: &Mention) -> Option<&'static str> {
    if mention.kind == Kind::Macro {
        let name = mention.path.last()?;
        return PRINTING.contains(&name.as_str()).then_some("the terminal");
    }
    let begins = |prefix: &str| {
        let mut names = mention.path.iter();
        prefix.split("::").all(|wanted| names.next().is_some_and(|found| found == wanted))
    };
    MACHINE.iter().find(|(prefix, _)| begins(prefix)).map(|(_, reached)| *reached)
}

/// Returns what is wrong with an arrow from a room. `path` begins at the crate's root, without `crate`.
fn forbidden_arrow(room: &Room, path: &[String]) -> Option<String> {
    let target = path.first()?;
    if target == room.name || room.may_import(path) {
        return None;
    }
    let path = path.join("::");
    Some(match rooms::room(target) {
        Some(_) => format!("{} may not import `{path}`", room.name),
        None => format!("`crate::{path}` hides the room it comes from: import it from there"),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use super::file::File;
    use super::{check, read};
    use crate::process;

    fn findings(sources: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = sources.iter().map(|(name, text)| File::read(name, text).unwrap()).collect();
        check(&files)
    }

    #[test]
    fn arrows_of_the_table_pass() {
        let sources = [
            ("src/lib.rs", "pub mod plan;\npub use profile::Profile;"),
            ("src/main.rs", "use std::process::ExitCode; fn main() -> ExitCode { certferry::cli::main() }"),
            (
                "src/plan/mod.rs",
                "use crate::{keys::Label, profile::Profile}; use self::names::Name; use std::net::IpAddr;",
            ),
            ("src/plan/names.rs", "use super::Plan; use crate::plan::Name;"),
            ("src/host/files.rs", "use std::fs; fn f() { let now = std::time::SystemTime::now(); eprintln!(); }"),
            ("src/node/apply.rs", "use crate::host::files;"),
        ];
        assert_eq!(findings(&sources), [""; 0]);
    }

    #[test]
    fn other_arrows_are_named_with_their_line() {
        let sources = [
            ("src/profile/mod.rs", "\nuse crate::{plan::Plan, x509::KeyAlgorithm};"),
            ("src/plan/names.rs", "fn f(seed: &super::super::keys::Seed) {}"),
            ("src/verify/mod.rs", "use crate::Profile;"),
            ("src/attic/mod.rs", "use crate::cli;"),
            ("src/issue/mod.rs", "use det_keygen::Engine;"),
            ("src/det_keygen/rsa.rs", "use super::prime::Search; use super::super::keys::Seed;"),
        ];
        let expected = [
            "src/profile/mod.rs:2: profile may not import `plan::Plan`",
            "src/plan/names.rs:1: plan may not import `keys::Seed`",
            "src/verify/mod.rs:1: `crate::Profile` hides the room it comes from: import it from there",
            "src/attic/mod.rs: no room `attic` in the table",
            "src/issue/mod.rs:1: issue may not import `det_keygen::Engine`",
            "src/det_keygen/rsa.rs:1: det_keygen may not import `keys::Seed`",
        ];
        assert_eq!(findings(&sources), expected);
    }

    #[test]
    fn the_machine_stays_outside() {
        let source = "use std::{env, fs::File, io};\nfn f() {\n io::stdout();\n println!();\n time::OffsetDateTime::now_utc();\n}";
        let lines: Vec<String> = findings(&[("src/keys/mod.rs", source)]);
        let expected = [
            ":1: `std::env` reaches the environment",
            ":1: `std::fs::File` reaches the disk",
            ":3: `std::io::stdout` reaches the terminal",
            ":4: `println` reaches the terminal",
            ":5: `time::OffsetDateTime::now_utc` reaches the clock",
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(&format!("src/keys/mod.rs{expected}")), "{line}");
        }
        assert_eq!(findings(&[("src/lib.rs", "fn f() { println!(); }")]).len(), 1);
    }

    #[test]
    fn tests_may_touch_everything_but_globs() {
        let sources = [
            (
                "src/keys/mod.rs",
                "#[cfg(test)] mod tests { use std::fs; use crate::plan::Plan; use super::*; }\n#[cfg(test)] mod more;",
            ),
            ("src/keys/more.rs", "use std::fs; use crate::plan::Plan;"),
        ];
        assert_eq!(findings(&sources), ["src/keys/mod.rs:1: glob import `crate::keys::*`: name what you use"]);
    }

    #[test]
    fn a_circle_of_files_is_told_with_every_arrow() {
        let sources = [
            ("src/plan/mod.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\npub(crate) use b::B;\npub use c::C;"),
            ("src/plan/a.rs", "use super::B;\npub struct A(B);"),
            ("src/plan/b.rs", "use std::fmt;\npub struct B(Option<Box<crate::plan::C>>);"),
            ("src/plan/c.rs", "use super::a;\npub struct C;\nimpl From<a::A> for C {}"),
        ];
        let expected = "circle of files: src/plan/a.rs -> src/plan/b.rs -> src/plan/c.rs -> src/plan/a.rs
  src/plan/a.rs:1: `crate::plan::B` is of src/plan/b.rs
  src/plan/b.rs:2: `crate::plan::C` is of src/plan/c.rs
  src/plan/c.rs:3: `crate::plan::a::A` is of src/plan/a.rs";
        assert_eq!(findings(&sources), [expected]);
    }

    #[test]
    fn of_a_knot_the_shortest_circle_is_told_and_of_each_knot_one() {
        let sources = [
            ("src/plan/mod.rs", "mod a;\nmod b;\nmod c;\nmod d;\nmod e;"),
            ("src/plan/a.rs", "use super::b::B;\nuse super::c::C;"),
            ("src/plan/b.rs", "use super::c::C;"),
            ("src/plan/c.rs", "use super::a::A;"),
            ("src/plan/d.rs", "use super::e::E;"),
            ("src/plan/e.rs", "use super::d::D; use super::a::A;"),
        ];
        let firsts: Vec<_> = findings(&sources).iter().map(|text| text.lines().next().unwrap().to_owned()).collect();
        let expected = [
            "circle of files: src/plan/a.rs -> src/plan/c.rs -> src/plan/a.rs",
            "circle of files: src/plan/d.rs -> src/plan/e.rs -> src/plan/d.rs",
        ];
        assert_eq!(firsts, expected);
    }

    #[test]
    fn a_parent_may_declare_and_reexport_but_not_use_who_uses_it() {
        let child = ("src/plan/a.rs", "use super::Plan;\npub struct A(Plan);\npub fn make() {}");
        let of = |parent: &str| findings(&[("src/plan/mod.rs", parent), child]).len();
        assert_eq!(of("mod a;\npub use a::{A, make as a};\npub struct Plan;"), 0);
        assert_eq!(of("mod a;\npub(super) use self::a::A;\npub struct Plan;"), 0);
        assert_eq!(of("mod a;\npub struct Plan;\nfn f() { a::make(); }"), 1);
        assert_eq!(of("mod a;\nuse a::make;\npub struct Plan;\nfn f() { make(); }"), 1);
        assert_eq!(of("mod a;\npub use a::A;\npub struct Plan(Option<A>);"), 1);
        // The parent uses the child, and the child uses what another file defines.
        let other = ("src/plan/b.rs", "pub struct Plan;");
        let parent = ("src/plan/mod.rs", "mod a;\nmod b;\npub use b::Plan;\nfn f() { a::make(); }");
        assert_eq!(findings(&[parent, child, other]), [""; 0]);
    }

    #[test]
    fn what_only_tests_name_makes_no_circle() {
        let sources = [
            ("src/plan/mod.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod tests;"),
            ("src/plan/a.rs", "use super::b::B;"),
            ("src/plan/b.rs", "#[cfg(test)]\nmod tests { use crate::plan::a::A; }"),
            ("src/plan/tests.rs", "use super::a::A;\npub struct T;"),
        ];
        assert_eq!(findings(&sources), [""; 0]);
    }

    #[test]
    fn our_own_sources_are_read() {
        let files = read(process::root()).unwrap();
        assert!(files.iter().any(|file| file.name == "src/lib.rs" && file.module.is_empty()));
    }
}
