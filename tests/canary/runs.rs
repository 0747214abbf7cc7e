//! Commands over a sealed seed, of which everything is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::lab::{LAB, PASSPHRASE};
use super::search::{Needles, Places, compressed};
use super::secrets::Secret;
use crate::common::desk::{CANARY, Desk};
use crate::common::rights::{Right, lacks};
use crate::common::{files, run, succeed, tool};
use crate::sealed_seed::terminal::Session;

/// Runs a command that ends so; returns where something secret is.
fn places(desk: &Desk, line: &str, code: i32) -> Places {
    let (output, places) = LAB.run(desk, &desk.command(line));
    assert_eq!(output.status.code(), Some(code), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    places
}

fn names(places: &Places) -> Vec<&str> {
    places.keys().map(String::as_str).collect()
}

/// Each file below a folder with a key in it, and the id of the key; which nobody but the owner may read.
pub fn keys_below(folder: &std::path::Path) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for name in files(folder) {
        let path = folder.join(&name);
        if path.is_symlink() {
            continue;
        }
        let found: BTreeSet<String> =
            LAB.needles.search(&fs::read(&path).unwrap()).into_iter().map(|(secret, _)| secret).collect();
        let mut found = found.into_iter();
        if let Some(key) = found.next() {
            assert_eq!(found.next(), None, "{name}");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600, "{name}");
            keys.insert(name, key);
        }
    }
    keys
}

/// Whether a place is below a folder, or below its name while it is made.
pub fn is_below(place: &str, folder: &str) -> bool {
    let (_, path) = place.split_once(' ').unwrap();
    let path = path.strip_prefix("to ").unwrap_or(path);
    path.starts_with(&format!("{folder}/")) || path.starts_with(&format!(".{folder}.certferry-"))
}

#[test]
fn commands_over_a_sealed_seed_leave_nothing_secret_anywhere() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (desk, open) = (LAB.desk(), LAB.open());
    desk.write("lab.lock.toml", &LAB.lock);
    let recipient = &LAB.recipient;
    for line in [
        "plan lab.toml --verbose".to_owned(),
        format!("seed id sealed.seed {open}"),
        format!("seed check sealed.seed {open} --lock lab.lock.toml -o json"),
        format!("seed reseal sealed.seed {open} --out again.seed --recipient {recipient}"),
        format!("seed reseal sealed.seed {open} --out words.seed --new-passphrase-file {}", LAB.on_stick("passphrase")),
        format!("csr lab.toml --ca kubernetes --seed sealed.seed {open} --out ca.csr"),
        format!("build lab.toml --seed sealed.seed {open} --out out --locked --dry-run"),
    ] {
        let found = places(&desk, &line, 0);
        assert!(found.is_empty(), "{line}: {found:?}");
    }
    // What fails tells of nothing secret either.
    let other = tempfile::tempdir().unwrap();
    let identity = certferry::seal::Identity::random(certferry::seal::Kind::Hybrid).unwrap();
    let other = crate::common::write(other.path(), "other.key", &identity.to_text(), 0o600);
    let passphrase = LAB.on_stick("passphrase");
    for line in [
        format!("seed id sealed.seed --identity {}", other.display()),
        format!("seed id sealed.seed --identity {passphrase}"),
        format!("seed id sealed.seed --passphrase-file {}", LAB.on_stick("me.key")),
        format!("build lab.toml --seed {passphrase} --out out"),
        format!("build lab.toml --seed {} --out out", LAB.on_stick("me.key")),
        format!("csr {passphrase} --ca kubernetes --seed sealed.seed {open}"),
        format!("plan {}", LAB.on_stick("me.key")),
        format!("verify {}", LAB.on_stick("me.key")),
        format!("inspect {}", LAB.on_stick("me.key")),
    ] {
        let found = places(&desk, &line, 2);
        assert!(found.is_empty(), "{line}: {found:?}");
    }
}

