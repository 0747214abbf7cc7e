//! `--dry-run`: every command that writes has it, says what it would write, refuses what it would refuse, and writes
//! nothing.

use std::collections::BTreeSet;
use std::fs;

use crate::cli_help::COMMANDS;
use crate::common::desk::{Desk, PROFILE};
use crate::common::{certferry, succeed};
use crate::signer;

/// Every command that writes, each with a line of its own and a line of what it says of a run that writes nothing.
/// Each finds what those before it made.
const WRITING: [(&str, &str, &str); 21] = [
    ("init", "init new.toml", "new.toml  a profile, would be written; nothing was"),
    ("seed new", "seed new new.seed --plain", "new.seed would be made; nothing was written"),
    ("seed reseal", "seed reseal lab.seed --out again.seed --plain", "again.seed would be made; nothing was written"),
    ("seed words", "seed words lab.seed --out words.txt", "words.txt  the words, would be written; nothing was"),
    (
        "seed from-words",
        "seed from-words words.txt --out typed.seed --plain",
        "typed.seed would be made; nothing was written",
    ),
    (
        "seed split",
        "seed split lab.seed --shares 3 --threshold 2 --out shares",
        "shares  3 shares, would be written; nothing was",
    ),
    (
        "seed combine",
        "seed combine shares/share-1.txt shares/share-3.txt --out combined.seed --plain",
        "combined.seed would be made; nothing was written",
    ),
    ("identity new", "identity new new.key", "new.key  the identity, would be written; nothing was"),
    ("build", "build lab.toml --seed lab.seed --out out", "nothing was written"),
    (
        "csr",
        "csr issuing.toml --ca cert-manager --seed lab.seed --out issuing.csr",
        "issuing.csr  the request, would be written; nothing was",
    ),
    (
        "sign",
        "sign lab-g1.request.tar --signer signer.key",
        "  lab-g1.signatures.tar  the signatures, would be written; nothing was",
    ),
    ("split", "split out/lab-g1.tar.gz --all --out slices", "slices  2 slices, would be written; nothing was"),
    (
        "seal",
        "seal out/lab-g1.tar.gz --seed lab.seed --out sealed \
         --also-to age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        "sealed/lab-g1.sealed.tar  2 parts, each sealed to its recipients, would be written; nothing was",
    ),
    (
        "open",
        "open sealed/lab-g1.sealed.tar --identity opener.key --part cp-1 --out cp-1.tar.gz",
        "cp-1.tar.gz  node/cp-1, would be written; nothing was",
    ),
    (
        "unpack",
        "unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root tree",
        "30 files of cp-1 would be in tree; nothing was written",
    ),
    (
        "user-data",
        "user-data out/lab-g1.tar.gz --key out/lab.pub --node cp-1 -o ignition --out cp-1.ign",
        "cp-1.ign  30 files of cp-1, would be written; nothing was",
    ),
    (
        "ansible",
        "ansible --out ansible",
        "ansible  the collection certferry.fleet, 20 files, would be written; nothing was",
    ),
    ("man", "man --out man", "26 pages would be in man/man7; nothing was written"),
    ("apply", "apply out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root node", "nothing was changed"),
    (
        "status",
        "status --root node --accept etc/kubernetes/admin.conf",
        "would be noted as taken away for good; nothing was changed:",
    ),
    ("rollback", "rollback --root node", "nothing was changed"),
];

#[test]
fn every_command_that_writes_has_a_dry_run_that_does_not() {
    let desk = Desk::new();
    fs::create_dir(desk.path("node")).unwrap();
    signer::key(&desk, "signer");
    // The identity that the specification of age shows.
    desk.write("opener.key", "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n");
    desk.set_mode("opener.key", 0o600);
    desk.write("signed.toml", format!("{PROFILE}\n[bundle]\nsigner = \"signer.pub\"\n"));
    desk.succeed("build signed.toml --seed lab.seed --unsigned lab-g1.request.tar");
    desk.write("issuing.toml", format!("{PROFILE}\n[cert_manager]\npermitted_dns = [\"apps.example\"]\n"));
    for (command, line, told) in WRITING {
        if command == "status" {
            fs::remove_file(desk.path("node/etc/kubernetes/admin.conf")).unwrap();
        }
        let before = desk.state();
        let said = desk.run(&format!("{line} --dry-run"));
        let is_told = said.stdout.lines().any(|line| line == told);
        assert!(said.code == Some(0) && is_told, "{command}: {}{}", said.stdout, said.stderr);
        assert!(desk.state() == before, "{line}");
        assert_eq!(desk.run(line).code, Some(0), "{line}");
        assert!(desk.state() != before, "{line} writes nothing");
    }
}

