//! Partial bundles and slices: their parts are those of the whole bundle byte for byte, and what a partial build may not
//! do is refused in plain words.

use crate::common;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::sync::LazyLock;

use crate::common::desk::{Desk, OTHER_SEED, PROFILE, State};
use certferry::lock::Lock;
use flate2::bufread::GzDecoder;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";
const AGAIN: &str = "build lab.toml --seed lab.seed --out new";
/// In front of `[keys]`, so that it ends `[cluster]`.
const KEYS: &str = "\n[keys]\n";
const NEXT: (&str, &str) = (KEYS, "generation = 2\n\n[keys]\n");
const SAN: (&str, &str) = (KEYS, "apiserver_cert_sans = [\"vip.lab\"]\n\n[keys]\n");
const NODES: [&str; 4] = ["cp-1", "w-1", "w-2", "w-3"];

/// The desk's profile with three workers and an etcd client.
fn profile() -> String {
    let pool = "[[node_pool]]\nrole = \"worker\"\nnames = \"w-[1..3]\"\nfirst_addresses = [\"192.168.10.21\"]\n";
    format!("{PROFILE}\n{pool}\n[[etcd_client]]\nname = \"backup\"\n")
}

/// The same with a fourth worker.
fn with_another_node() -> String {
    profile().replace("[1..3]", "[1..4]")
}

/// The whole build of [`profile`], as it lies on the desk.
static WHOLE: LazyLock<State> = LazyLock::new(|| {
    let desk = Desk::new();
    desk.write("lab.toml", profile());
    desk.succeed(BUILD);
    desk.state()
});

/// A desk on which the whole was built.
fn built() -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("out")).unwrap();
    for (name, (mode, content)) in WHOLE.iter().filter(|(name, _)| *name != "out") {
        desk.write(name, content);
        desk.set_mode(name, *mode);
    }
    desk
}

/// A desk on which the whole was built, and then the profile changed.
fn changed(replacements: &[(&str, &str)]) -> Desk {
    let desk = built();
    let profile = replacements.iter().fold(desk.text("lab.toml"), |profile, (from, to)| {
        assert_eq!(profile.matches(from).count(), 1, "{from}");
        profile.replace(from, to)
    });
    desk.write("lab.toml", profile);
    desk
}

/// The members of an archive as they are, by the path of their first entry: the top folder, a record, or nothing.
fn members(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (mut decoder, mut content) = (GzDecoder::new(bytes), Vec::new());
        decoder.read_to_end(&mut content).unwrap();
        let rest = decoder.into_inner();
        let name = content[..100].split(|&byte| byte == 0).next().unwrap();
        found.push((String::from_utf8(name.to_vec()).unwrap(), bytes[..bytes.len() - rest.len()].to_vec()));
        bytes = rest;
    }
    found
}

/// The members of parts, without the first and the last.
fn parts(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut members = members(bytes);
    assert_eq!(members.pop().unwrap().0, "", "two zero blocks");
    assert!(members.remove(0).0.ends_with('/'), "the top folder");
    members
}

fn whole_parts() -> BTreeMap<String, Vec<u8>> {
    parts(&WHOLE["out/lab-g1.tar.gz"].1).into_iter().collect()
}

/// The record of a part, as the archive calls it.
fn record(part: &str) -> String {
    if part == "cluster" { "lab-g1/cluster.json".to_owned() } else { format!("lab-g1/nodes/{part}.json") }
}

/// The one partial bundle in a folder of the desk: its path below the desk.
fn partial(desk: &Desk, folder: &str) -> String {
    let names = desk.names(folder);
    let found: Vec<_> = names.iter().filter(|name| name.contains("-only-") && name.ends_with(".gz")).collect();
    assert_eq!(found.len(), 1, "{names:?}");
    format!("{folder}/{}", found[0])
}

