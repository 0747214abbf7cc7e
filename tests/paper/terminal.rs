//! On a terminal, which script(1) makes, and without any.

use super::{desk, field, words_of};
use crate::common::desk::CANARY;
use crate::sealed_seed::terminal::Session;

/// What takes everything off a screen.
const CLEARED: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

#[test]
fn words_go_there_and_back() {
    let (desk, id) = desk();
    let (code, page) = Session::start(&desk, "seed words lab.seed").end();
    assert_eq!(code, Some(0));
    assert_eq!(field(&page, "seed id"), id);
    let words = words_of(&page, 24);
    let mut session = Session::start(&desk, "seed from-words --out new.seed --plain");
    // One after the other, some in one line, one of which four letters must do, and a slip.
    session.answer("word 1 of 24: ", &format!("{}\n", words[0]));
    session.answer("word 2 of 24: ", "abandn\n");
    session.answer(
        "word 2, `abandn`, is not in the list: did you mean `abandon`?\r\nword 2 of 24: ",
        &format!("{}\n", words[1..5].join(" ")),
    );
    session.answer("word 6 of 24: ", "\n");
    session.answer("word 6 of 24: ", "7. zoo\n");
    session.answer(
        "the number before word 6 is 7: a word is missing, or there twice\r\nword 6 of 24: ",
        &format!("6. {}\n", words[5].to_uppercase()),
    );
    session.answer("word 7 of 24: ", &format!("{}\n", words.join(" ")));
    session.answer("these would be 30 words: once more\r\nword 7 of 24: ", &format!("{}\n", words[6..].join(" ")));
    session.answer("Seed id, from the page: ", &format!("{id}\n"));
    let (code, said) = session.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("\nwarning: the words: taken as it is meant: capital letters, numbers before words\n"),
        "{said}"
    );
    assert_eq!(desk.text("new.seed"), format!("certferry-seed-1:{CANARY}\nseed-id {id}\n"));

    // Ctrl-D in the middle of it.
    let mut session = Session::start(&desk, "seed from-words --out again.seed --plain");
    session.answer("word 1 of 24: ", "zoo\n");
    session.answer("word 2 of 24: ", "\u{4}");
    let (code, said) = session.end();
    assert_eq!(code, Some(2));
    assert!(said.ends_with("error: the terminal ended before word 2\n"), "{said}");
    let mut session = Session::start(&desk, "seed from-words --out again.seed --plain");
    session.answer("word 1 of 24: ", &format!("{}\n", words.join(" ")));
    session.answer("Seed id, from the page: ", &format!("{}\n", words[0]));
    let (code, said) = session.end();
    assert_eq!(code, Some(2));
    assert!(said.contains("error: what was typed is no seed id, which has 16 hex digits\n"), "{said}");
    assert!(!desk.exists("again.seed"));
}

#[test]
fn each_share_is_shown_alone_and_typed_back() {
    let (desk, id) = desk();
    let mut session = Session::start(&desk, "seed split lab.seed --shares 3 --threshold 2 --record record.toml");
    session.answer("Enter shows share 2 of 3. ", "\n");
    session.answer("Enter shows share 3 of 3. ", "\n");
    session.answer("Enter takes the last share off the screen. ", "\n");
    let (code, said) = session.end();
    assert_eq!(code, Some(0), "{said}");
    let shown: Vec<&str> = said.split(CLEARED).collect();
    assert_eq!(shown.len(), 4, "{said}");
    let pages = shown[..3].iter().map(|page| page.rsplit_once("Enter ").unwrap().0);
    let shares: Vec<Vec<&str>> = pages.map(|page| words_of(page.trim_start(), 31)).collect();
    assert!(shown[3].starts_with(&format!("3 shares of the seed id {id}, set ")), "{}", shown[3]);
    assert!(desk.text("record.toml").contains(&id));

    let mut session = Session::start(&desk, "seed combine --out new.seed --plain --record record.toml");
    let type_in = |share: &[&str]| format!("{}\n", share.join(" "));
    session.answer("share 1, word 1 of 31: ", &type_in(&shares[2]));
    let mut slip = shares[0].clone();
    slip.swap(0, 1);
    session.answer("share 2 of 2, word 1 of 31: ", &type_in(&slip));
    session.answer(
        "hint: words 1 and 2 changed places: but for that the checksum holds\r\nonce more:\r\nshare 2 of 2, word 1 of 31: ",
        &type_in(&shares[2]),
    );
    session.answer(
        "error: share 3 is there twice\r\nonce more:\r\nshare 2 of 2, word 1 of 31: ",
        &type_in(&shares[0][..30]),
    );
    session.answer("share 2 of 2, word 31 of 31: ", &type_in(&shares[0][30..]));
    let (code, said) = session.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(desk.text("new.seed"), format!("certferry-seed-1:{CANARY}\nseed-id {id}\n"));

    // Without a record or an id it is asked for.
    let mut session = Session::start(&desk, "seed combine --out again.seed --plain");
    session.answer("share 1, word 1 of 31: ", &type_in(&shares[0]));
    session.answer("share 2 of 2, word 1 of 31: ", &type_in(&shares[1]));
    session.answer("Seed id, from the page: ", "0123456789abcdef\n");
    let (code, said) = session.end();
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!(
            "error: the shares 1, 2 give the seed id {id}, and what was typed says 0123456789abcdef\n"
        )),
        "{said}"
    );
    assert!(!desk.exists("again.seed"));
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let (desk, id) = desk();
    let before = desk.state();
    for line in ["seed from-words --out new.seed --plain", "seed combine --out new.seed --plain"] {
        let ended = desk.watch(&mut desk.wrapped(&["setsid", "--wait"], &format!("{line} --id {id}")));
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (
                Some(2),
                "error: there is no terminal on which to ask for the words\nhint: name a file that has them, or - for the standard \
                 input\n"
            )
        );
        assert!(desk.state() == before);
    }
}