/// The rule of the chapter `exit-codes`, which names them all.
#[test]
fn the_others_have_no_place_to_write_to() {
    let writing: BTreeSet<&str> = WRITING.iter().map(|(command, ..)| *command).collect();
    for command in COMMANDS.iter().filter(|command| !["", "seed", "identity"].contains(command)) {
        let mut run = certferry();
        let help = succeed(run.args(command.split_whitespace()).arg("--help"));
        assert_eq!(help.contains("--dry-run"), writing.contains(command), "{command}");
        // Not --output.
        assert!(!help.contains("--out <") || writing.contains(command), "{command}");
    }
    let chapter = include_str!("../src/manual/exit-codes.md");
    let (_, told) = chapter.split_once("has `--dry-run`: ").unwrap();
    let (told, _) = told.split_once(". It says").unwrap();
    let named: BTreeSet<&str> = told.split(',').map(|name| name.trim().trim_matches('`')).collect();
    let mut expected = writing;
    for (command, with) in [("init", "init FILE"), ("man", "man --out"), ("status", "status --accept")] {
        assert!(expected.remove(command) && expected.insert(with));
    }
    assert_eq!(named, expected);
}

#[test]
fn a_dry_run_refuses_what_the_run_would() {
    let desk = Desk::new();
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let user_data = "user-data out/lab-g1.tar.gz --key out/lab.pub --node cp-1 -o ignition --out";
    fs::create_dir_all(desk.path("pages/man1/certferry.1")).unwrap();
    desk.write("ansible", "");
    for (line, error) in [
        (
            "init lab.toml".to_owned(),
            "error: cannot create lab.toml: file exists\nhint: an existing profile is never overwritten\n",
        ),
        ("init none/x.toml".to_owned(), "error: cannot create none/x.toml: no such file or directory\n"),
        ("ansible --out ansible".to_owned(), "error: cannot write to ansible: not a directory\n"),
        (
            "ansible --out out".to_owned(),
            "error: cannot write to out: directory not empty\n\
             hint: name a folder that does not exist or is empty; nothing was written\n",
        ),
        ("man --out lab.toml".to_owned(), "error: cannot create lab.toml/man1: not a directory\n"),
        ("man --out pages".to_owned(), "error: cannot write pages/man1/certferry.1: is a directory\n"),
    ] {
        desk.refuse(&line, 2, error);
        desk.refuse(&format!("{line} --dry-run"), 2, error);
    }
    let exists = "error: cannot write lab.toml: file exists\nhint: name a file that does not exist\n";
    for more in ["", " --dry-run"] {
        let before = desk.state();
        let ended = desk.run(&format!("{user_data} lab.toml{more}"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.ends_with(exists), "{}", ended.stderr);
        assert!(desk.state() == before);
    }
    // What is there with the same bytes is no obstacle.
    let said = desk.run(&format!("{user_data} cp-1.ign"));
    assert_eq!(said.code, Some(0));
    let said = desk.run(&format!("{user_data} cp-1.ign --dry-run"));
    assert_eq!(said.stdout, "cp-1.ign  30 files of cp-1, is there already; nothing was written\n");
    // Keys are printed to nobody by a dry run.
    let said = desk.run(&format!("{user_data} - --dry-run"));
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "-  30 files of cp-1, would be printed\n"));
    assert_eq!(desk.succeed("init - --dry-run"), "-  a profile, would be printed\n");
    for (line, missing) in [("init --dry-run", "<FILE|--from <PATH>...>"), ("man --dry-run", "--out <DIR>")] {
        let ended = desk.run(line);
        assert_eq!(ended.code, Some(2));
        let text = format!("error: the following required arguments were not provided:\n  {missing}\n");
        assert!(ended.stderr.starts_with(&text), "{}", ended.stderr);
    }
}
