//! `build --locked`, the rebuild years later: it takes the same bytes and nothing else, and leaves every file alone.

use crate::common;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::common::{SEED, certferry, fail, succeed, write};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use toml::{Table, Value};
use walkdir::WalkDir;

const PROFILE: &str = r#"format = 1

[cluster]
name = "small"
kubernetes = "1.34.1"
issued_at = 2026-11-22

[keys]
ca = "ecdsa-p256"
leaf = "ecdsa-p256"
service_account = "ecdsa-p256"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["10.0.0.1"]
"#;

/// Whatever can be seen of a file or folder: its inode and times tell of a rewrite with the same bytes.
type State = BTreeMap<String, (u64, u32, i64, i64, Option<Vec<u8>>)>;

struct Built(TempDir);

impl Built {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "small.toml", PROFILE, 0o644);
        write(folder.path(), "seed", SEED, 0o600);
        let built = Self(folder);
        succeed(&mut built.command(&["--out", "out"]));
        built
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = certferry();
        command
            .current_dir(self.path())
            .args(["build", "small.toml", "--seed", "seed", "--allow-weak-seed"])
            .args(arguments);
        command
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.path().join("small.lock.toml")).unwrap()
    }

    fn set_lock(&self, text: &str) {
        write(self.path(), "small.lock.toml", text, 0o644);
    }

    fn state(&self) -> State {
        let entries = WalkDir::new(self.path()).into_iter().map(Result::unwrap);
        let state = entries.map(|entry| {
            let metadata = entry.metadata().unwrap();
            let content = metadata.is_file().then(|| fs::read(entry.path()).unwrap());
            // A folder's times move when a temporary file comes and goes; its names do not.
            let (seconds, nanoseconds) =
                if metadata.is_file() { (metadata.mtime(), metadata.mtime_nsec()) } else { (0, 0) };
            let name = entry.path().strip_prefix(self.path()).unwrap().to_string_lossy().into_owned();
            (name, (metadata.ino(), metadata.mode(), seconds, nanoseconds, content))
        });
        state.collect()
    }

    /// Refused with this difference; nothing is changed or added, in the old folder of outputs or a new one.
    #[track_caller]
    fn assert_differs(&self, difference: &str) {
        let before = self.state();
        let error = format!("error: the build differs from small.lock.toml: {difference}\n");
        for out in ["out", "new/folder"] {
            let stderr = fail(&mut self.command(&["--locked", "--out", out]), 1);
            let (first, hint) = stderr.split_at(stderr.find("hint: ").unwrap());
            assert_eq!(first, error);
            let expected = if difference.starts_with("seed id") {
                "hint: a rebuild needs the seed of the first build; nothing was written\n"
            } else {
                "hint: nothing was written; build without --locked to accept the change\n"
            };
            assert_eq!(hint, expected);
            assert!(self.state() == before, "{difference}: every file is as it was");
        }
    }
}

#[test]
fn the_same_again_is_taken_and_changes_no_file() {
    let built = Built::new();
    let before = built.state();
    let stdout = succeed(&mut built.command(&["--locked", "--out", "out"]));
    assert!(!stdout.contains("since the lock"), "{stdout}");
    assert!(built.state() == before);
    assert_eq!(succeed(&mut built.command(&["--locked", "--quiet", "--out", "out"])), "");
    assert!(built.state() == before);
}

#[test]
fn a_rebuild_elsewhere_makes_the_same_files_and_leaves_the_lock() {
    let built = Built::new();
    let lock = built.lock();
    succeed(&mut built.command(&["--locked", "--out", "again"]));
    for name in ["small-g1.tar.gz", "small-g1.tar.gz.sig", "small.pub", "install.sh", "install.sh.sig"] {
        let read = |folder: &str| fs::read(built.path().join(folder).join(name)).unwrap();
        assert!(read("again") == read("out"), "{name}");
    }
    assert_eq!(built.lock(), lock);
    assert_eq!(common::files(built.path()).len(), 13);
}

#[test]
fn who_made_the_lock_and_how_it_is_written_do_not_count() {
    let built = Built::new();
    let lock = built.lock();
    let made_with = format!("certferry {}", env!("CARGO_PKG_VERSION"));
    assert!(lock.contains(&made_with));
    for other in [
        lock.replace(&made_with, "certferry 99.0.0"),
        lock.replace(&made_with, ""),
        lock.replace("\n\n", "\n\n# reviewed\n\n"),
        lock.replace(" = ", "="),
    ] {
        assert_ne!(other, lock);
        built.set_lock(&other);
        let before = built.state();
        succeed(&mut built.command(&["--locked", "--out", "out"]));
        assert!(built.state() == before);
    }
}

