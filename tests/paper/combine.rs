//! `seed combine`: enough shares make the seed, and what does not is named.

use certferry::shares::{Share, split};
use certferry::words::word;

use super::{desk, field, words_of};
use crate::common::desk::{CANARY, Desk};

fn put(desk: &Desk, name: &str, text: impl AsRef<[u8]>) {
    desk.write(name, text);
    desk.set_mode(name, 0o600);
}

/// Files `1` to `5` with the shares of a set whose threshold is 3, and nothing else in them.
fn shares(desk: &Desk) -> String {
    desk.succeed("seed split lab.seed --shares 5 --threshold 3 --out shares");
    for index in 1..=5 {
        put(desk, &index.to_string(), words_of(&desk.text(&format!("shares/share-{index}.txt")), 31).join(" "));
    }
    field(&desk.text("shares/share-1.txt"), "set").to_owned()
}

fn line(share: &Share) -> String {
    share.indices().iter().map(|index| word(*index)).collect::<Vec<_>>().join(" ")
}

/// Shares of other bytes that say they are of this set: whoever makes them can give them a right checksum.
fn false_shares(set: &str, threshold: u8) -> Vec<Share> {
    let set: Vec<u8> = (0..8).step_by(2).map(|at| u8::from_str_radix(&set[at..at + 2], 16).unwrap()).collect();
    let mut drawn = 0_u8;
    let fill = |bytes: &mut [u8]| {
        bytes.fill(drawn.wrapping_mul(37));
        if drawn == 0 {
            bytes.copy_from_slice(&set);
        }
        drawn = drawn.wrapping_add(1);
        true
    };
    split(&std::array::from_fn(|place| place as u8), threshold, 5, fill).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn any_three_of_five_make_the_seed() {
    let (desk, id) = desk();
    let set = shares(&desk);
    let whole = format!("certferry-seed-1:{CANARY}\nseed-id {id}\n");
    for (number, some) in ["1 2 3", "5 3 1", "2 4 5", "1 2 3 4 5", "4 3 2 1"].into_iter().enumerate() {
        let said = desk.succeed(&format!("seed combine {some} --out {number}.seed --plain --id {id}"));
        let mut sorted: Vec<&str> = some.split(' ').collect();
        sorted.sort_unstable();
        assert!(
            said.ends_with(&format!(
                "It is the seed of the set {set}, of the shares {}. They stay good: keep them apart.\n",
                sorted.join(", ")
            )),
            "{said}"
        );
        assert_eq!(
            (desk.text(&format!("{number}.seed")), desk.mode(&format!("{number}.seed"))),
            (whole.clone(), 0o600)
        );
    }
    // With the lock, with the record, with the id that is on the pages; through a pipe, all in one.
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.succeed("seed combine 1 2 3 --out l.seed --plain --lock lab.lock.toml");
    desk.succeed("seed combine 1 2 3 --out r.seed --plain --record shares/record.toml");
    desk.succeed("seed combine shares/share-2.txt 4 5 --out p.seed --plain");
    let one = "sed -e '$G' 1 3 5";
    for (name, script) in [
        ("pages", "cat shares/share-1.txt shares/share-3.txt shares/share-5.txt | \"$@\"".to_owned()),
        ("lines", format!("{one} | \"$@\" --id {id}")),
    ] {
        let line = format!("seed combine - --out {name}.seed --plain");
        let ended = desk.watch(&mut desk.wrapped(&["sh", "-c", &script, "sh"], &line));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert_eq!(desk.text(&format!("{name}.seed")), whole);
    }
    // Sealed, as a new one is.
    let recipient = desk.succeed("identity new me.key --x25519").lines().nth(2).unwrap().to_owned();
    let said = desk.succeed(&format!("seed combine 1 2 3 --out s.seed --recipient {recipient} --id {id}"));
    assert!(said.starts_with(&format!("s.seed  seed id {id}, sealed to a recipient\n")), "{said}");
    assert_eq!(desk.succeed("seed id s.seed --identity me.key").trim_end(), id);
    desk.succeed("seed split s.seed --identity me.key --shares 2 --threshold 2 --out two");
}

#[test]
fn mixed_doubled_and_too_few_are_named() {
    let (desk, id) = desk();
    let set = shares(&desk);
    let combine = |shares: &str| format!("seed combine {shares} --out new.seed --plain --id {id}");
    desk.refuse(
        &combine("1 4"),
        2,
        &format!(
            "error: 3 shares make the seed, and there are 2: numbers 1, 4\n  share 1 of the set {set}: 1\n  share 4 of the set \
             {set}: 4\nhint: these are whole; bring 1 more of the set\n"
        ),
    );
    desk.refuse(
        &combine("5"),
        2,
        &format!(
            "error: 3 shares make the seed, and there is 1: number 5\n  share 5 of the set {set}: 5\nhint: these are whole; bring 2 \
             more of the set\n"
        ),
    );
    desk.refuse(
        &combine("1 2 1"),
        2,
        &format!(
            "error: share 1 is there twice\n  share 1 of the set {set}: 1\n  share 2 of the set {set}: 2\n  share 1 of the set \
             {set}: 1\nhint: each share counts once; bring another one\n"
        ),
    );
    desk.succeed("seed split lab.seed --shares 3 --threshold 3 --out others");
    let other = field(&desk.text("others/share-2.txt"), "set").to_owned();
    desk.refuse(
        &combine("1 others/share-2.txt 3"),
        2,
        &format!(
            "error: share 1 is of the set {set}, and share 2 of the set {other}\n  share 1 of the set {set}: 1\n  share 2 of the \
             set {other}: others/share-2.txt\n  share 3 of the set {set}: 3\nhint: a seed that is split again has another set, \
             which goes with no older one\n"
        ),
    );
    for (threshold, text) in
        [(3, "two different shares have the number 2"), (2, "share 1 says that 3 make the seed, and share 2 that 2 do")]
    {
        put(&desk, "false", line(&false_shares(&set, threshold)[1]));
        let with = if threshold == 3 { "2" } else { "3" };
        desk.refuse(
            &combine(&format!("1 {with} false")),
            2,
            &format!(
                "error: {text}\n  share 1 of the set {set}: 1\n  share {with} of the set {set}: {with}\n  share 2 of the set \
                 {set}: false\nhint: one of the two was made false: their checksums hold; --record FILE tells which\n"
            ),
        );
    }
}

#[test]
fn wrong_words_are_named() {
    let (desk, id) = desk();
    shares(&desk);
    let combine = format!("seed combine 1 typed --out new.seed --plain --id {id}");
    let text = desk.text("2");
    let words: Vec<&str> = text.split(' ').collect();
    let with = |place: usize, word: &str| {
        let mut words = words.clone();
        words[place - 1] = word;
        words.join(" ")
    };
    let checksum =
        "error: typed: a word is another one, or two changed places: the checksum in the last words does not hold\n";
    let other = if words[8] == "zoo" { "zone" } else { "zoo" };
    let swapped = {
        let mut words = words.clone();
        let second = (1..31).find(|place| words[*place] != words[0]).unwrap();
        words.swap(0, second);
        (words.join(" "), second + 1)
    };
    for (typed, told) in [
        (
            with(12, "abandn"),
            "error: typed: word 12, `abandn`, is not in the list: did you mean `abandon`?\nhint: compare it with the paper\n"
                .to_owned(),
        ),
        (with(9, other), format!("{checksum}hint: word 9 is another one: but for that the checksum holds\n")),
        (
            swapped.0,
            format!("{checksum}hint: words 1 and {} changed places: but for that the checksum holds\n", swapped.1),
        ),
        (
            words.iter().rev().copied().collect::<Vec<_>>().join(" "),
            format!("{checksum}hint: no one slip explains it: compare every word with the paper\n"),
        ),
        (words[..30].join(" "), "error: typed: there are 30 words, not 31\n".to_owned()),
        (String::new(), "error: typed: there are 0 words, not 31\n".to_owned()),
        ("# nothing\n".to_owned(), "error: typed: there are 0 words, not 31\n".to_owned()),
        (
            ["zoo"; 24].join(" "),
            "error: typed: there are 24 words, not 31\nhint: 24 words are those of a seed: `certferry seed from-words` takes \
             them\n"
                .to_owned(),
        ),
        (
            format!("{text}\n{}", with(9, other)),
            checksum.replace("typed: ", "share 2 in typed: ") + "hint: word 9 is another one: but for that the checksum holds\n",
        ),
        (
            format!("# certferry share\n{text}\n# certferry share\n{}", with(9, other)),
            checksum.replace("typed: ", "page 2 of typed: ")
                + "hint: word 9 is another one: but for that the checksum holds\n",
        ),
    ] {
        put(&desk, "typed", typed);
        desk.refuse(&combine, 2, &told);
    }
    put(&desk, "typed", text.to_uppercase());
    let ended = desk.run(&combine.replace("1 typed", "1 typed 3"));
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), "warning: typed: taken as it is meant: capital letters\n")
    );
}

