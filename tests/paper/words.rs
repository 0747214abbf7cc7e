//! `seed words` and `seed from-words`, through files.

use certferry::keys::Seed;
use certferry::words::{checked, indices};

use super::{code, desk, digits, field, words_of};
use crate::common::desk::{CANARY, Desk};
use crate::common::{Ended, end, tool};
use crate::fingerprint::decoded;

const COMPARE: &str = "hint: compare it with the paper\n";
const NO_SLIP: &str = "hint: no one slip explains it: compare every word with the paper, and the id\n";

fn seed() -> [u8; 32] {
    std::array::from_fn(|place| u8::from_str_radix(&CANARY[place * 2..place * 2 + 2], 16).unwrap())
}

/// The page of the desk's seed.
fn page(desk: &Desk) -> String {
    desk.succeed("seed words lab.seed --out words.txt");
    desk.text("words.txt")
}

fn put(desk: &Desk, text: &str) {
    desk.write("typed.txt", text);
    desk.set_mode("typed.txt", 0o600);
}

#[test]
fn words_go_there_and_back_through_a_file() {
    let (desk, id) = desk();
    let said = desk.succeed("seed words lab.seed --out words.txt");
    assert_eq!(
        said,
        format!(
            "words.txt  the words of the seed id {id}\nWhoever reads them can make every key of the cluster. Print the page, then \
             destroy the file.\n"
        )
    );
    assert_eq!(desk.mode("words.txt"), 0o600);
    let page = desk.text("words.txt");
    assert!(page.lines().all(|line| line.chars().count() <= 80) && page.lines().count() <= 60, "{page}");
    assert_eq!(field(&page, "seed id"), id);
    let words = words_of(&page, 24);
    assert_eq!(words, certferry::words::write(&seed()));
    let said = desk.succeed("seed from-words words.txt --out new.seed --plain");
    assert_eq!(
        said,
        format!(
            "new.seed  seed id {id}\n.gitignore  keeps seeds and bundles out of git\nIt is the seed of the words. Whoever reads \
             them can make every key of the cluster.\n"
        )
    );
    assert_eq!(
        (desk.mode("new.seed"), desk.text("new.seed")),
        (0o600, format!("certferry-seed-1:{CANARY}\nseed-id {id}\n"))
    );
    // What a person types anew has no id on it.
    put(&desk, &words.join(" "));
    desk.succeed(&format!("seed from-words typed.txt --out again.seed --plain --id {id}"));
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.succeed("seed from-words typed.txt --out third.seed --plain --lock lab.lock.toml");
    assert_eq!(desk.text("third.seed"), desk.text("new.seed"));
    // Through a pipe, with the id in groups.
    let groups = format!("{} {} {} {}", &id[..4], &id[4..8], &id[8..12].to_uppercase(), &id[12..]);
    let mut sh =
        desk.wrapped(&["sh", "-c", "cat typed.txt | \"$@\"", "sh"], "seed from-words - --out fourth.seed --plain");
    assert_eq!(desk.watch(sh.args(["--id", &groups])).stderr, "");
    assert_eq!(desk.text("fourth.seed"), desk.text("new.seed"));
    // The code has the same, and is taken as well.
    let read = decoded(&code(&page), false);
    assert_eq!(read, digits(&words));
    put(&desk, &read);
    desk.succeed(&format!("seed from-words typed.txt --out fifth.seed --plain --id {id}"));
    assert_eq!(desk.text("fifth.seed"), desk.text("new.seed"));
}

/// On paper the code is dark on light, in half blocks or in ASCII.
#[test]
fn a_page_is_as_wide_as_paper_in_every_locale() {
    let (desk, _) = desk();
    for (locale, background, on_dark) in [
        ("C", "", false),
        ("C.UTF-8", "", false),
        ("C", " --background dark", true),
        ("C.UTF-8", " --background dark", true),
    ] {
        let mut command = desk.command(&format!("seed words lab.seed --to-stdout{background}"));
        let Ended { code: ended, stdout: page, stderr } = end(command.env("LC_ALL", locale));
        assert_eq!((ended, stderr.as_str()), (Some(0), ""));
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
        assert_eq!(page.is_ascii(), locale == "C");
        assert_eq!(decoded(&code(&page), on_dark), digits(&words_of(&page, 24)), "{locale}");
        desk.write("page", &page);
        desk.set_mode("page", 0o600);
        desk.succeed(&format!("seed from-words page --out {locale}{on_dark}.seed --plain"));
    }
}