/// The index of an archive: its bytes, and what it says.
fn index(archive: &[u8]) -> (Vec<u8>, Json) {
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(archive));
    let mut entry = archive.entries().unwrap().nth(1).unwrap().unwrap();
    assert_eq!(entry.path().unwrap().to_str(), Some("lab-g1/manifest.json"));
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).unwrap();
    let json = serde_json::from_slice(&bytes).unwrap();
    (bytes, json)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_partial_bundle_has_the_parts_of_the_whole_byte_for_byte() {
    let whole = whole_parts();
    for wanted in [&["cp-1"][..], &["w-2"], &["w-3", "w-1"], &NODES, &["w-1", "cluster"], &["cp-1", "w-2", "cluster"]] {
        let words = wanted.iter().map(|part| match *part {
            "cluster" => " --with-cluster".to_owned(),
            node => format!(" --only {node}"),
        });
        let words: String = words.collect();
        let desk = built();
        let said = desk.succeed(&format!("{}{words}", AGAIN));
        assert!(!said.contains("since the lock"), "{said}");
        let archive = desk.read(&partial(&desk, "new"));

        let found = parts(&archive);
        let mut names: Vec<_> = wanted.iter().map(|part| record(part)).collect();
        names.sort_by_key(|name| (name.ends_with("cluster.json"), name.clone()));
        assert_eq!(found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names);
        for (name, member) in found {
            assert!(member == whole[&name], "{name} is not as in the whole bundle");
        }
        assert_eq!(members(&archive)[0].0, "lab-g1/");

        let (bytes, says) = index(&archive);
        assert_eq!(says["partial"], true);
        assert_eq!(says["parts"].as_array().unwrap().len(), wanted.len());
        let (_, mut full) = index(&WHOLE["out/lab-g1.tar.gz"].1);
        assert_eq!(full["partial"], false);
        let is_wanted = |row: &Json| says["parts"].as_array().unwrap().contains(row);
        full["parts"].as_array_mut().unwrap().retain(is_wanted);
        full["partial"] = true.into();
        assert_eq!(says, full, "the rows are the whole index's, and so is the rest");
        let name = format!("lab-g1-only-{}.tar.gz", &hex(&bytes)[..8]);
        assert_eq!(desk.names("new"), ["install.sh", "install.sh.sig", &name, &format!("{name}.sig"), "lab.pub"]);

        // Nothing is new to the lock, and `--locked` agrees.
        assert!(desk.state()["lab.lock.toml"] == WHOLE["lab.lock.toml"]);
        desk.succeed(&format!("{}{words} --locked", AGAIN));
        let nodes = wanted.iter().filter(|part| **part != "cluster").count();
        let cluster = if wanted.contains(&"cluster") { " and the cluster's part\n" } else { "\n" };
        let nodes = format!("{nodes} {}{cluster}", if nodes == 1 { "node" } else { "nodes" });
        let said = desk.succeed(&format!("verify new/{name} --key out/lab.pub --at 2027-01-01"));
        let head = format!("lab, generation 1, Kubernetes 1.24.15: a partial bundle, {nodes}");
        assert!(said.starts_with(&head), "{said}");
    }
}

#[test]
fn only_what_the_nodes_need_is_made() {
    let desk = built();
    let said = desk.succeed(&format!("{BUILD} --only w-2"));
    // The CA that signs and is shipped, two leaves, and the signer's key.
    assert!(said.contains("  3 certificates, 4 keys, 1 node\n"), "{said}");
    let said = desk.succeed(&format!("{BUILD} --only w-1 --only w-2 --only w-3 --with-cluster"));
    // With alice; and the etcd CA with the backup's client.
    assert!(said.contains("  10 certificates, 11 keys, 3 nodes\n"), "{said}");
}

/// What was told of a new node is in the lock, and all else of the lock stays.
#[test]
fn a_new_node_joins_the_lock() {
    let desk = built();
    desk.write("lab.toml", with_another_node());
    let said = desk.succeed(&format!("{BUILD} --only w-4"));
    let (_, changes) = said.split_once("\nsince the lock:\n").unwrap();
    assert_eq!(changes, "  + node/w-4/kubelet\n  + node/w-4/kubelet-client\n");
    let lock = |bytes: &[u8]| Lock::parse(bytes).unwrap();
    let (before, after) = (lock(&WHOLE["lab.lock.toml"].1), lock(&desk.read("lab.lock.toml")));
    let mut without = after.clone();
    without.parts.retain(|row| row.part.to_string() != "node/w-4");
    without.keys.retain(|row| !row.id.to_string().starts_with("node/w-4/"));
    without.certificates.retain(|row| !row.id.to_string().starts_with("node/w-4/"));
    assert_eq!(without, before);
    assert_eq!((after.keys.len(), after.certificates.len()), (before.keys.len() + 2, before.certificates.len() + 2));
    let names: Vec<_> = after.parts.iter().map(|row| row.part.to_string()).collect();
    assert_eq!(names, ["node/cp-1", "node/w-1", "node/w-2", "node/w-3", "node/w-4", "cluster"]);
    // The very part that a whole build of this profile has, by somebody who never had the lock.
    let other = Desk::new();
    other.write("lab.toml", with_another_node());
    other.succeed(BUILD);
    let whole: BTreeMap<_, _> = parts(&other.read("out/lab-g1.tar.gz")).into_iter().collect();
    let [(name, member)] = &parts(&desk.read(&partial(&desk, "out")))[..] else { unreachable!("one part was built") };
    assert!(*name == record("w-4") && *member == whole[name]);
    // Built again it is the same, with the lock held against it.
    let before = desk.state();
    let said = desk.succeed(&format!("{BUILD} --only w-4"));
    assert!(!said.contains("since the lock"), "{said}");
    desk.succeed(&format!("{BUILD} --only w-4 --locked"));
    assert!(desk.state() == before);
}