/// A share that was made false has a right checksum: the id tells, one share more says which, and the record names it
/// at once.
#[test]
fn a_false_share_is_found() {
    let (desk, id) = desk();
    let set = shares(&desk);
    put(&desk, "false", line(&false_shares(&set, 3)[1]));
    let combine = |shares: &str| format!("seed combine {shares} --out new.seed --plain --id {id}");
    let before = desk.state();
    let ended = desk.run(&combine("1 false 3"));
    let found = ended.stderr.split("give the seed id ").nth(1).unwrap()[..16].to_owned();
    assert_ne!(found, id);
    assert_eq!(
        (ended.code, ended.stderr),
        (
            Some(1),
            format!(
                "error: the shares 1, 2, 3 give the seed id {found}, and --id says {id}\nhint: either the id is that of another \
                 seed, or a share was made false: their checksums hold\nhint: with one share more than it takes, a false one is \
                 found; --record FILE names it at once\n"
            )
        )
    );
    assert!(desk.state() == before);
    for (number, (shares, used)) in
        [("1 false 3 4", "1, 3, 4"), ("1 3 4 false", "1, 3, 4"), ("false 5 3 4 1", "1, 3, 4, 5")]
            .into_iter()
            .enumerate()
    {
        let ended = desk.run(&combine(shares).replace("new.seed", &format!("{number}.seed")));
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (
                Some(0),
                "warning: false is false: with it the shares give another seed\nhint: its checksum holds: it was not mistyped but \
                 made so; ask who gave it\n"
            )
        );
        assert!(ended.stdout.contains(&format!("of the shares {used}. ")), "{}", ended.stdout);
        assert!(desk.text(&format!("{number}.seed")).contains(&id));
    }
    desk.refuse(
        "seed combine 1 false 3 --out new.seed --plain --record shares/record.toml",
        1,
        "error: false is not the share 2 of shares/record.toml\nhint: its checksum holds: it was not mistyped but made so; ask who \
         gave it\n",
    );
}