#[test]
fn sealed_seeds_are_opened_and_the_new_one_is_sealed() {
    let (desk, id) = desk();
    desk.write("passphrase", "four words of nobody\n");
    desk.set_mode("passphrase", 0o600);
    let recipient = desk.succeed("identity new me.key --x25519").lines().nth(2).unwrap().to_owned();
    desk.succeed("seed words lab.seed --out words.txt");
    let said = desk.succeed("seed from-words words.txt --out q.seed --passphrase-file passphrase");
    assert!(said.starts_with(&format!("q.seed  seed id {id}, sealed with the passphrase\n")), "{said}");
    desk.succeed("seed words q.seed --passphrase-file passphrase --out same.txt");
    assert_eq!(desk.text("same.txt"), desk.text("words.txt"));
    let said = desk.succeed(&format!("seed from-words words.txt --out r.seed --recipient {recipient}"));
    assert!(said.starts_with(&format!("r.seed  seed id {id}, sealed to a recipient\n")), "{said}");
    desk.succeed("seed words r.seed --identity me.key --out again.txt");
    assert_eq!(desk.text("again.txt"), desk.text("words.txt"));
    let alone = desk.watch(&mut desk.wrapped(&["setsid", "--wait"], "seed from-words words.txt --out s.seed"));
    assert!(
        alone.stderr.starts_with("error: s.seed is to be sealed, and there is no terminal on which to ask"),
        "{alone:?}"
    );
}