#[test]
fn parts_of_a_partial_build_move_to_its_generation_alone() {
    let desk = changed(&[NEXT, ("first_addresses", "generation = 2\nfirst_addresses")]);
    let said = desk.succeed(&format!("{BUILD} --only w-2"));
    let (_, changes) = said.split_once("\nsince the lock:\n").unwrap();
    assert_eq!(
        changes,
        "\
\x20 ~ node/w-2/kubelet  generation 1 -> 2
  ~ node/w-2/kubelet-client  generation 1 -> 2

to restart when it is installed:
  kubelet  on w-2
"
    );
    let lock = Lock::parse(&desk.read("lab.lock.toml")).unwrap();
    let generations: Vec<_> = lock.parts.iter().map(|row| (row.part.to_string(), row.generation)).collect();
    let expected = [("node/cp-1", 1), ("node/w-1", 1), ("node/w-2", 2)];
    assert_eq!(generations[..3], expected.map(|(part, generation)| (part.to_owned(), generation)));
    assert_eq!(lock.generation, 1, "that of the last whole bundle");
    // A plan of the whole then names the others.
    let said = desk.succeed("plan lab.toml");
    let (_, changes) = said.split_once("\nsince the lock:\n").unwrap();
    assert!(
        changes.contains("  ~ node/w-1/kubelet  generation 1 -> 2\n") && !changes.contains("node/w-2"),
        "{changes}"
    );
    // That part never goes back.
    let profile = String::from_utf8(WHOLE["lab.toml"].1.clone()).unwrap();
    desk.write("lab.toml", profile);
    let text = "\
error: the lock has node/w-2 at generation 2, the profile is at 1
hint: a generation never goes back: nodes would refuse it
";
    desk.refuse(BUILD, 1, text);
    desk.refuse(&format!("{BUILD} --only w-2"), 1, text);
    desk.refuse(&format!("{BUILD} --only w-2 --same-generation"), 1, text);
    desk.succeed(&format!("{BUILD} --only w-1"));
}

