//! With passphrases and identities from files, as where there is no terminal.

use super::{PASSPHRASE, desk, plain};
use crate::common::desk::CANARY;
use crate::common::{Ended, tool};

/// The same bundle, whatever the seed is sealed with; and age opens it.
#[test]
fn a_sealed_seed_builds_the_same_bundle() {
    let (desk, [hybrid, x25519]) = desk();
    let id = desk.succeed("seed id lab.seed");
    desk.succeed("build lab.toml --seed lab.seed --out plain");
    let bundle = desk.read("plain/lab-g1.tar.gz");
    for (name, seal, open) in [
        ("p", "--new-passphrase-file passphrase".to_owned(), "--passphrase-file passphrase"),
        ("h", format!("--recipient {hybrid}"), "--identity x25519.key --identity hybrid.key"),
        ("x", format!("--recipient {x25519}"), "--identity x25519.key"),
    ] {
        let file = format!("{name}.seed");
        let said = desk.succeed(&format!("seed reseal lab.seed --out {file} {seal}"));
        let how = if name == "p" { "with the passphrase" } else { "to a recipient" };
        let ignored = if name == "p" { ".gitignore  keeps seeds and bundles out of git\n" } else { "" };
        assert_eq!(
            said,
            format!(
                "{file}  seed id {}, sealed {how}\n{ignored}lab.seed is as it was: destroy its copies once this one is \
                 checked with `certferry seed check`.\n",
                id.trim_end()
            )
        );
        assert_eq!(desk.mode(&file), 0o600);
        assert!(desk.text(&file).starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
        assert_eq!(desk.succeed(&format!("seed id {file} {open}")), id);
        desk.succeed(&format!("build lab.toml --seed {file} {open} --out {name} --locked"));
        assert!(desk.read(&format!("{name}/lab-g1.tar.gz")) == bundle, "{name}");
        assert_eq!(
            desk.succeed(&format!("seed check {file} {open} --lock lab.lock.toml")),
            format!("{file}  seed id {}, sealed: it is whole, and that of lab.lock.toml\n", id.trim_end())
        );
    }
    let mut age = tool("age");
    let opened = age.args(["--decrypt", "-i", "x25519.key", "x.seed"]).current_dir(desk.path("")).output().unwrap();
    assert_eq!(String::from_utf8(opened.stdout).unwrap(), plain(&id));
    // Back in the clear, it is what age gives.
    desk.succeed("seed reseal p.seed --passphrase-file passphrase --out clear.seed --plain");
    assert_eq!(desk.text("clear.seed"), plain(&id));
    // The passphrase from a pipe, as from a manager of passwords.
    let mut sh = desk.wrapped(&["sh", "-c", "cat passphrase | \"$@\"", "sh"], "seed id p.seed --passphrase-file -");
    assert_eq!(desk.watch(&mut sh).stdout, id);
}

#[test]
fn new_seeds_are_sealed() {
    let (desk, [hybrid, x25519]) = desk();
    let said = desk.succeed("seed new a.seed --passphrase-file passphrase");
    let id = desk.succeed("seed id a.seed --passphrase-file passphrase");
    assert_eq!(
        said,
        format!(
            "a.seed  seed id {}, sealed with the passphrase\n.gitignore  keeps seeds and bundles out of git\nWhoever has this \
             file and the passphrase can make every key of the cluster. Keep two copies offline, and the passphrase \
             elsewhere.\n",
            id.trim_end()
        )
    );
    let said = desk.succeed(&format!("seed new b.seed --recipient {x25519} --recipient {x25519}"));
    assert!(
        said.contains(", sealed to 2 recipients\nWhoever has this file and an identity can make every key"),
        "{said}"
    );
    let json = desk.succeed(&format!("seed new c.seed --recipient {hybrid} -o json"));
    assert!(json.contains("\"sealed\": \"recipients\""), "{json}");
    let said = desk.succeed("build lab.toml --new-seed d.seed --passphrase-file passphrase --out out");
    assert!(
        said.contains("  d.seed  NEW, sealed: whoever opens it can make every key. Keep two copies offline.\n"),
        "{said}"
    );
    // The seed that was made is the one with which it was built.
    desk.succeed("build lab.toml --new-seed d.seed --passphrase-file passphrase --out again --locked");
    assert!(desk.read("out/lab-g1.tar.gz") == desk.read("again/lab-g1.tar.gz"));
    desk.refuse(
        &format!("seed new e.seed --recipient {hybrid} --recipient {x25519}"),
        2,
        "error: cannot seal: recipients age1pq1... and age1... in one file: a computer that breaks X25519 would open it, \
         whatever the others are\nhint: give recipients of one kind; age1pq1... is the stronger\n",
    );
    let hint = "hint: a recipient is what `age-keygen -y` prints: age1pq1... or age1...\n";
    for (recipient, fault) in [
        ("cp-1", "does not begin with age1pq1 or age1"),
        (&x25519[..50], "has a wrong letter, or one too few or too many: its checksum does not hold"),
        ("ssh-ed25519", "is of a kind that age has by a plugin or for SSH; certferry has age1pq1... and age1..."),
        (
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
            "is an identity, the secret half of a recipient",
        ),
    ] {
        for line in
            ["seed new e.seed", "build lab.toml --new-seed e.seed --out out", "seed reseal lab.seed --out e.seed"]
        {
            desk.refuse(
                &format!("{line} --recipient {recipient}"),
                2,
                &format!("error: what --recipient names {fault}\n{hint}"),
            );
        }
    }
}

#[test]
fn what_does_not_open_is_one_message() {
    let (desk, [hybrid, _]) = desk();
    desk.succeed("seed reseal lab.seed --out p.seed --new-passphrase-file passphrase");
    desk.succeed(&format!("seed reseal lab.seed --out h.seed --recipient {hybrid}"));
    let refuse = |line: &str, text: &str| desk.refuse(line, 2, &format!("error: {text}\n"));
    refuse(
        "build lab.toml --seed p.seed --passphrase-file other --out out",
        "p.seed does not open: the passphrase is another one, or the file was changed\nhint: a copy from before `seed reseal` \
         has the passphrase of before",
    );
    refuse(
        "seed id h.seed",
        "h.seed is sealed to recipients\nhint: --identity FILE names a file with the identity of one of them",
    );
    refuse(
        "seed id h.seed --identity x25519.key",
        "h.seed does not open: it is sealed to other recipients, or was changed\nhint: --identity FILE can be given several \
         times",
    );
    refuse(
        "seed id h.seed --identity passphrase",
        "passphrase: line 1 is no identity, which begins with AGE-SECRET-KEY-PQ-1 or AGE-SECRET-KEY-1\nhint: it is a file as \
         `age-keygen` writes one",
    );
    refuse(
        "seed id h.seed --identity p.seed",
        "p.seed: line 1 is no identity, which begins with AGE-SECRET-KEY-PQ-1 or AGE-SECRET-KEY-1\nhint: it is sealed itself: \
         open it with age, and name what comes out",
    );
    let sealed = desk.text("h.seed");
    let lines: Vec<&str> = sealed.lines().collect();
    for (content, fault) in [
        (sealed[..sealed.len() / 2].to_owned(), "is a damaged file of age: "),
        (sealed.replace("-----END", "-----BEGIN"), "is a damaged file of age: "),
        (lines.iter().rev().map(|line| format!("{line}\n")).collect(), "is not a seed: "),
        (
            format!("{sealed}{sealed}"),
            "is a damaged file of age: there is more behind its last line\nhint: take the other copy",
        ),
    ] {
        desk.write("bad.seed", content);
        desk.set_mode("bad.seed", 0o600);
        let ended = desk.run("seed id bad.seed --identity hybrid.key");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.starts_with(&format!("error: bad.seed {fault}")), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("error: ").count(), 1);
    }
}