/// Words are the seed itself, and lie in their file; a share by itself has nothing of it.
#[test]
fn paper_is_where_it_was_asked_for() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (desk, open) = (LAB.desk(), LAB.open());
    let found = places(&desk, &format!("seed words sealed.seed {open} --out words.txt"), 0);
    assert_eq!(names(&found), ["file words.txt", "written to #"], "{found:?}");
    assert!(found.values().flatten().all(|(name, _)| name == "words of the seed"), "{found:?}");
    fs::remove_file(desk.path("words.txt")).unwrap();
    let split = format!("seed split sealed.seed {open} --shares 3 --threshold 2 --out shares");
    let found = places(&desk, &split, 0);
    assert!(found.is_empty(), "{found:?}");
    let combine =
        format!("seed combine shares/share-1.txt shares/share-3.txt --out again.seed --recipient {}", LAB.recipient);
    let found = places(&desk, &combine, 0);
    assert!(found.is_empty(), "{found:?}");
}

/// What is new is known only afterwards.
#[test]
fn what_is_made_anew_is_where_it_belongs_and_nowhere_else() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let desk = LAB.desk();
    let line = format!("seed new new.seed --recipient {}", LAB.recipient);
    let (output, trace) = super::trace::traced(&desk.command(&line), &desk.path(""));
    assert!(output.status.success());
    let open = LAB.open();
    desk.succeed(&format!("seed reseal new.seed {open} --out clear.seed --plain"));
    let digits = desk.text("clear.seed").lines().next().unwrap().replace("certferry-seed-1:", "");
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
    let needles = Needles::new(vec![Secret::bytes("new seed", &bytes)]);
    let all = trace.written.values().chain(trace.said.values());
    assert!(all.chain([&output.stdout, &output.stderr]).all(|bytes| needles.search(bytes).is_empty()));
    assert!(needles.search(&desk.read("new.seed")).is_empty() && !needles.search(&desk.read("clear.seed")).is_empty());

    for (kind, file) in [("", "hybrid.key"), (" --x25519", "x25519.key")] {
        let (output, trace) =
            super::trace::traced(&desk.command(&format!("identity new {file}{kind} -o json")), &desk.path(""));
        let needles = Needles::new(Secret::identity("new identity", &desk.text(file)));
        let written: Vec<_> = trace.written.iter().filter(|(_, bytes)| !needles.search(bytes).is_empty()).collect();
        let folder = desk.path("").join("#").display().to_string().replace("//", "/");
        assert_eq!(written.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [folder], "{file}");
        let rest = trace.said.values().chain([&output.stdout, &output.stderr]);
        assert!(rest.into_iter().all(|bytes| needles.search(bytes).is_empty()), "{file}");
        assert_eq!(desk.mode(file), 0o600);
    }
}

/// A plain bundle has keys where the format says, compressed, and nowhere else.
#[test]
fn a_plain_build_has_keys_where_the_format_says() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (desk, open) = (LAB.desk(), LAB.open());
    let found = places(&desk, &format!("build lab.toml --seed sealed.seed {open} --out out"), 0);
    let (file, written) = (compressed("file out/lab-g1.tar.gz"), compressed("written to out/#"));
    assert_eq!(names(&found), [&file, &written], "{found:?}");
    let parts = ["node/cp-1", "node/w-1", "cluster"].map(|part| (part, LAB.keys_of(part)));
    let expected: BTreeSet<_> = parts.iter().flat_map(|(_, keys)| keys.values().cloned()).collect();
    for place in found.values() {
        let keys: BTreeSet<_> = place.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(keys, expected);
    }
    assert!(!expected.contains("key bundle-signer"), "which is in no bundle");
    succeed(tool("tar").args(["-xzf", "out/lab-g1.tar.gz"]).current_dir(desk.path("")));
    for (part, keys) in parts {
        let folder = desk.path("lab-g1").join(part.replace("node/", "nodes/"));
        assert_eq!(keys_below(&folder), keys, "{part}");
        fs::remove_dir_all(folder).unwrap();
    }
    assert_eq!(keys_below(&desk.path("lab-g1")), BTreeMap::new());
    fs::remove_dir_all(desk.path("lab-g1")).unwrap();

    // On its node it is in the node's files, whoever writes them.
    let bundle = "out/lab-g1.tar.gz --key out/lab.pub --node w-1 --root";
    for (line, root) in [(format!("unpack {bundle} tree"), "tree"), (format!("apply {bundle} node"), "node")] {
        fs::create_dir(desk.path("node")).ok();
        let found = places(&desk, &line, 0);
        let elsewhere: Vec<_> =
            names(&found).into_iter().filter(|place| !is_below(place, root) && *place != file).collect();
        assert_eq!(elsewhere, Vec::<&str>::new(), "{line}");
        assert_eq!(keys_below(&desk.path(root)), LAB.keys_of("node/w-1"), "{line}");
        fs::remove_dir_all(desk.path(root)).unwrap();
    }
    // Slices are parts of it, still compressed.
    let found = places(&desk, "split out/lab-g1.tar.gz --node w-1 --out slice.tar.gz", 0);
    let keys: BTreeSet<_> = found[&compressed("file slice.tar.gz")].iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(keys, LAB.keys_of("node/w-1").into_values().collect());
    assert!(names(&found).iter().all(|place| place.ends_with(", compressed")), "{found:?}");
}

