//! `seed split`: pages, the record, and where they may go.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{code, desk, digits, field, words_of};
use crate::common::{Ended, end, succeed, tool};
use crate::fingerprint::decoded;
use crate::json::Documents;

#[test]
fn each_share_is_a_page_and_the_record_names_them() {
    let (desk, id) = desk();
    let said = desk.succeed("seed split lab.seed --shares 5 --threshold 3 --out shares");
    let names: Vec<String> = (1..=5).map(|index| format!("share-{index}.txt")).collect();
    assert_eq!(desk.names("shares"), [&["record.toml".to_owned()][..], &names[..]].concat());
    assert_eq!((desk.mode("shares"), desk.mode("shares/record.toml")), (0o700, 0o644));
    let record = desk.text("shares/record.toml");
    let table: toml::Table = record.parse().unwrap();
    assert_eq!((table["record"].as_integer(), table["threshold"].as_integer()), (Some(1), Some(3)));
    assert_eq!(table["seed_id"].as_str(), Some(id.as_str()));
    let set = table["set_id"].as_str().unwrap();
    let mut expected = format!("5 shares of the seed id {id}, set {set}: any 3 make it again\n\n");
    let mut seen = BTreeSet::new();
    for (index, name) in (1..=5).zip(&names) {
        let file = format!("shares/{name}");
        assert_eq!(desk.mode(&file), 0o600);
        let page = desk.text(&file);
        assert!(page.lines().all(|line| line.chars().count() <= 80) && page.lines().count() <= 60, "{page}");
        assert!(page.starts_with(&format!("# certferry share {index} of 5: any 3 make the seed, fewer tell nothing")));
        assert_eq!(field(&page, "set"), set);
        assert_eq!(field(&page, "share"), format!("{index} of 5, threshold 3"));
        assert_eq!(field(&page, "seed id"), id);
        let words = words_of(&page, 31);
        // The hash is that of the words, to everybody.
        let line = words.join(" ");
        let sum = succeed(tool("sh").args(["-c", "printf %s \"$0\" | sha256sum", &line]));
        let sha256 = sum.split(' ').next().unwrap();
        assert_eq!(field(&page, "sha256"), sha256);
        let row = &table["share"][usize::try_from(index - 1).unwrap()];
        assert_eq!((row["index"].as_integer(), row["sha256"].as_str()), (Some(index), Some(sha256)));
        assert_eq!(decoded(&code(&page), false), digits(&words));
        expected += &format!("share {index}  {file}\n  sha256 {sha256}\n");
        // No word of it is in the record or in what is said.
        assert!(!record.contains(&line) && !said.contains(&words[7..9].join(" ")));
        assert!(seen.insert(line));
    }
    expected += "\nshares/record.toml  the record of these hashes, for the protocol; no secret is in it\nEach share to another \
                 person, on paper. Then destroy the files.\n";
    assert_eq!(said, expected);
    // Another set has nothing in common with it.
    desk.succeed("seed split lab.seed --shares 5 --threshold 3 --out others");
    assert_ne!(field(&desk.text("others/share-1.txt"), "set"), set);
    assert!(!seen.contains(&words_of(&desk.text("others/share-1.txt"), 31).join(" ")));
}

/// In ASCII a page is as wide as a code of 29 modules, and not higher than paper.
#[test]
fn a_page_is_one_page_in_ascii_too() {
    let (desk, _) = desk();
    let mut split = desk.command("seed split lab.seed --shares 255 --threshold 2 --out shares");
    assert_eq!(end(split.env("LC_ALL", "C")).code, Some(0));
    for index in [1, 9, 99, 255] {
        let page = desk.text(&format!("shares/share-{index}.txt"));
        assert!(page.is_ascii() && page.lines().all(|line| line.len() <= 80), "{page}");
        assert!(page.trim_end().lines().count() <= 60, "{}", page.lines().count());
        assert_eq!(decoded(&code(&page), false), digits(&words_of(&page, 31)));
    }
    desk.succeed("seed combine shares/share-255.txt shares/share-99.txt --out new.seed --plain");
}

#[test]
fn shares_go_to_a_terminal_alone() {
    let (desk, id) = desk();
    let split = "seed split lab.seed --shares 3 --threshold 2";
    desk.refuse(
        split,
        2,
        "error: the shares of a seed are shown on a terminal, and the standard output is none\nhint: --out DIR writes them to \
         files of mode 0600, --to-stdout prints them all the same, as for `| lp`\n",
    );
    // For a printer each begins on a page of its own.
    let printed = desk.succeed(&format!("{split} --to-stdout --record record.toml"));
    let pages: Vec<&str> = printed.split('\u{c}').collect();
    assert_eq!(pages.len(), 4);
    assert!(pages[3].contains("\nrecord.toml  the record of these hashes, for the protocol; no secret is in it\n"));
    assert_eq!(
        (desk.names(""), desk.mode("record.toml")),
        (vec!["lab.seed".into(), "lab.toml".into(), "record.toml".into()], 0o644)
    );
    desk.write("two", format!("{}\u{c}{}", pages[0], pages[1]));
    desk.set_mode("two", 0o600);
    desk.succeed("seed combine two --record record.toml --out new.seed --plain");
    let printed = desk.succeed(&format!("{split} --to-stdout"));
    assert!(
        printed.ends_with("\nWrite the hashes into the protocol: they are no secret.\nEach share to another person.\n")
    );
    assert!(printed.contains(&format!("3 shares of the seed id {id}, set ")));
}

