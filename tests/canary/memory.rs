//! When a command has nothing left to do but to end, no secret is in its memory.

use super::lab::LAB;
use super::search::Needles;
use super::secrets::Secret;
use super::stopped::Stopped;
use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::skip;

/// What of everything secret a command has in memory at its end; nothing where this machine does not let anybody look.
pub fn left(desk: &Desk, line: &str, needles: &Needles) -> Option<Vec<String>> {
    let stopped = Stopped::at_exit(&desk.command(line), &desk.path(""));
    match stopped.search(needles) {
        Ok(found) => Some(found.into_iter().map(|(name, form)| format!("{line}: {name} {form}")).collect()),
        Err(reason) => {
            skip(&reason);
            None
        }
    }
}

#[test]
fn nothing_secret_is_in_memory_at_the_end() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (desk, open) = (LAB.desk(), LAB.open());
    desk.succeed(&format!("build lab.toml --seed sealed.seed {open} --out out"));
    let passphrase = LAB.on_stick("passphrase");
    desk.succeed(&format!("seed reseal sealed.seed {open} --out words.seed --new-passphrase-file {passphrase}"));
    std::fs::create_dir(desk.path("node")).unwrap();
    let bundle = "out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root";
    let mut all = Vec::new();
    for line in [
        format!("build lab.toml --seed sealed.seed {open} --out again --locked"),
        format!("seed check sealed.seed {open}"),
        format!("seed check words.seed --passphrase-file {passphrase}"),
        format!("seed reseal sealed.seed {open} --out other.seed --recipient {}", LAB.recipient),
        format!("seed reseal sealed.seed {open} --out clear.seed --plain"),
        format!("csr lab.toml --ca kubernetes --seed sealed.seed {open} --out ca.csr"),
        format!("seed words sealed.seed {open} --out words.txt"),
        "seed from-words words.txt --out typed.seed --plain".to_owned(),
        format!("seed split sealed.seed {open} --shares 3 --threshold 2 --out shares"),
        "seed combine shares/share-1.txt shares/share-3.txt --out combined.seed --plain".to_owned(),
        format!("verify {}", "out/lab-g1.tar.gz --key out/lab.pub"),
        "inspect out/lab-g1.tar.gz --key out/lab.pub".to_owned(),
        format!("unpack {bundle} tree"),
        format!("apply {bundle} node"),
        "status --root node".to_owned(),
        "doctor --root node".to_owned(),
        "survey --root node".to_owned(),
        "split out/lab-g1.tar.gz --node cp-1 --out slice.tar.gz".to_owned(),
    ] {
        match left(&desk, &line, &LAB.needles) {
            Some(found) => all.extend(found),
            None => return,
        }
    }
    assert!(all.is_empty(), "{all:#?}");
}

/// A new identity is known only afterwards, when its file is there.
#[test]
fn a_new_identity_is_not_in_memory_at_the_end() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let desk = LAB.desk();
    for (kind, file) in [("", "hybrid.key"), (" --x25519", "x25519.key")] {
        let stopped = Stopped::at_exit(&desk.command(&format!("identity new {file}{kind}")), &desk.path(""));
        let needles = Needles::new(Secret::identity("the identity", &desk.text(file)));
        match stopped.search(&needles) {
            Ok(found) => assert!(found.is_empty(), "{file}: {found:?}"),
            Err(reason) => return skip(&reason),
        }
    }
}