/// Adopted keys that are sealed lie in the clear nowhere but in what is built.
#[test]
fn adopted_keys_that_are_sealed_stay_so() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (desk, open) = (LAB.desk(), LAB.open());
    desk.succeed(&format!("build lab.toml --seed sealed.seed {open} --out before"));
    desk.succeed("unpack before/lab-g1.tar.gz --key before/lab.pub --node cp-1 --root tree");
    desk.write("ca.crt", desk.read("tree/etc/kubernetes/pki/ca.crt"));
    desk.write("sealed.key", seal(&desk.read("tree/etc/kubernetes/pki/ca.key")));
    desk.set_mode("sealed.key", 0o600);
    for left in ["before", "tree"] {
        fs::remove_dir_all(desk.path(left)).unwrap();
    }
    let profile = desk.text("lab.toml");
    let table = "[ca.kubernetes]\ncertificate = \"ca.crt\"\nkey = \"sealed.key\"\n\n[keys]\n";
    desk.write("lab.toml", profile.replace("[keys]\n", table));
    let found = places(&desk, "plan lab.toml --lock new.lock.toml", 0);
    assert!(found.is_empty(), "{found:?}");
    let (output, found) = LAB
        .run(&desk, &desk.command(&format!("build lab.toml --seed sealed.seed {open} --out out --lock new.lock.toml")));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(names(&found), [compressed("file out/lab-g1.tar.gz"), compressed("written to out/#")]);
    let adopted = ("key ca/kubernetes".to_owned(), super::secrets::Form::Text);
    assert!(found.values().all(|place| place.contains(&adopted)));
}

/// Seals bytes to the identity of the lab.
fn seal(content: &[u8]) -> Vec<u8> {
    use std::io::Write;

    use certferry::seal::{Form, Recipient, SealTo, Sealer};
    let recipients = [Recipient::parse(&LAB.recipient).unwrap()];
    let mut sealer = Sealer::new(Vec::new(), SealTo::Recipients(&recipients), Form::Armored).unwrap();
    sealer.write_all(content).unwrap();
    sealer.finish().unwrap()
}

/// What was typed is not shown, and nothing else that is secret either.
#[test]
fn a_terminal_shows_nothing_secret() {
    let (desk, open) = (LAB.desk(), LAB.open());
    let typed = format!("{PASSPHRASE}\n");
    let mut session = Session::start(&desk, &format!("seed reseal sealed.seed {open} --out typed.seed"));
    session.answer("New passphrase for typed.seed: ", &typed);
    session.answer("The same again: ", &typed);
    let (code, said) = session.end();
    assert_eq!((code, LAB.needles.search(said.as_bytes()).len()), (Some(0), 0), "{said}");
    let mut session = Session::start(&desk, "build lab.toml --seed typed.seed --out out");
    session.answer("Passphrase of typed.seed: ", &typed);
    let (code, said) = session.end();
    assert_eq!((code, LAB.needles.search(said.as_bytes()).len()), (Some(0), 0), "{said}");
    assert!(said.contains("lab.lock.toml") && !said.contains(CANARY));
    // What echoes is seen.
    let echoed = desk.path("echoed");
    fs::write(&echoed, &typed).unwrap();
    let shown =
        run(tool("sh").args(["-c", "script --quiet --return --command 'head -n 1 >&2' /dev/null < $0"]).arg(&echoed));
    assert!(!LAB.needles.search(&shown.stdout).is_empty());
}