#[test]
fn what_cannot_be_split_is_refused() {
    let (desk, _) = desk();
    desk.refuse(
        "seed split lab.seed --shares 3 --threshold 4 --out shares",
        2,
        "error: a threshold of 4 is more than the 3 shares\nhint: with --shares 5 --threshold 3 any three of five make the seed \
         again\n",
    );
    for (line, text) in [
        ("--shares 1 --threshold 1", "error: invalid value '1' for '--shares <COUNT>': 1 is not in 2..=255\n"),
        ("--shares 3 --threshold 1", "error: invalid value '1' for '--threshold <COUNT>': 1 is not in 2..=255\n"),
        ("--shares 256 --threshold 2", "error: invalid value '256' for '--shares <COUNT>': 256 is not in 2..=255\n"),
    ] {
        let ended = desk.run(&format!("seed split lab.seed {line}"));
        assert!(ended.code == Some(2) && ended.stderr.starts_with(text), "{ended:?}");
    }
    let split = "seed split lab.seed --shares 3 --threshold 2";
    desk.refuse(
        &format!("{split} -o json"),
        2,
        "{\n  \"schema\": \"certferry.error.v1\",\n  \"exit_code\": 2,\n  \"error\": \"the shares and the document cannot both be \
         printed\",\n  \"details\": [],\n  \"hints\": [\n    \"--out DIR writes the shares to files of mode 0600\"\n  ],\n  \
         \"warnings\": []\n}\n",
    );
    std::fs::create_dir(desk.path("full")).unwrap();
    desk.write("full/x", "");
    let told =
        "error: cannot write to full: directory not empty\nhint: name a folder that does not exist or is empty\n";
    desk.refuse(&format!("{split} --out full"), 2, told);
    desk.refuse(&format!("{split} --out full --dry-run"), 2, told);
    desk.refuse(&format!("{split} --to-stdout --record lab.toml"), 2, "error: cannot create lab.toml: file exists\n");
    let before = desk.state();
    assert_eq!(desk.succeed(&format!("{split} --dry-run")), "3 shares would be shown; nothing was\n");
    assert_eq!(
        desk.succeed(&format!("{split} --out s --record r.toml --dry-run")),
        "s  3 shares, would be written; nothing was\nr.toml  the record, would be written; nothing was\n"
    );
    assert!(desk.state() == before);
    // A result that cannot be told takes everything back.
    let mut full = tool("sh");
    full.args(["-c", "exec \"$0\" seed split lab.seed --shares 3 --threshold 2 --out s > /dev/full"]);
    let Ended { code, stderr, .. } = end(full.arg(crate::common::program()).current_dir(desk.path("")));
    assert_eq!(
        (code, stderr.as_str()),
        (
            Some(2),
            "error: cannot write the standard output: no space left on device\nhint: nothing was changed: what this run had \
             written is taken back\n"
        )
    );
    assert!(desk.state() == before);
}

#[test]
fn documents_have_no_secret() {
    let (desk, id) = desk();
    let mut documents = Documents::default();
    let split = "seed split lab.seed --shares 3 --threshold 2 --out shares";
    let dry = documents.of(&mut desk.command(&format!("{split} --dry-run")));
    assert_eq!(
        (&dry["set_id"], &dry["shares"][2]["sha256"], &dry["dry_run"]),
        (&Value::Null, &Value::Null, &true.into())
    );
    let made = documents.of(&mut desk.command(split));
    let told = made.to_string();
    assert_eq!((made["seed_id"].as_str(), made["record"].as_str()), (Some(id.as_str()), Some("shares/record.toml")));
    for (place, share) in made["shares"].as_array().unwrap().iter().enumerate() {
        let page = desk.text(share["file"].as_str().unwrap());
        assert_eq!(share["sha256"], field(&page, "sha256"));
        assert_eq!((&share["index"], &share["file"]), (&(place + 1).into(), &dry["shares"][place]["file"]));
        assert!(!words_of(&page, 31).iter().any(|word| word.len() > 6 && told.contains(word)), "{told}");
    }
    let shares = "shares/share-3.txt shares/share-1.txt";
    for (line, is_combined) in [
        (format!("seed combine {shares} --plain --out a.seed"), true),
        (format!("seed from-words words.txt --plain --out b.seed --id {id}"), false),
    ] {
        if !is_combined {
            desk.succeed("seed words lab.seed --out words.txt");
        }
        let dry = documents.of(&mut desk.command(&format!("{line} --dry-run")));
        let done = documents.of(&mut desk.command(&line));
        assert_eq!((&dry["id"], &done["id"], &dry["file"]), (&Value::Null, &id.as_str().into(), &done["file"]));
        assert_eq!((&done["changed"], &done["sealed"], &dry["dry_run"]), (&true.into(), &Value::Null, &true.into()));
        if is_combined {
            assert_eq!((&done["set_id"], &done["threshold"]), (&made["set_id"], &2.into()));
            assert_eq!((done["shares"].to_string(), dry["shares"].to_string()), ("[1,3]".into(), "[]".into()));
            assert_eq!(done["gitignore"], ".gitignore");
        }
    }
    let error = documents.error(&mut desk.command("seed combine shares/share-1.txt --plain --out c.seed"), 2);
    assert_eq!(error["error"], "2 shares make the seed, and there is 1: number 1");
}
