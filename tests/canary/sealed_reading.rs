//! Sealed bundles and slices that are read: a part is in the clear where it was asked for, and nowhere else, and
//! nothing is left of what opened it.

use std::collections::BTreeSet;
use std::fs;

use super::file_keys;
use super::lab::LAB;
use super::memory::left;
use super::runs::{is_below, keys_below};
use super::sealed_build::{self, Owner};
use super::search::{Needles, Places, compressed};
use super::secrets::Secret;
use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::{run, tool, write};

/// A desk with what is carried to a node, each identity on a stick, and everything secret about all of it.
struct Far {
    desk: Desk,
    stick: tempfile::TempDir,
    needles: Needles,
}

impl Far {
    fn new() -> Self {
        let owners = sealed_build::owners();
        let desk = sealed_build::desk(&owners);
        desk.succeed(&format!("build lab.toml --seed sealed.seed {} --out out --quiet", LAB.open()));
        assert!(run(tool("tar").args(["-xf", "out/lab-g1.sealed.tar"]).current_dir(desk.path(""))).status.success());
        let stick = tempfile::tempdir().unwrap();
        let mut secrets = LAB.needles.secrets.clone();
        for Owner { part, envelope, identity } in &owners {
            let text = format!("{}\n", &*identity.to_text());
            write(stick.path(), &format!("{}.key", part.replace("node/", "")), &text, 0o600);
            secrets.extend(Secret::identity(&format!("identity of {part}"), &text));
            let sealed = desk.read(&format!("lab-g1/{envelope}"));
            secrets.extend(file_keys::of_envelope(part, &sealed, text.trim_end()));
        }
        for name in ["lab.toml", "sealed.seed"] {
            fs::remove_file(desk.path(name)).unwrap();
        }
        fs::create_dir(desk.path("node")).unwrap();
        Self { desk, stick, needles: Needles::new(secrets) }
    }

    fn with(&self, owner: &str) -> String {
        format!("--identity {}", self.stick.path().join(format!("{owner}.key")).display())
    }