/// What `build --locked` says to each field of the lock: where it stands, its name, the words. LOCK is the altered
/// value, BUILD what the build made, ROW the id of the row.
const FIELDS: [(&str, &str, &str); 31] = [
    ("", "cluster", "cluster LOCK became BUILD"),
    ("", "cluster_id", "cluster id LOCK became BUILD"),
    ("", "seed_id", "seed id LOCK became BUILD"),
    ("", "signer", "signer LOCK became BUILD"),
    ("", "generation", "generation LOCK became BUILD"),
    ("", "kubernetes", "kubernetes LOCK became BUILD"),
    ("", "profile_sha256", "profile LOCK became BUILD"),
    ("", "content_sha256", "content LOCK became BUILD"),
    ("", "bundle_sha256", "bundle LOCK became BUILD"),
    ("formats", "profile", "profile format LOCK became BUILD"),
    ("formats", "derivation", "derivation format LOCK became BUILD"),
    ("formats", "certificate", "certificate format LOCK became BUILD"),
    ("formats", "bundle", "bundle format LOCK became BUILD"),
    ("part", "part", "part ROW is new"),
    ("part", "files", "other of ROW is gone"),
    ("part", "generation", "generation of ROW LOCK became BUILD"),
    ("part", "record_sha256", "record of ROW LOCK became BUILD"),
    ("key", "id", "LOCK is gone"),
    ("key", "algorithm", "ROW changed: algorithm LOCK -> BUILD"),
    ("key", "generation", "ROW changed: generation LOCK -> BUILD"),
    ("key", "spki_sha256", "public key of ROW LOCK became BUILD"),
    ("certificate", "id", "LOCK is gone"),
    ("certificate", "subject", "ROW changed: subject LOCK -> BUILD"),
    ("certificate", "issuer", "ROW changed: issuer LOCK -> BUILD"),
    ("certificate", "usages", "ROW changed: usages -other"),
    ("certificate", "alt_names", "ROW changed: alternative names -other"),
    ("certificate", "issued_at", "ROW changed: issued_at LOCK -> BUILD"),
    ("certificate", "not_before", "ROW changed: start of validity LOCK -> BUILD"),
    ("certificate", "not_after", "ROW changed: end of validity LOCK -> BUILD"),
    ("certificate", "serial", "serial of ROW LOCK became BUILD"),
    ("certificate", "certificate_sha256", "certificate of ROW LOCK became BUILD"),
];
/// The rows whose fields are altered, one of each kind.
const ROWS: [(&str, &str); 3] =
    [("part", "node/cp-1"), ("key", "ca/kubernetes"), ("certificate", "node/cp-1/apiserver")];

/// A table of the lock and the id of its row: the head, the formats, or one of [`ROWS`].
fn table<'a>(lock: &'a mut Table, place: &str) -> (&'a mut Table, String) {
    if place.is_empty() {
        return (lock, String::new());
    }
    match lock.get_mut(place).unwrap() {
        Value::Table(table) => (table, String::new()),
        Value::Array(rows) => {
            let (_, id) = ROWS.iter().find(|(known, _)| *known == place).unwrap();
            let is_row = |row: &&mut Table| row.get("id").or(row.get("part")).and_then(Value::as_str) == Some(id);
            let row = rows.iter_mut().filter_map(Value::as_table_mut).find(is_row);
            (row.unwrap(), (*id).to_owned())
        }
        other => panic!("{place}: {other}"),
    }
}

