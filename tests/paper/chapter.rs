//! The chapter `ceremony`, line by line; and its steps are those of the check list.

use crate::common::desk::Desk;
use crate::common::{run, tool};
use crate::printed_lines::code;
use crate::sealed_seed::terminal::Session;

use super::words_of;

const CHAPTER: &str = include_str!("../../src/manual/ceremony.md");
const LIST: &str = include_str!("../../templates/ceremony.txt");

#[test]
fn every_line_works_as_printed() {
    let desk = Desk::new();
    desk.succeed("init prod-1.toml");
    let quick = desk.text("prod-1.toml").replace("rsa-4096", "ecdsa-p256").replace("rsa-2048", "ecdsa-p256");
    desk.write("prod-1.toml", quick);
    // A person is asked for a passphrase, which takes a second each time.
    let recipient = desk.succeed("identity new identity.txt --x25519").lines().nth(2).unwrap().to_owned();
    let (mut words, mut shares, mut seen) = (String::new(), Vec::new(), 0);
    for line in code("ceremony") {
        seen += 1;
        let Some(ours) = line.strip_prefix("certferry ") else {
            let ended = run(tool("sh").args(["-c", &line]).current_dir(desk.path("")));
            assert!(ended.status.success(), "{line}");
            continue;
        };
        if ours.contains('>') || ours.contains('|') {
            // `lp` stands for whatever prints.
            let ours = ours.replace("| lp", "--identity identity.txt | cat");
            let script = format!("set -o pipefail; {} {ours}", crate::common::program().display());
            let ended = run(tool("bash").args(["-c", &script]).current_dir(desk.path("")));
            assert!(ended.status.success() && ended.stderr.is_empty(), "{line}");
            continue;
        }
        let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| ours.starts_with(beginning));
        let with = |ours: &str| match ours {
            _ if begins(&["ceremony", "plan"]) => ours.to_owned(),
            _ if begins(&["seed new", "seed from-words", "seed combine"]) => format!("{ours} --recipient {recipient}"),
            _ => format!("{ours} --identity identity.txt"),
        };
        if ours.starts_with("seed words ") && !ours.contains("--out") {
            let (code, said) = Session::start(&desk, &with(ours)).end();
            assert_eq!(code, Some(0), "{said}");
            words = words_of(&said, 24).join(" ");
        } else if ours.starts_with("seed split ") && !ours.contains("--out") {
            let mut session = Session::start(&desk, &with(ours));
            for prompt in ["Enter shows share 2 of 5. ", "Enter shows share 3 of 5. ", "Enter shows share 4 of 5. "] {
                session.answer(prompt, "\n");
            }
            session.answer("Enter shows share 5 of 5. ", "\n");
            session.answer("Enter takes the last share off the screen. ", "\n");
            let (code, said) = session.end();
            assert_eq!(code, Some(0), "{said}");
            let pages = said.split("\u{1b}[3J").take(5).map(|page| page.rsplit_once("Enter ").unwrap().0);
            shares = pages.map(|page| words_of(page.trim_start(), 31).join(" ")).collect();
        } else if ours.starts_with("seed from-words --") {
            let mut session = Session::start(&desk, &with(ours));
            session.answer("word 1 of 24: ", &format!("{words}\n"));
            if !ours.contains("--lock") {
                let id = desk.succeed("seed id prod-1.seed --identity identity.txt");
                session.answer("Seed id, from the page: ", &id);
            }
            assert_eq!(session.end().0, Some(0), "{line}");
        } else if ours.starts_with("seed combine --") {
            let mut session = Session::start(&desk, &with(ours));
            session.answer("share 1, word 1 of 31: ", &format!("{}\n", shares[4]));
            session.answer("share 2 of 3, word 1 of 31: ", &format!("{}\n", shares[0]));
            session.answer("share 3 of 3, word 1 of 31: ", &format!("{}\n", shares[2]));
            assert_eq!(session.end().0, Some(0), "{line}");
        } else {
            let ended = desk.run(&with(ours));
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
        }
    }
    assert!(seen > 10, "{seen}");
}

/// The chapter tells of each step of the list, by its title and in its order.
#[test]
fn the_steps_are_those_of_the_list() {
    let is_step = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_digit()) && line.contains(". ");
    let listed: Vec<&str> = LIST.lines().filter(is_step).collect();
    let told: Vec<&str> = CHAPTER.lines().filter_map(|line| line.strip_prefix("## ")).filter(is_step).collect();
    assert!(listed.len() == 8 && listed == told, "{listed:?} {told:?}");
}