/// What belongs to the cluster's part alone.
const ADDONS: &str = "
[[tls]]
namespace = \"web\"
secret = \"first\"
hosts = [\"first.lab\"]

[[tls]]
namespace = \"web\"
secret = \"second\"
hosts = [\"second.lab\"]

[[webhook]]
namespace = \"hooks\"
secret = \"guard-tls\"
service = \"guard\"
ca = \"own\"

[[webhook]]
namespace = \"hooks\"
secret = \"other-tls\"
service = \"other\"

[metallb]
version = \"0.14.8\"
";

/// Builds the first generation with these tables, then the second without those texts: the cluster's part and `w-1`.
/// Returns what that says of changes.
fn without(desk: &Desk, tables: &str, texts: &[&str]) -> String {
    let profile = format!("{}\n{tables}", profile());
    desk.write("lab.toml", &profile);
    desk.succeed(BUILD);
    let left = texts.iter().fold(profile, |profile, text| {
        assert_eq!(profile.matches(text).count(), 1, "{text}");
        profile.replace(text, "")
    });
    desk.write("lab.toml", left.replace(NEXT.0, NEXT.1));
    let said = desk.succeed(&format!("{BUILD} --only w-1 --with-cluster"));
    said.split_once("\nsince the lock:\n").unwrap().1.to_owned()
}

fn ids(desk: &Desk) -> Vec<String> {
    let lock = Lock::parse(&desk.read("lab.lock.toml")).unwrap();
    let certificates: Vec<_> = lock.certificates.iter().map(|row| row.id.to_string()).collect();
    let keys: Vec<_> = lock.keys.iter().map(|row| row.id.to_string()).collect();
    assert!(certificates.iter().all(|id| keys.contains(id)));
    keys
}

/// Keys of the cluster's part go with their tables, CAs among them; what nodes have in common stays.
#[test]
fn what_the_clusters_part_no_longer_holds_leaves_the_lock() {
    let table = |secret: &str| ADDONS.split("\n[").find(|table| table.contains(secret)).unwrap();
    let second = format!("\n[{}", table("second"));
    for (texts, gone) in [
        (
            vec![second.as_str(), "[[user]]\nname = \"alice\"\ngroups = [\"ops\"]\n"],
            &["tls/web/second", "user/alice"][..],
        ),
        (
            vec![ADDONS],
            &[
                "ca/metallb",
                "ca/tls",
                "ca/webhook",
                "tls/web/first",
                "tls/web/second",
                "webhook/hooks/guard-tls",
                "webhook/hooks/guard-tls/ca",
                "webhook/hooks/other-tls",
                "webhook/metallb-system/metallb-webhook-cert",
            ],
        ),
    ] {
        let desk = Desk::new();
        let said = without(&desk, ADDONS, &texts);
        for id in gone {
            assert!(said.contains(&format!("  - {id}\n")), "{id}: {said}");
        }
        let left = ids(&desk);
        assert!(gone.iter().all(|id| !left.iter().any(|left| left == id)), "{left:?}");
        // The same keys as a whole build by somebody who never had the lock.
        let other = Desk::new();
        other.write("lab.toml", desk.text("lab.toml"));
        other.succeed(BUILD);
        assert_eq!(left, ids(&other));
        let planned = desk.succeed("plan lab.toml");
        assert!(gone.iter().all(|id| !planned.contains(&format!("  - {id}\n"))), "{planned}");
        // And again, held against the lock.
        desk.succeed(&format!("{BUILD} --only w-1 --with-cluster --locked"));
    }
}

/// A plan knows which profile the cluster's part holds: that of a later partial bundle, not that of the last whole one.
#[test]
fn after_the_clusters_part_was_built_alone_a_plan_does_not_foresee_its_change() {
    let desk = Desk::new();
    without(&desk, "", &["[[user]]\nname = \"alice\"\ngroups = [\"ops\"]\n"]);
    let planned = desk.succeed("plan lab.toml");
    assert!(!planned.contains("a build would be refused") && !planned.contains("the profile, in"), "{planned}");
    assert!(planned.contains("generation 1 -> 2, in every record"), "{planned}");
    desk.succeed("build lab.toml --seed lab.seed --out whole");
    // The lock then names one profile again; and another profile is foreseen as before.
    assert_eq!(desk.text("lab.lock.toml").matches("profile_sha256").count(), 1);
    desk.write("lab.toml", desk.text("lab.toml") + "# a comment\n");
    let planned = desk.succeed("plan lab.toml");
    assert!(planned.contains("error: the record of cluster would change at generation 2"), "{planned}");
}

#[test]
fn a_partial_build_needs_a_lock_and_known_nodes() {
    let desk = Desk::new();
    desk.write("lab.toml", profile());
    let text = "\
error: --only, but there is no lock lab.lock.toml
hint: a partial bundle goes beside a whole one: build that first, or name its lock with --lock FILE
";
    desk.refuse(&format!("{BUILD} --only w-1"), 2, text);
    let desk = built();
    let hint = "hint: `certferry plan PROFILE --verbose` lists the nodes\n";
    desk.refuse(
        &format!("{BUILD} --only w-1 --only w-9"),
        2,
        &format!("error: --only: the profile has no node w-9\n{hint}"),
    );
    desk.refuse(
        &format!("{BUILD} --only v-1"),
        2,
        &format!("error: --only: the profile has no node v-1\nhint: did you mean `w-1`?\n{hint}"),
    );
    let text = format!("error: --only: the profile has no node cluster, w-9\n{hint}");
    desk.refuse(&format!("{BUILD} --only w-9 --only cluster"), 2, &text);
    let ended = desk.run(&format!("{BUILD} --with-cluster"));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.starts_with("error: the following required arguments were not provided:\n  --only <NODE>\n"));
    for word in ["--replace-seed", "--replace-ca"] {
        let ended = desk.run(&format!("{BUILD} --only w-1 {word}"));
        assert_eq!(ended.code, Some(2));
        let text = format!("error: the argument '--only <NODE>' cannot be used with '{word}'\n");
        assert!(ended.stderr.starts_with(&text), "{}", ended.stderr);
    }
}

#[test]
fn a_partial_build_wants_the_seed_of_the_whole() {
    let desk = built();
    desk.write("other.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    desk.set_mode("other.seed", 0o600);
    let (locked, given) = (desk.succeed("seed id lab.seed"), desk.succeed("seed id other.seed"));
    let (locked, given) = (locked.trim_end(), given.trim_end());
    let line = "build lab.toml --seed other.seed --out out --only w-1";
    let text = format!(
        "\
error: this is another seed: the lock was made with seed id {locked}, this one is {given}
hint: give the seed of the first build; --replace-seed gives the cluster another key everywhere
"
    );
    desk.refuse(line, 1, &text);
    desk.refuse(&format!("{line} --same-generation"), 1, &text);
    let text = format!(
        "\
error: the build differs from lab.lock.toml: seed id {locked} became {given}
hint: a rebuild needs the seed of the first build; nothing was written
"
    );
    desk.refuse(&format!("{line} --locked"), 1, &text);
}

#[test]
fn what_all_nodes_share_does_not_change_for_some() {
    let hint = "hint: `certferry plan` tells why; build the whole bundle, or set the profile back\n";
    for (replacement, id, node) in [
        ((KEYS, "\n[ca.kubernetes]\ngeneration = 2\n\n[keys]\n"), "ca/kubernetes", "w-1"),
        ((KEYS, "\n[ca.kubernetes]\ncommon_name = \"other\"\n\n[keys]\n"), "ca/kubernetes", "w-1"),
        ((KEYS, "\n[ca.kubernetes]\nvalidity = \"250y\"\n\n[keys]\n"), "ca/kubernetes", "w-1"),
        ((KEYS, "\n[ca.etcd]\ngeneration = 2\n\n[keys]\n"), "ca/etcd", "cp-1"),
        (("ca = \"ecdsa-p256\"", "ca = \"ecdsa-p384\""), "ca/etcd", "cp-1"),
        ((KEYS, "\n[service_account]\ngeneration = 2\n\n[keys]\n"), "sa", "cp-1"),
        ((KEYS, "\n[bundle]\nsigner_generation = 2\n\n[keys]\n"), "bundle-signer", "w-1"),
    ] {
        let desk = changed(&[replacement]);
        let text = format!("error: --only, but {id} changes, which all nodes share\n{hint}");
        desk.refuse(&format!("{BUILD} --only {node}"), 1, &text);
        desk.refuse(&format!("{BUILD} --only {node} --same-generation"), 1, &text);
        // The next generation of the bundle does not help either.
        let raised =
            desk.text("lab.toml").replace("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\n");
        desk.write("lab.toml", raised);
        desk.refuse(&format!("{BUILD} --only {node}"), 1, &text);
    }
    // A worker has nothing to do with etcd.
    let desk = changed(&[(KEYS, "\n[ca.etcd]\ngeneration = 2\n\n[keys]\n")]);
    desk.succeed(&format!("{BUILD} --only w-1"));
    assert_eq!(desk.read("lab.lock.toml"), WHOLE["lab.lock.toml"].1);
}

#[test]
fn other_records_at_the_same_generation_need_a_word() {
    let refused = |part: &str| {
        format!(
            "\
error: the record of {part} would change at generation 1
hint: raise `generation` in [cluster]; while nothing was carried to a node yet, --same-generation will do
"
        )
    };
    let desk = changed(&[SAN]);
    desk.refuse(&format!("{BUILD} --only w-1 --only cp-1"), 1, &refused("node/cp-1"));
    // What the change does not reach is as it was, but for the copy of the profile.
    desk.succeed(&format!("{BUILD} --only w-1"));
    desk.refuse(&format!("{BUILD} --only w-1 --with-cluster"), 1, &refused("cluster"));
    let text = "\
error: the build differs from lab.lock.toml: node/cp-1/apiserver changed: alternative names +DNS:vip.lab
hint: nothing was written; build without --locked to accept the change
";
    desk.refuse(&format!("{BUILD} --only cp-1 --locked"), 1, text);
    let said = desk.succeed(&format!("{BUILD} --only cp-1 --same-generation"));
    assert!(said.contains("  ~ node/cp-1/apiserver  alternative names +DNS:vip.lab\n"), "{said}");
    desk.succeed(&format!("{BUILD} --only cp-1 --locked"));
    let desk = changed(&[SAN, NEXT]);
    desk.succeed(&format!("{BUILD} --only cp-1"));
    // A node that the lock does not know is no rebuild.
    let desk = built();
    desk.write("lab.toml", with_another_node());
    let text = "\
error: the build differs from lab.lock.toml: node/w-4/kubelet is new
hint: nothing was written; build without --locked to accept the change
";
    desk.refuse(&format!("{BUILD} --only w-4 --locked"), 1, text);
}

#[test]
fn slices_of_every_part_verify() {
    let (desk, whole) = (built(), whole_parts());
    desk.succeed(&format!("{BUILD} --only w-2 --with-cluster"));
    let partial = partial(&desk, "out");
    let end = members(&WHOLE["out/lab-g1.tar.gz"].1).pop().unwrap().1;
    for part in NODES.into_iter().chain(["cluster"]) {
        let (words, called) = match part {
            "cluster" => ("--with-cluster".to_owned(), "cluster".to_owned()),
            node => (format!("--node {node}"), format!("node/{node}")),
        };
        let slice = format!("slice-{part}.tar.gz");
        let said = desk.succeed(&format!("split out/lab-g1.tar.gz {words} --out {slice}"));
        let who = "not verified: whoever receives it does, with `certferry verify` and the signer's key";
        assert_eq!(said, format!("{slice}  {called}, {who}\n"));
        assert_eq!(desk.mode(&slice), 0o600);
        assert!(desk.read(&slice) == [&whole[&record(part)][..], &end].concat(), "{part}");
        let said = desk.succeed(&format!("verify {slice} --key out/lab.pub --at 2027-01-01"));
        let what = if part == "cluster" { "0 nodes and the cluster's part" } else { "1 node" };
        let text = "every signature, record, hash, chain and key pair holds";
        let head = format!("lab, generation 1, Kubernetes 1.24.15: a slice, {what}\n{text}\n");
        assert!(said.starts_with(&head), "{said}");
        let again = desk.run(&format!("split {partial} {words} --out again"));
        if ["w-2", "cluster"].contains(&part) {
            assert_eq!(again.code, Some(0), "{}", again.stderr);
            assert!(desk.read("again") == desk.read(&slice), "the same slice of whole and partial bundle");
            fs::remove_file(desk.path("again")).unwrap();
        } else {
            let hint = "hint: `certferry verify` tells how many nodes a bundle has, `tar -tzf` which\n";
            assert_eq!(again.stderr, format!("error: there is no part {called} in {partial}\n{hint}"));
            assert!(again.code == Some(2) && !desk.exists("again"));
        }
    }
}

#[test]
fn every_slice_is_cut_in_one_run() {
    let desk = built();
    let who = "not verified: whoever receives it does, with `certferry verify` and the signer's key";
    let said = desk.succeed("split out/lab-g1.tar.gz --all --out slices");
    assert_eq!(said, format!("slices  {} slices, {who}\n", NODES.len() + 1));
    assert_eq!(desk.mode("slices"), 0o700);
    let nodes = NODES.map(|node| format!("nodes/{node}/lab-g1.tar.gz"));
    assert_eq!(desk.names("slices"), [&["cluster/lab-g1.tar.gz".to_owned()], &nodes[..]].concat());
    let same = |slice: &str, words: &str| {
        desk.succeed(&format!("split out/lab-g1.tar.gz {words} --out alone"));
        assert!(desk.read("alone") == desk.read(slice), "{slice}");
        assert_eq!(desk.mode(slice), 0o600);
        fs::remove_file(desk.path("alone")).unwrap();
    };
    for node in NODES {
        same(&format!("slices/nodes/{node}/lab-g1.tar.gz"), &format!("--node {node}"));
    }
    same("slices/cluster/lab-g1.tar.gz", "--with-cluster");

    // Some of them, into a folder that is there and empty. Whoever names one twice gets one.
    fs::create_dir(desk.path("some")).unwrap();
    let said = desk.succeed("split out/lab-g1.tar.gz --node w-2 --node w-1 --with-cluster --out some");
    assert_eq!(said, format!("some  3 slices, {who}\n"));
    let names = ["cluster/lab-g1.tar.gz", "nodes/w-1/lab-g1.tar.gz", "nodes/w-2/lab-g1.tar.gz"];
    assert_eq!(desk.names("some"), names);
    let said = desk.succeed("split out/lab-g1.tar.gz --node w-2 --node w-2 --out one.tar.gz");
    assert_eq!(said, format!("one.tar.gz  node/w-2, {who}\n"));
    assert!(desk.read("one.tar.gz") == desk.read("some/nodes/w-2/lab-g1.tar.gz"));

    // A slice is a bundle, too.
    let said = desk.succeed("split one.tar.gz --all --out again");
    assert_eq!(said, format!("again  1 slice, {who}\n"));
    assert!(desk.read("one.tar.gz") == desk.read("again/nodes/w-2/lab-g1.tar.gz"));

    let hint = "hint: name a folder that does not exist or is empty; nothing was written\n";
    let text = format!("error: cannot write to some: directory not empty\n{hint}");
    desk.refuse("split out/lab-g1.tar.gz --all --out some", 2, &text);
    let hint = "hint: `certferry verify` tells how many nodes a bundle has, `tar -tzf` which\n";
    let text = format!("error: there is no part node/w-9 in out/lab-g1.tar.gz\n{hint}");
    desk.refuse("split out/lab-g1.tar.gz --node w-1 --node w-9 --out more", 2, &text);
    // A letter is a slip, and a number is another node.
    let meant = format!("hint: did you mean `w-1`?\n{hint}");
    let text = format!("error: there is no part node/v-1 in out/lab-g1.tar.gz\n{meant}");
    desk.refuse("split out/lab-g1.tar.gz --node v-1 --out more", 2, &text);
    desk.refuse("split out/lab-g1.tar.gz --node v-1 --node w-1 --out more", 2, &text);
    let text = "error: cannot write to no/folder: no such file or directory\n";
    desk.refuse("split out/lab-g1.tar.gz --all --out no/folder", 2, text);
    let said = desk.run("split out/lab-g1.tar.gz --all --node w-1 --out more");
    assert!(said.stderr.contains("the argument '--all' cannot be used with '--node <NAME>'"), "{}", said.stderr);
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let desk = built();
    let bundle = desk.read("out/lab-g1.tar.gz");
    let line = "split broken.tar.gz --node w-1 --out slice";
    let members: Vec<_> = members(&bundle).into_iter().map(|(_, member)| member).collect();
    let put = |order: &[usize]| {
        let bytes: Vec<_> = order.iter().flat_map(|&number| members[number].clone()).collect();
        desk.write("broken.tar.gz", bytes);
    };
    // Index, cp-1, w-1, w-2, w-3, cluster, end: a part twice, no end, two ends.
    for (order, what) in [
        (&[0, 1, 2, 2, 3, 4, 5, 6][..], "lab-g1/nodes/w-1.json belongs to no part of its index"),
        (&[0, 1, 2, 3, 4, 5], "it ends too early"),
        (&[0, 1, 2, 3, 4, 5, 6, 6], "bytes follow its end"),
    ] {
        put(order);
        let text =
            format!("error: broken.tar.gz is refused: {what}\nhint: nothing was written; carry the bundle again\n");
        desk.refuse(line, 1, &text);
        desk.refuse("split broken.tar.gz --all --out slices", 1, &text);
    }
    put(&[0, 1, 2, 3, 4, 5, 6]);
    desk.succeed(line);
    let text = "error: cannot write slice: file exists\nhint: name a file that does not exist\n";
    desk.write("broken.tar.gz", desk.read("out/lab-g1.tar.gz"));
    desk.refuse("split broken.tar.gz --node w-2 --out slice", 2, text);
}

#[test]
fn the_cluster_part_is_unpacked_where_it_is() {
    let desk = built();
    let at = "--at 2027-01-01 --key out/lab.pub";
    let said = desk.succeed(&format!("unpack out/lab-g1.tar.gz {at} --with-cluster --root all"));
    let lock = Lock::parse(&desk.read("lab.lock.toml")).unwrap();
    assert_eq!(
        said,
        format!(
            "\
lab, generation 1, Kubernetes 1.24.15: the whole bundle, 4 nodes and the cluster's part
every signature, record and hash holds, and every chain and key pair of the cluster's part
{}content  sha256:{}
10 files of the cluster's part in all
",
            common::signer(&lock.signer),
            lock.content_sha256
        )
    );
    let pair = ["etcd-clients/backup/ca.crt", "etcd-clients/backup/client.crt", "etcd-clients/backup/client.key"];
    let others = [
        "etcd-clients/backup/etcdctl.env",
        "etcd-clients/backup/prometheus.yaml",
        "kubeadm/init.yaml",
        "kubeadm/join-worker.yaml",
        "kubeadm/kubelet.yaml",
        "profile.toml",
        "users/alice.conf",
    ];
    assert_eq!(desk.names("all"), [&pair[..], &others].concat());
    assert_eq!(desk.text("all/profile.toml"), desk.text("lab.toml"));
    let modes = ["profile.toml", "users/alice.conf", pair[1], pair[2]].map(|name| desk.mode(&format!("all/{name}")));
    assert_eq!(modes, [0o644, 0o600, 0o644, 0o600]);
    desk.succeed("split out/lab-g1.tar.gz --with-cluster --out cluster.tar.gz");
    desk.succeed(&format!("unpack cluster.tar.gz {at} --with-cluster --root again"));
    assert_eq!(desk.names("again"), desk.names("all"));
    assert_eq!(desk.succeed(&format!("unpack cluster.tar.gz {at} --with-cluster --root third --quiet")), "");

    let text = "\
error: there is no node w-1 in cluster.tar.gz
hint: it has the cluster's part alone
";
    desk.refuse(&format!("unpack cluster.tar.gz {at} --node w-1 --root new"), 2, text);
    desk.succeed(&format!("{BUILD} --only w-1"));
    let partial = partial(&desk, "out");
    let text = format!(
        "\
error: the cluster's part is not in {partial}
hint: a whole bundle has it; a slice or a partial bundle only when it was made --with-cluster
"
    );
    desk.refuse(&format!("unpack {partial} {at} --with-cluster --root new"), 2, &text);
    desk.succeed("split out/lab-g1.tar.gz --node w-1 --out w-1.tar.gz");
    let text = text.replace(&partial, "w-1.tar.gz");
    desk.refuse(&format!("unpack w-1.tar.gz {at} --with-cluster --root new"), 2, &text);
    let text = "\
error: the argument '--node <NAME>' cannot be used with '--with-cluster'

Usage: certferry unpack --key <FILE|FINGERPRINT> --root <DIR> <--node <NAME>|--with-cluster> <BUNDLE>

For more information, try '--help'.
";
    desk.refuse("unpack w-1.tar.gz --key out/lab.pub --node w-1 --with-cluster --root new", 2, text);
    let ended = desk.run("unpack w-1.tar.gz --key out/lab.pub --root new");
    assert!(ended.stderr.contains("  <--node <NAME>|--with-cluster>\n"), "{}", ended.stderr);
    let text = "\
error: cannot unpack to all: directory not empty
hint: name a folder that does not exist or is empty; nothing was written
";
    desk.refuse(&format!("unpack out/lab-g1.tar.gz {at} --with-cluster --root all"), 2, text);
}

/// The example of a thousand nodes with keys that are made in no time, and one worker more.
#[test]
#[ignore = "release only"]
fn release_a_node_more_of_a_thousand_costs_its_own_keys() {
    let profile = |last: u32| {
        common::changed_profile("thousand-nodes", |profile| {
            common::use_fast_keys(profile);
            profile["keys"]["ca"] = "ecdsa-p256".into();
            profile["node_pool"][0]["names"] = format!("worker-[001..{last}]").into();
        })
    };
    // Not watched for the seed, which would take longer than all the rest.
    let run = |desk: &Desk, line: &str| common::succeed(&mut desk.command(line));
    let desk = Desk::new();
    desk.write("lab.toml", profile(997));
    run(&desk, BUILD);
    desk.write("lab.toml", profile(998));
    let said = run(&desk, &format!("{BUILD} --only worker-998"));
    assert!(said.contains("  3 certificates, 4 keys, 1 node\n"), "{said}");
    let made = parts(&desk.read(&partial(&desk, "out")));
    let other = Desk::new();
    other.write("lab.toml", profile(998));
    run(&other, BUILD);
    let whole: BTreeMap<_, _> = parts(&other.read("out/farm-g1.tar.gz")).into_iter().collect();
    assert_eq!((made.len(), whole.len()), (1, 1002));
    assert!(made[0].1 == whole[&made[0].0]);
}