#[test]
fn what_is_no_passphrase_is_said() {
    let (desk, _) = desk();
    let hint = "hint: a passphrase is one line of UTF-8; the line's end does not belong to it\n";
    for (content, fault) in [
        (&b""[..], "is empty"),
        (b"\n", "is empty"),
        (b"\r\n", "is empty"),
        (b"a\0b\n", "has a NUL in it"),
        (b"\0", "has a NUL in it"),
        (b"two\rlines", "has more than one line"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"two\nlines\n", "has more than one line"),
        (&[b'a'; 1025], "is longer than 1024 bytes"),
    ] {
        desk.write("bad", content);
        desk.set_mode("bad", 0o600);
        let text = format!("error: the passphrase in bad {fault}\n{hint}");
        desk.refuse("seed new new.seed --passphrase-file bad", 2, &text);
    }
    desk.write("bad", vec![b'a'; 1 << 20]);
    desk.refuse(
        "seed new new.seed --passphrase-file bad",
        2,
        "error: cannot read the passphrase bad: longer than 1027 bytes\n",
    );
    desk.refuse(
        "seed new new.seed --passphrase-file none",
        2,
        "error: cannot read the passphrase none: no such file or directory\n",
    );
    // With and without the line's end it is one passphrase; who else can read it is told.
    desk.succeed("seed reseal lab.seed --out p.seed --new-passphrase-file passphrase");
    desk.write("bare", PASSPHRASE.trim_end());
    desk.set_mode("bare", 0o644);
    let Ended { code, stderr, .. } = desk.run("seed id p.seed --passphrase-file bare");
    assert_eq!((code, stderr.as_str()), (Some(0), "warning: bare can be read by others\nhint: chmod 600 bare\n"));
}