#[test]
fn every_other_field_counts() {
    let built = Built::new();
    let lock: Table = built.lock().parse().unwrap();
    for place in ["", "formats", "part", "key", "certificate"] {
        for field in table(&mut lock.clone(), place).0.keys() {
            let is_free = place.is_empty() && ["format", "made_with"].contains(&field.as_str());
            let is_table = place.is_empty() && ["formats", "part", "key", "certificate"].contains(&field.as_str());
            let is_known = FIELDS.iter().any(|known| (known.0, known.1) == (place, field));
            assert!(is_free || is_table || is_known, "what does --locked say to {place} {field}?");
        }
    }
    for (place, field, words) in FIELDS {
        let mut altered = lock.clone();
        let (table, row) = table(&mut altered, place);
        let value = table.get_mut(field).unwrap_or_else(|| panic!("no {place} {field}"));
        let before = value.clone();
        match value {
            // What is no id and no part at all is no lock. The first in order is told.
            Value::String(text) if field == "id" => *text = "ca/0".to_owned(),
            Value::String(text) if field == "part" => *text = "node/0".to_owned(),
            // What is no hash is no lock, either.
            Value::String(text) if !place.is_empty() && (field == "serial" || field.ends_with("_sha256")) => {
                let other = if text.starts_with('0') { "1" } else { "0" };
                text.replace_range(..1, other);
            }
            Value::String(text) => text.insert(0, '0'),
            Value::Integer(number) => *number += 6,
            Value::Array(items) => items.push("other".into()),
            Value::Table(files) => drop(files.insert("other".to_owned(), "profile".into())),
            other => panic!("{other}"),
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let words = words.replace("ROW", &row).replace("LOCK", &text(value)).replace("BUILD", &text(&before));
        built.set_lock(&altered.to_string());
        built.assert_differs(&words);
    }
    built.set_lock(&lock.to_string());
    succeed(&mut built.command(&["--locked", "--out", "out"]));
}

#[test]
fn rows_too_many_too_few_or_in_another_order_count() {
    let built = Built::new();
    let lock: Table = built.lock().parse().unwrap();
    let alter = |kind: &str, alter: &dyn Fn(&mut Vec<Value>)| {
        let mut altered = lock.clone();
        alter(altered.get_mut(kind).and_then(Value::as_array_mut).unwrap());
        built.set_lock(&altered.to_string());
    };
    for kind in ["part", "key", "certificate"] {
        alter(kind, &|rows| rows.reverse());
        built.assert_differs("its rows are others, or in another order");
        alter(kind, &|rows| rows.push(rows[0].clone()));
        built.assert_differs("its rows are others, or in another order");
    }
    alter("part", &|rows| drop(rows.pop()));
    built.assert_differs("part cluster is new");
    alter("part", &|rows| {
        rows.push(rows[0].clone());
        rows[2]["part"] = "node/cp-2".into();
    });
    built.assert_differs("part node/cp-2 is gone");
    alter("certificate", &|rows| drop(rows.remove(0)));
    built.assert_differs("serial of ca/etcd is new");
    alter("key", &|rows| drop(rows.remove(0)));
    built.assert_differs("bundle-signer is new");
}

#[test]
fn a_changed_profile_or_seed_differs() {
    let built = Built::new();
    let lock: Table = built.lock().parse().unwrap();
    let other_text = |profile: &str, difference: &str| {
        write(built.path(), "small.toml", profile, 0o644);
        built.assert_differs(difference);
    };
    let hash = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let commented = format!("{PROFILE}# a comment\n");
    other_text(&commented, &format!("profile {} became {}", hash(PROFILE), hash(&commented)));
    let named = PROFILE.replace("[keys]", "apiserver_cert_sans = [\"api\"]\n[keys]");
    other_text(&named, "node/cp-1/apiserver changed: alternative names +DNS:api");
    let user = format!("{PROFILE}[[user]]\nname = \"alice\"\n");
    other_text(&user, "user/alice is new");
    let generation = PROFILE.replace("2026-11-22", "2026-11-22\ngeneration = 2");
    other_text(&generation, "generation 1 became 2");
    write(built.path(), "small.toml", PROFILE, 0o644);
    write(built.path(), "seed", &SEED.replace("000102", "000103"), 0o600);
    let seed_id = succeed(certferry().args(["seed", "id"]).arg(built.path().join("seed")));
    built.assert_differs(&format!("seed id {} became {}", lock["seed_id"].as_str().unwrap(), seed_id.trim()));
}

/// These are no answers to the question whether a build differs, so the exit code is 2.
#[test]
fn what_is_no_lock_or_in_the_way_is_an_error() {
    let built = Built::new();
    let lock = built.lock();
    let refused = |what: &str, words: &str| {
        let before = built.state();
        let stderr = fail(&mut built.command(&["--locked", "--out", "out"]), 2);
        assert!(stderr.starts_with(&format!("error: {words}")), "{what}: {stderr}");
        assert!(stderr.contains("\nhint: "), "{what}: {stderr}");
        assert!(built.state() == before, "{what}");
    };
    built.set_lock(&lock.replacen("format = 1", "format = 7", 1));
    refused("another format", "small.lock.toml is not a lock: it has format 7, and this version knows format 1\n");
    built.set_lock(&lock.replacen("seed_id", "seed_di", 1));
    refused("an unknown field", "small.lock.toml is not a lock: ");
    built.set_lock("");
    refused("an empty file", "small.lock.toml is not a lock: ");
    fs::remove_file(built.path().join("small.lock.toml")).unwrap();
    refused("no lock", "--locked, but there is no lock small.lock.toml\n");
    built.set_lock(&lock);
    write(built.path(), "out/small.pub", "other bytes", 0o644);
    refused("another output", "out/small.pub exists with other bytes\n");
}
