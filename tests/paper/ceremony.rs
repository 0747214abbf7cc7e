//! `ceremony`: the check list fills itself with what is known, and leaves lines for the rest.

use std::fs;

use sha2::{Digest, Sha256};

use super::desk;
use crate::common::desk::Desk;
use crate::common::program;

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As a hash stands on the list.
fn grouped(digits: &str) -> String {
    let groups: Vec<&str> = (0..digits.len()).step_by(4).map(|at| &digits[at..at + 4]).collect();
    groups.chunks(8).map(|line| format!("    {}\n", line.join(" "))).collect()
}

fn assert_is_paper(text: &str) {
    assert!(text.lines().all(|line| line.chars().count() <= 80 && line.trim_end() == line), "{text}");
    for signature in ["\nA      ____", "\nB      ____", "Signed, both of us"] {
        assert!(text.contains(signature), "{text}");
    }
}

#[test]
fn before_and_after_the_build() {
    let (desk, id) = desk();
    let own = grouped(&hash(&fs::read(program()).unwrap()));
    let profile = grouped(&hash(&desk.read("lab.toml")));
    // Of nothing.
    let empty = desk.succeed("ceremony");
    assert_is_paper(&empty);
    assert!(empty.contains(&own) && empty.contains("says certferry 0.0.1\n"));
    assert!(empty.starts_with("CEREMONY OF THE KEYS: ____") && !empty.contains(&profile));
    // Before the build.
    let before = desk.succeed("ceremony lab.toml --person Ada --person Grace --date 2026-11-30,10:00 --place vault");
    assert_is_paper(&before);
    for line in ["KEYS: lab\n", "date   2026-11-30,10:00\n", "place  vault\n", "A      Ada\n", "B      Grace\n"] {
        assert!(before.contains(line), "{line}: {before}");
    }
    let blank = "    ____ ____ ____ ____ ____ ____ ____ ____\n";
    assert!(before.contains(&profile) && before.contains(blank) && !before.contains(&grouped(&id)));
    // After it.
    let built = desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.succeed("seed split lab.seed --shares 5 --threshold 3 --out shares");
    let recipients = ["hybrid.key", "x25519.key --x25519"].map(|line| {
        let said = desk.succeed(&format!("identity new {line}"));
        said.lines().nth(2).unwrap().to_owned()
    });
    desk.write("recipients.txt", format!("# nodes\ncp-1 {}\n\n", recipients[0]));
    let after = desk.succeed(&format!(
        "ceremony lab.toml --record shares/record.toml --recipients recipients.txt --recipient {}",
        recipients[1]
    ));
    assert_is_paper(&after);
    let lock: toml::Table = desk.text("lab.lock.toml").parse().unwrap();
    let signer = lock["signer"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    assert!(built.contains(signer));
    for expected in [
        own,
        profile,
        grouped(&id),
        grouped(&hash(&desk.read("lab.lock.toml"))),
        grouped(lock["content_sha256"].as_str().unwrap()),
        grouped(signer),
        format!("    cp-1\n{}", grouped(&hash(recipients[0].as_bytes()))),
        format!("    {}\n{}", recipients[1], grouped(&hash(recipients[1].as_bytes()))),
        "    compared by certferry: yes\n".to_owned(),
    ] {
        assert!(after.contains(&expected), "{expected}: {after}");
    }
    let record: toml::Table = desk.text("shares/record.toml").parse().unwrap();
    assert!(
        after.contains(&format!("The set of shares is {}: 5 shares, any 3 make", record["set_id"].as_str().unwrap()))
    );
    for share in record["share"].as_array().unwrap() {
        let row = format!("    share {}\n{}    holder", share["index"], grouped(share["sha256"].as_str().unwrap()));
        assert!(after.contains(&row), "{row}: {after}");
    }
    assert!(!after.contains(blank), "{after}");
    // The same each time: nothing of it comes from a clock.
    assert_eq!(desk.succeed("ceremony lab.toml"), desk.succeed("ceremony lab.toml --lock lab.lock.toml"));
    // The profile of the next generation: the list for before the next build.
    desk.profile_with(&[("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\n")]);
    let next = desk.run("ceremony lab.toml");
    assert_eq!(
        (next.code, next.stderr.as_str()),
        (
            Some(0),
            "warning: lab.lock.toml is of another text of lab.toml: the list is that for before the build\nhint: after the build \
             the lock is of this text, and the list has its hashes\n"
        )
    );
    assert!(next.stdout.contains(&grouped(signer)) && next.stdout.contains(&grouped(&id)));
    assert!(!next.stdout.contains(&grouped(lock["content_sha256"].as_str().unwrap())));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let (desk, id) = desk();
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.succeed("seed new other.seed --plain");
    let other = desk.succeed("seed id other.seed").trim_end().to_owned();
    desk.succeed("seed split other.seed --shares 2 --threshold 2 --out shares");
    desk.refuse(
        "ceremony lab.toml --record shares/record.toml",
        1,
        &format!("error: shares/record.toml is of the seed id {other}, and the lock of {id}\n"),
    );
    desk.refuse("ceremony --lock none", 2, "error: there is no lock none\n");
    desk.refuse(
        "ceremony none.toml",
        2,
        "error: cannot read the profile none.toml: no such file or directory\nhint: `certferry init FILE` writes one to begin \
         with\n",
    );
    desk.refuse("ceremony --record none", 2, "error: cannot read the record none: no such file or directory\n");
    desk.refuse(
        "ceremony --person a --person b --person c",
        2,
        "error: there are lines for 2 people, and 3 are named\n",
    );
    desk.refuse("ceremony --recipient cp-1", 2, "error: what --recipient names does not begin with age1pq1 or age1\n");
    desk.write("recipients.txt", "cp-1 age1x\n");
    desk.refuse(
        "ceremony --recipients recipients.txt",
        2,
        "error: what line 1 of recipients.txt names has a wrong letter, or one too few or too many: its checksum does not hold\n",
    );
    desk.write("recipients.txt", "\ncp-1\n");
    desk.refuse(
        "ceremony --recipients recipients.txt",
        2,
        "error: line 2 of recipients.txt is not a name and a recipient\n",
    );
    desk.write("recipients.txt", b"\xff");
    desk.refuse("ceremony --recipients recipients.txt", 2, "error: recipients.txt is not UTF-8\n");
}

/// Long names stay on the page, and none of them reaches a terminal otherwise than as letters.
#[test]
fn whatever_is_named_stays_on_the_page() {
    let desk = Desk::new();
    let mut command = desk.command("ceremony --person");
    let ended = desk.watch(command.arg("\u{1b}[2J".to_owned() + &"long ".repeat(40)).args(["--date", "a\nb"]));
    assert_is_paper(&ended.stdout);
    assert!(
        ended.stdout.contains("A      \\u{1b}[2Jlong long") && ended.stdout.contains("date   a b\n"),
        "{}",
        ended.stdout
    );
}