/// What people write otherwise is taken as it is meant, and that is said.
#[test]
fn what_is_meant_is_taken_and_said() {
    let (desk, id) = desk();
    let words = words_of(&page(&desk), 24);
    let cut: Vec<&str> = words.iter().map(|word| word.get(..4).unwrap_or(word)).collect();
    let numbered = words.iter().enumerate().map(|(place, word)| format!("{}. {word}\n", place + 1)).collect::<String>();
    let shortened: Vec<String> =
        (1..=24).filter(|place| words[place - 1].len() > 4).map(|place| place.to_string()).collect();
    for (number, (text, said)) in [
        (words.join("\n"), String::new()),
        (words.join(" ").to_uppercase(), "capital letters".to_owned()),
        (words.join("   "), "more blanks than one".to_owned()),
        (numbered, "numbers before words".to_owned()),
        (cut.join(" "), format!("words cut short ({})", shortened.join(", "))),
    ]
    .into_iter()
    .enumerate()
    {
        put(&desk, &text);
        let ended = desk.run(&format!("seed from-words typed.txt --out {number}.seed --plain --id {id}"));
        let told = if said.is_empty() { said } else { format!("warning: typed.txt: taken as it is meant: {said}\n") };
        assert_eq!((ended.code, ended.stderr), (Some(0), told));
        assert!(desk.text(&format!("{number}.seed")).contains(&id));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let (desk, id) = desk();
    let words = words_of(&page(&desk), 24);
    let line = format!("seed from-words typed.txt --out new.seed --plain --id {id}");
    let with = |place: usize, word: &str| {
        let mut words: Vec<&str> = words.clone();
        words[place - 1] = word;
        words.join(" ")
    };
    put(&desk, &with(7, "abandn"));
    let told = "error: typed.txt: word 7, `abandn`, is not in the list: did you mean `abandon`?\n";
    desk.refuse(&line, 2, &format!("{told}{COMPARE}"));
    put(&desk, &words[..23].join(" "));
    desk.refuse(&line, 2, "error: typed.txt: there are 23 words, not 24\n");
    put(&desk, "");
    desk.refuse(&line, 2, "error: typed.txt: there are 0 words, not 24\n");
    put(&desk, &["zoo"; 31].join(" "));
    desk.refuse(
        &line,
        2,
        "error: typed.txt: there are 31 words, not 24\nhint: 31 words are a share: `certferry seed combine` takes it, with \
         others\n",
    );
    put(&desk, "1. zoo 3. zoo");
    let told = "error: typed.txt: the number before word 2 is 3: a word is missing, or there twice\n";
    desk.refuse(&line, 2, &format!("{told}{COMPARE}"));
    desk.write("typed.txt", b"\xff\xfe");
    desk.refuse(&line, 2, "error: typed.txt is not UTF-8\n");
    desk.set_mode("typed.txt", 0o644);
    desk.refuse(
        &line,
        2,
        "warning: typed.txt can be read by others\nhint: chmod 600 typed.txt\nerror: typed.txt is not UTF-8\n",
    );
    desk.refuse(
        &format!("seed from-words none --out new.seed --plain --id {id}"),
        2,
        "error: cannot read the words none: no such file or directory\n",
    );
    desk.refuse(
        &format!("seed from-words abandon --out new.seed --plain --id {id}"),
        2,
        "error: cannot read the words abandon: no such file or directory\nhint: words are no arguments, which others see: \
         they come from a file, or are asked for\n",
    );

    // One slip is found, though not told in words: two that changed places, or one that is another.
    let checksum =
        "error: typed.txt: a word is another one, or two changed places: the checksum in the last word does not hold\n";
    let mut swapped = words.clone();
    let (first, second) = (0..24)
        .flat_map(|first| (first + 1..24).map(move |second| (first, second)))
        .find(|(first, second)| {
            swapped = words.clone();
            swapped.swap(*first, *second);
            words[*first] != words[*second] && certferry::words::read(&swapped.join(" ")).is_err()
        })
        .unwrap();
    put(&desk, &swapped.join(" "));
    let slip = format!(
        "hint: words {} and {} changed places: but for that they give the seed id {id}\n",
        first + 1,
        second + 1
    );
    desk.refuse(&line, 2, &format!("{checksum}{slip}"));
    let slip = format!("hint: word 5 is another one: but for that they give the seed id {id}\n");
    let is_right = |text: &str| certferry::words::read(text).is_ok();
    let mut others = (0..2048).map(certferry::words::word).filter(|word| *word != words[4]).map(|word| with(5, word));
    put(&desk, &others.find(|text| !is_right(text)).unwrap());
    desk.refuse(&line, 2, &format!("{checksum}{slip}"));
    // One in 256 passes the checksum; the id tells.
    let other = others.find(|text| is_right(text)).unwrap();
    put(&desk, &other);
    let found = Seed::from_bytes(certferry::words::read(&other).unwrap()).unwrap_or_else(|_| panic!("no seed")).id();
    let told = format!("error: typed.txt: the words give the seed id {found}, and --id says {id}\n");
    desk.refuse(&line, 1, &format!("{told}{slip}"));
    put(&desk, &words.iter().rev().copied().collect::<Vec<_>>().join(" "));
    desk.refuse(&line, 2, &format!("{checksum}{NO_SLIP}"));
    put(&desk, &["zoo"; 24].join(" "));
    let repeated = [&["abandon"; 23][..], &["art"]].concat().join(" ");
    put(&desk, &repeated);
    desk.refuse(&line, 2, "error: typed.txt: all its bytes are the same, so no random generator made it\n");
}

#[test]
fn which_seed_it_shall_be_has_to_be_said() {
    let (desk, id) = desk();
    let words = words_of(&page(&desk), 24);
    put(&desk, &words.join(" "));
    desk.refuse(
        "seed from-words typed.txt --out new.seed --plain",
        2,
        "error: which seed shall it be? Words alone do not tell: one wrong one in 256 passes their checksum\nhint: --id ID is \
         the id on the same page, --lock FILE the lock of a cluster that was built with the seed\n",
    );
    let hint =
        "hint: it stands on the page of the words, in the lock as `seed_id`, and `certferry seed id` prints it\n";
    for wrong in [&id[1..], "a654bec5a07c4d4x", "abandon"] {
        desk.refuse(
            &format!("seed from-words typed.txt --out new.seed --plain --id {wrong}"),
            2,
            &format!("error: --id is no seed id, which has 16 hex digits\n{hint}"),
        );
    }
    let other = "0123456789abcdef";
    desk.refuse(
        &format!("seed from-words words.txt --out new.seed --plain --id {other}"),
        1,
        &format!("error: words.txt: the words give the seed id {id}, and --id says {other}\n{NO_SLIP}"),
    );
    desk.write("page.txt", desk.text("words.txt").replace(&id, other));
    desk.set_mode("page.txt", 0o600);
    desk.refuse(
        "seed from-words page.txt --out new.seed --plain",
        1,
        &format!("error: page.txt: the words give the seed id {id}, and the page in page.txt says {other}\n{NO_SLIP}"),
    );
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.refuse(
        &format!("seed from-words words.txt --out new.seed --plain --id {other} --lock lab.lock.toml"),
        2,
        &format!("error: --id says the seed id {other}, and lab.lock.toml says {id}\n"),
    );
    desk.refuse("seed from-words words.txt --out new.seed --plain --lock none", 2, "error: there is no lock none\n");
    desk.refuse(
        "seed from-words words.txt --out lab.seed --plain",
        2,
        "error: cannot create lab.seed: file exists\nhint: a seed is never overwritten; choose another name, or use the existing \
         seed with --seed\n",
    );
}

/// Neither a pipe nor a file gets the words unless that is said.
#[test]
fn words_go_to_a_terminal_alone() {
    let (desk, _) = desk();
    desk.refuse(
        "seed words lab.seed",
        2,
        "error: the words of a seed are shown on a terminal, and the standard output is none\nhint: --out FILE writes them to a \
         file of mode 0600, --to-stdout prints them all the same, as for `| lp`\n",
    );
    desk.write("taken", "");
    desk.refuse(
        "seed words lab.seed --out taken",
        2,
        "error: cannot create taken: file exists\nhint: words are never overwritten; choose another name\n",
    );
    let printed = desk.succeed("seed words lab.seed --to-stdout");
    desk.succeed("seed words lab.seed --out words.txt");
    assert_eq!(printed, desk.text("words.txt"));
    let mut full = tool("sh");
    full.args(["-c", "exec \"$0\" seed words lab.seed --to-stdout > /dev/full"]).arg(crate::common::program());
    let ended = end(full.current_dir(desk.path("")));
    assert_eq!(ended.stderr, "error: cannot write the standard output: no space left on device\n");
}

/// Every other word in every place, and every two words in each other's place: the checksum finds 255 of 256, and the
/// id finds the rest.
#[test]
fn every_slip_is_found() {
    let id = Seed::from_bytes(seed()).unwrap_or_else(|_| panic!("no seed")).id();
    let right = indices(&seed());
    let mut passed = 0;
    let mut is_refused = |tried: &[u16]| match checked(tried) {
        Err(_) => true,
        Ok(bytes) => {
            passed += 1;
            Seed::from_bytes(*bytes).ok().is_none_or(|seed| seed.id() != id)
        }
    };
    let (mut tried, mut count) = (right.to_vec(), 0);
    for place in 0..24 {
        for other in (0..2048).filter(|other| *other != right[place]) {
            tried[place] = other;
            assert!(is_refused(&tried), "word {place}: {other}");
            count += 1;
        }
        tried[place] = right[place];
    }
    assert_eq!(count, 24 * 2047);
    for (first, second) in (0..24).flat_map(|first| (0..first).map(move |second| (first, second))) {
        tried.swap(first, second);
        assert!(right[first] == right[second] || is_refused(&tried), "{first} and {second}");
        tried.swap(first, second);
    }
    assert!(!is_refused(&tried));
    // About one in 256, or the checksum would have done alone.
    assert!((100..300).contains(&passed), "{passed}");
}