#[test]
fn ids_and_records_have_to_agree() {
    let (desk, id) = desk();
    let set = shares(&desk);
    let other = "0123456789abcdef";
    desk.refuse(
        "seed combine 1 2 3 --out new.seed --plain",
        2,
        "error: which seed shall it be? Words alone do not tell: one wrong one in 256 passes their checksum\nhint: --id ID is \
         the id on the same page, --lock FILE the lock of a cluster that was built with the seed\n",
    );
    put(&desk, "page", desk.text("shares/share-2.txt").replace(&id, other));
    desk.refuse(
        "seed combine shares/share-1.txt page shares/share-3.txt --out new.seed --plain",
        2,
        &format!("error: shares/share-1.txt says the seed id {id}, and page says {other}\n"),
    );
    desk.refuse(
        &format!("seed combine 1 2 3 --out new.seed --plain --id {other} --record shares/record.toml"),
        2,
        &format!("error: --id says the seed id {other}, and shares/record.toml says {id}\n"),
    );
    desk.succeed("seed split lab.seed --shares 2 --threshold 2 --out others");
    let theirs = field(&desk.text("others/share-1.txt"), "set").to_owned();
    desk.refuse(
        "seed combine 1 2 3 --out new.seed --plain --record others/record.toml",
        1,
        &format!("error: 1 is of the set {set}, and others/record.toml of the set {theirs}\n"),
    );
    let record = desk.text("shares/record.toml");
    let hint = "hint: it is what `certferry seed split` writes beside the shares\n";
    for (content, told) in [
        (record.replace("record = 1", "record = 2"), "it has format 2, and this version knows format 1\n".to_owned()),
        (record.replace(&id, "x"), "`seed_id` is not lower-case hex digits, as many as it should have\n".to_owned()),
        (record.replace(&set, "x"), "`set_id` is not lower-case hex digits, as many as it should have\n".to_owned()),
        (
            record.replacen("sha256 = \"", "sha256 = \"0", 1),
            "`sha256` is not lower-case hex digits, as many as it should have\n".to_owned(),
        ),
        (
            "x\ny\n".to_owned(),
            "TOML parse error at line 1, column 2\n  |\n1 | x\n  |  ^\nkey with no value, expected `=`\n".to_owned(),
        ),
    ] {
        put(&desk, "record", content);
        desk.refuse(
            "seed combine 1 2 3 --out new.seed --plain --record record",
            2,
            &format!("error: record is no record of shares: {told}{hint}"),
        );
    }
    let ended = desk.run("seed combine 1 2 3 --out new.seed --plain --record lab.seed");
    assert_eq!(
        ended.stderr,
        "error: lab.seed is not a record: there is a seed in it\nhint: nothing of it is shown here; were two arguments exchanged?\n"
    );
    desk.refuse(
        "seed combine 1 none 3 --out new.seed --plain",
        2,
        "error: cannot read the words none: no such file or directory\n",
    );
}
