//! Whoever has paper: words, a share; or what is no secret at all.

use std::fs;

use super::{refused, secrets_in, victim};
use crate::canary::lab::LAB;
use crate::common::desk::Desk;
use crate::common::node::copy;
use crate::common::tool;

#[test]
fn the_words() {
    let (victim, thief) = (Desk::new(), Desk::new());
    victim.succeed("seed words lab.seed --out words.txt");
    fs::remove_file(thief.path("lab.seed")).unwrap();
    thief.write("words.txt", victim.read("words.txt"));
    let ended = thief.run("seed from-words words.txt --out again.seed --plain --quiet");
    let ended =
        if ended.code == Some(2) { thief.run("seed from-words words.txt --out again.seed --plain") } else { ended };
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(thief.succeed("seed id again.seed"), victim.succeed("seed id lab.seed"));
}

/// And as many more as are missing to the threshold but one.
#[test]
fn one_share() {
    let (victim, thief) = (Desk::new(), Desk::new());
    let id = victim.succeed("seed id lab.seed");
    victim.succeed("seed split lab.seed --shares 5 --threshold 3 --out shares");
    fs::remove_file(thief.path("lab.seed")).unwrap();
    for share in ["share-1.txt", "share-4.txt", "share-5.txt"] {
        let page = victim.read(&format!("shares/{share}"));
        assert!(secrets_in(&page).is_empty(), "a share has nothing of the seed");
        thief.write(share, page);
    }
    let combine = |shares: &str| format!("seed combine {shares} --out again.seed --plain --id {}", id.trim_end());
    for few in ["share-1.txt", "share-1.txt share-4.txt", "share-1.txt share-1.txt share-4.txt"] {
        refused(&thief, &combine(few));
        assert!(!thief.exists("again.seed"), "{few}");
    }
    assert_eq!(thief.run(&combine("share-1.txt share-4.txt share-5.txt")).code, Some(0));
    assert_eq!(thief.succeed("seed id again.seed"), id);
}

#[test]
fn a_lock() {
    let thief = Desk::new();
    thief.write("lab.toml", LAB.desk().read("lab.toml"));
    thief.write("lab.lock.toml", &LAB.lock);
    assert!(secrets_in(LAB.lock.as_bytes()).is_empty());
    let mut openssl = tool("openssl");
    let keys = openssl.args(["pkey", "-noout", "-in"]).arg(thief.path("lab.lock.toml")).output().unwrap();
    assert!(!keys.status.success());
    // A seed of his own is another one, and the lock says so.
    thief.write("own.seed", format!("certferry-seed-1:{}\n", crate::common::desk::OTHER_SEED));
    thief.set_mode("own.seed", 0o600);
    let said = refused(&thief, "build lab.toml --seed own.seed --out out --locked");
    assert!(said.starts_with("error: the build differs from lab.lock.toml: seed id "), "{said}");
    // What it does tell.
    for told in ["cp-1", "192.168.10.5", "2026-11-2", "spki_sha256"] {
        assert!(LAB.lock.contains(told), "{told}");
    }
}

#[test]
fn a_survey() {
    let victim = victim();
    fs::create_dir(victim.path("node")).unwrap();
    victim.succeed("apply out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root node --quiet");
    let root = copy(&victim.path("node"));
    let survey = victim.run(&format!("survey --root {}", root.path().display()));
    assert_eq!(survey.code, Some(0), "{}", survey.stderr);
    assert!(survey.stdout.contains("BEGIN CERTIFICATE") && !survey.stdout.contains("PRIVATE KEY"));
    assert!(secrets_in(survey.stdout.as_bytes()).is_empty() && secrets_in(survey.stderr.as_bytes()).is_empty());
    victim.write("survey.toml", &survey.stdout);
    let mut openssl = tool("openssl");
    let key = openssl.args(["pkey", "-noout", "-in"]).arg(victim.path("survey.toml")).output().unwrap();
    assert!(!key.status.success());
}
