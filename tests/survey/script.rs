//! The script itself: for every shell, within old options of openssl.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use certferry::survey::SCRIPT;

use super::{Script, control_plane, tools};
use crate::common::shells::SHELLS;
use crate::common::{end, run, succeed, tool};

/// The folder of its parts.
const PARTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/survey");

/// The parts with that ending by their names, in order.
fn parts(ending: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(PARTS).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    paths.sort();
    paths
}

#[test]
fn no_part_is_forgotten_and_they_stand_in_order() {
    let place = |path: &PathBuf| SCRIPT.find(&fs::read_to_string(path).unwrap());
    let (shell, awk) = (parts("sh"), parts("awk"));
    let places: Vec<_> = shell.iter().map(place).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{shell:?}: {places:?}");
    assert!(awk.iter().all(|path| place(path).is_some()), "{awk:?}");
    assert_eq!(shell.len() + awk.len(), fs::read_dir(PARTS).unwrap().count());
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let script = Script::new();
    let path = script.0.path().join("survey.sh");
    assert_eq!(succeed(tool("shellcheck").args(["--shell=sh", "--norc"]).arg(&path)), "");
    for shell in SHELLS {
        succeed(tool(shell[0]).args(&shell[1..]).arg("-n").arg(&path));
    }
    // What a part of the script says of the whole of it counts for each part; its variables are those of other parts.
    for path in parts("sh") {
        let exclude = "--exclude=SC2015,SC2016,SC2034,SC2153,SC2154";
        assert_eq!(succeed(tool("shellcheck").args(["--shell=sh", "--norc", exclude]).arg(path)), "");
    }
}

/// A single quote would end the text of the shell that the program stands in, and so would its end without a line break.
#[test]
fn a_program_for_awk_can_stand_between_single_quotes() {
    for path in parts("awk") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("}\n") && text.starts_with("# ") && !text.contains('\''), "{}", path.display());
    }
}

/// gawk's lint, and mawk, which refuses what is gawk's alone, of the programs with what each is run with.
#[test]
fn gawk_and_mawk_have_nothing_to_say_of_the_programs() {
    let expected = [
        "shadows global variable",
        "defined but never called directly",
        "reference to uninitialized",
        "no program text at all",
    ];
    let shared = ["quoted", "values", "settings", "words", "program"];
    let alone = ["quoted", "values", "yaml", "directives", "blocks", "block", "field", "addresses"];
    for path in parts("awk") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let needed = shared.into_iter().filter(|_| !alone.contains(&name)).filter(|part| *part != name);
        let needed = needed.map(|part| format!("{PARTS}/{part}.awk")).chain([path.to_string_lossy().into_owned()]);
        let programs: Vec<_> = needed.flat_map(|path| ["-f".to_owned(), path]).collect();
        let lint = run(tool("gawk").arg("--lint").args(&programs).stdin(Stdio::null()));
        let text = String::from_utf8(lint.stderr).unwrap();
        let is_known = |line: &str| expected.iter().any(|known| line.contains(known));
        let said: Vec<_> = text.lines().filter(|line| !is_known(line)).collect();
        assert!(said.is_empty(), "{}: {said:#?}", path.display());
        succeed(tool("mawk").args(["-W", "dump"]).args(&programs));
    }
}

/// A script that was cut on its way prints no survey that lacks something.
#[test]
fn a_script_that_was_cut_does_nothing() {
    let (script, node, tools) = (Script::new(), control_plane(), tools().remove(0));
    let main = SCRIPT.rfind("\nmain \"$@\"\n").unwrap() + 1;
    for length in [main, SCRIPT.len() / 2, main - 40] {
        fs::write(script.0.path().join("survey.sh"), &SCRIPT[..length]).unwrap();
        let ended = end(&mut script.command(&tools, &node.path("")));
        assert_eq!(ended.stdout, "", "{length}");
    }
}

/// What OpenSSL 1.0.2 knows (its pages pkey(1), rsa(1), x509(1), enc(1)).
#[test]
fn the_options_of_openssl_are_those_of_1_0_2() {
    let known = [
        ("pkey", "-pubin -passin -pubout -outform"),
        ("x509", "-noout -subject -nameopt"),
        ("rsa", "-RSAPublicKey_in -pubout"),
        ("base64", "-d"),
    ];
    let mut seen = 0;
    for line in SCRIPT.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let Some(call) = line
            .split(['|', ';'])
            .find_map(|part| part.trim().strip_prefix("openssl ").or(part.trim().strip_prefix("set -- ")))
        else {
            continue;
        };
        let Some((_, options)) = known.iter().find(|(command, _)| call.starts_with(command)) else { continue };
        for option in call.split_whitespace().filter(|word| word.starts_with('-') && word.len() > 1) {
            assert!(options.split(' ').any(|known| known == option.trim_end_matches(')')), "{line}");
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}