#[test]
fn a_copy_is_checked() {
    let (desk, _) = desk();
    let id = desk.succeed("seed id lab.seed");
    let id = id.trim_end();
    let Ended { code, stdout, stderr } = desk.run("seed check lab.seed");
    assert_eq!((code, stdout), (Some(0), format!("lab.seed  seed id {id}, in the clear: it is whole\n")));
    assert_eq!(
        stderr,
        "warning: lab.seed has no second line with its id: a wrong digit in it would not be found\nhint: compare the id with \
         the `seed_id` that is in the lock: --lock FILE does\n"
    );
    desk.write("two.seed", plain(id));
    desk.set_mode("two.seed", 0o600);
    assert_eq!(desk.succeed("seed check two.seed"), format!("two.seed  seed id {id}, in the clear: it is whole\n"));
    desk.write("slip.seed", plain(id).replacen(&CANARY[..4], "c0fe", 1));
    desk.set_mode("slip.seed", 0o600);
    desk.refuse(
        "seed check slip.seed",
        2,
        "error: slip.seed is not a seed: its digits do not give its id: a digit is mistyped\nhint: a seed is \
         `certferry-seed-1:` and 64 lower-case hex digits, and its id on a second line\n",
    );
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.succeed("seed new other.seed --plain");
    let other = desk.succeed("seed id other.seed");
    desk.refuse(
        "seed check other.seed --lock lab.lock.toml",
        1,
        &format!(
            "error: other.seed is another seed than that of lab.lock.toml\nhint: its id is {}, that of the lock's is {id}\n",
            other.trim_end()
        ),
    );
    desk.refuse("seed check two.seed --lock none", 2, "error: there is no lock none\n");
    for line in ["seed reseal lab.seed --out other.seed --plain", "seed reseal lab.seed --out lab.seed --plain"] {
        let file = line.split_whitespace().nth(4).unwrap();
        desk.refuse(
            line,
            2,
            &format!(
                "error: cannot create {file}: file exists\nhint: a seed is never overwritten; choose another name, or use the \
                 existing seed with --seed\n"
            ),
        );
    }
    let before = desk.state();
    let said = desk.succeed("seed reseal lab.seed --out dry.seed --plain --dry-run");
    assert_eq!(said, "dry.seed would be made; nothing was written\n");
    assert!(desk.state() == before);
}

/// Adopted keys are opened like the seed; `plan`, which needs no secret, does without.
#[test]
fn adopted_keys_are_opened() {
    let (desk, [_, x25519]) = desk();
    desk.succeed("build lab.toml --seed lab.seed --out before");
    desk.succeed("unpack before/lab-g1.tar.gz --key before/lab.pub --node cp-1 --root tree");
    let pki = "tree/etc/kubernetes/pki";
    desk.write("ca.crt", desk.read(&format!("{pki}/ca.crt")));
    let mut age = tool("age");
    age.args(["--armor", "-r", &x25519, "-o", "ca.key.age"]).arg(desk.path(&format!("{pki}/ca.key")));
    assert!(age.current_dir(desk.path("")).status().unwrap().success());
    desk.set_mode("ca.key.age", 0o600);
    let table = "[ca.kubernetes]\ncertificate = \"ca.crt\"\nkey = \"ca.key.age\"\n\n[keys]\n";
    desk.profile_with(&[("[keys]\n", table)]);
    assert_eq!(desk.run("plan lab.toml").code, Some(0));
    let line = "build lab.toml --seed lab.seed --out after --lock after.lock.toml";
    desk.refuse(
        line,
        2,
        "error: ca.key.age is sealed to recipients\nhint: --identity FILE names a file with the identity of one of them\n",
    );
    let ended = desk.run(&format!("{line} --identity x25519.key"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    desk.succeed("unpack after/lab-g1.tar.gz --key after/lab.pub --node cp-1 --root adopted");
    assert!(desk.read("adopted/etc/kubernetes/pki/ca.key") == desk.read(&format!("{pki}/ca.key")));
}