    fn places(&self, line: &str, code: i32) -> Places {
        let (output, places) = self.needles.watch(&self.desk, &self.desk.command(line));
        assert_eq!(output.status.code(), Some(code), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        places
    }
}

const SEALED: &str = "out/lab-g1.sealed.tar";
const KEY: &str = "--key out/lab.pub";

/// The secrets that are in any of these places.
fn secrets(places: &Places) -> BTreeSet<String> {
    places.values().flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn what_was_sealed_is_in_the_clear_only_where_it_was_asked_for() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let far = Far::new();

    let nobody = write(far.stick.path(), "nobody.key", &sealed_build::owners()[0].identity.to_text(), 0o600);
    for (line, code) in [
        (format!("verify {SEALED} {KEY} {}", far.with("cp-1")), 0),
        (format!("verify lab-g1/nodes/cp-1.tar.gz.age {KEY} {}", far.with("cp-1")), 0),
        (format!("inspect {SEALED} {KEY} {}", far.with("cp-1")), 0),
        (format!("inspect lab-g1/cluster.tar.gz.age {KEY} {} -o json", far.with("cluster")), 0),
        (format!("diff {SEALED} {SEALED} {KEY} {}", far.with("cp-1")), 0),
        (format!("open {SEALED} {} --out not.tar.gz --dry-run", far.with("cp-1")), 0),
        (format!("split {SEALED} --node w-1 --out w-1.tar.gz.age"), 0),
        (format!("split {SEALED} --all --out slices"), 0),
        // What is refused tells of nothing either.
        (format!("open {SEALED} --identity {}", nobody.display()), 2),
        (format!("open {SEALED} {} {}", far.with("cp-1"), far.with("w-1")), 2),
        (format!("open lab-g1/nodes/w-1.tar.gz.age {} --out not.tar.gz", far.with("cp-1")), 2),
        (format!("apply {SEALED} {KEY} {} --node w-1 --root node", far.with("cp-1")), 2),
        (format!("apply {SEALED} {KEY} {} --node cp-1 --root node --dry-run", far.with("cp-1")), 0),
    ] {
        let found = far.places(&line, code);
        assert!(found.is_empty(), "{line}: {found:?}");
    }
    for (part, owner, envelope) in
        [("node/cp-1", "cp-1", "nodes/cp-1.tar.gz.age"), ("cluster", "cluster", "cluster.tar.gz.age")]
    {
        let keys: BTreeSet<_> = LAB.keys_of(part).into_values().collect();
        let with = far.with(owner);
        let node = if owner == "cluster" { "--with-cluster".to_owned() } else { format!("--node {owner}") };
        let mut lines = vec![
            (format!("open {SEALED} {with} --out it"), "it", compressed("file it"), compressed("written to #")),
            (
                format!("open lab-g1/{envelope} {with} --out it"),
                "it",
                compressed("file it"),
                compressed("written to #"),
            ),
            (format!("open {SEALED} {with}"), "", compressed("the standard output"), compressed("written to a pipe")),
        ];
        if owner != "cluster" {
            for form in ["ignition", "cloud-init"] {
                let line = format!("user-data {SEALED} {KEY} {with} {node} -o {form} --out it");
                lines.push((line, "it", "file it".to_owned(), "written to #".to_owned()));
            }
        }
        for (line, file, there, written) in lines {
            let found = far.places(&line, 0);
            assert_eq!(found.keys().collect::<Vec<_>>(), [&there, &written], "{line}: {found:?}");
            for place in found.values() {
                let there: BTreeSet<_> = place.iter().map(|(name, _)| name.clone()).collect();
                // The keys of kubeconfigs are in base64 twice there, and not looked for.
                let is_right = match line.starts_with("user-data") {
                    true => there.is_subset(&keys) && there.contains("key ca/kubernetes"),
                    false => there == keys,
                };
                assert!(is_right, "{line}: {found:?}");
            }
            if !file.is_empty() {
                assert_eq!(far.desk.mode(file), 0o600, "{line}");
                fs::remove_file(far.desk.path(file)).unwrap();
            }
        }
        let mut lines = vec![(format!("unpack {SEALED} {KEY} {with} {node} --root tree"), "tree")];
        if owner != "cluster" {
            lines.push((format!("apply {SEALED} {KEY} {with} {node} --root node"), "node"));
        }
        for (line, root) in lines {
            let found = far.places(&line, 0);
            let elsewhere: Vec<_> = found.keys().filter(|place| !is_below(place, root)).collect();
            assert!(elsewhere.is_empty(), "{line}: {elsewhere:?}");
            assert_eq!(secrets(&found), keys, "{line}");
            assert_eq!(keys_below(&far.desk.path(root)), LAB.keys_of(part), "{line}");
            fs::remove_dir_all(far.desk.path(root)).unwrap();
        }
    }
}

#[test]
fn nothing_secret_is_in_memory_at_the_end_of_reading_what_is_sealed() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let far = Far::new();
    let mut all = Vec::new();
    // The hybrid kind, then X25519.
    for owner in ["cp-1", "w-1"] {
        let (with, slice) = (far.with(owner), format!("lab-g1/nodes/{owner}.tar.gz.age"));
        let part = format!("{KEY} {with} --node {owner}");
        for line in [
            format!("open {SEALED} {with} --out {owner}.tar.gz"),
            format!("open {slice} {with}"),
            format!("open {SEALED} {with} --part cluster"),
            format!("verify {SEALED} {KEY} {with}"),
            format!("verify {slice} {KEY} {with}"),
            format!("inspect {SEALED} {KEY} {with}"),
            format!("diff {SEALED} {slice} {part}"),
            format!("unpack {SEALED} {part} --root {owner}"),
            format!("apply {slice} {part} --root node"),
            format!("user-data {SEALED} {part} -o ignition --out {owner}.ign"),
            format!("split {SEALED} --node {owner} --out {owner}.age"),
            format!("diff {SEALED} node {part}"),
        ] {
            match left(&far.desk, &line, &far.needles) {
                Some(found) => all.extend(found),
                None => return,
            }
        }
        fs::remove_dir_all(far.desk.path("node")).unwrap();
        fs::create_dir(far.desk.path("node")).unwrap();
        // They did what they were to do.
        assert!(["", ".tar.gz", ".ign", ".age"].iter().all(|ending| far.desk.exists(&format!("{owner}{ending}"))));
    }
    assert!(all.is_empty(), "{all:#?}");
}
