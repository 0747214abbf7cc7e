//! The bytes of every example: what they were yesterday they are today, in debug and release builds, on every machine.
//!
//! `cargo xtask bless` sets CERTFERRY_BLESS and rewrites the files; a change of them is a change of a format.

use crate::common;
use std::fmt::Write;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use certferry::lock::Lock;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// Builds an example and compares its hashes with `tests/golden/<name>.txt`.
fn check(name: &str) {
    let found = hashes(name);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    if blessing() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(found == expected, "{name} is another bundle than {}:\n{}", path.display(), differing(&expected, &found));
}

fn blessing() -> bool {
    std::env::var_os("CERTFERRY_BLESS").is_some_and(|value| value == "1")
}

/// One line for the tar stream, the file and each part's record: what, and its SHA-256.
fn hashes(name: &str) -> String {
    let bundle = common::build(&common::profile(name));
    assert_no_fault(&bundle);
    let lock = Lock::parse(&fs::read(&bundle.lock).unwrap()).unwrap();
    let file = fs::File::open(&bundle.archive).unwrap();
    assert_eq!(sha256(MultiGzDecoder::new(&file)), lock.content_sha256, "the lock tells the truth");
    assert_eq!(sha256(fs::File::open(&bundle.archive).unwrap()), lock.bundle_sha256, "the lock tells the truth");
    let mut text = format!("content {}\nbundle {}\n", lock.content_sha256, lock.bundle_sha256);
    for part in &lock.parts {
        writeln!(text, "{} {}", part.part, part.record_sha256).unwrap();
    }
    text
}

/// No example breaks a rule, not even one whose breach is only worth a warning.
fn assert_no_fault(bundle: &common::Bundle) {
    let mut verify = common::certferry();
    verify.arg("verify").arg(&bundle.archive).arg("--key").arg(&bundle.public_key);
    let output = common::run(verify.args(["--quiet", "--at", "2027-01-01"]));
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()));
}

fn sha256(mut source: impl Read) -> String {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of one text that the other has not: of a thousand records the few that moved.
fn differing(expected: &str, found: &str) -> String {
    let missing = |these: &str, those: &str, sign: &str| -> String {
        let lines = these.lines().filter(|line| !those.lines().any(|other| other == *line));
        lines.map(|line| format!("{sign} {line}\n")).collect()
    };
    missing(expected, found, "-") + &missing(found, expected, "+")
}

#[test]
fn single_node() {
    check("single-node");
}

#[test]
fn ha_stacked_etcd() {
    check("ha-stacked-etcd");
}

#[test]
fn ha_external_etcd() {
    check("ha-external-etcd");
}

#[test]
fn external_ca() {
    check("external-ca");
}

#[test]
fn dual_stack() {
    check("dual-stack");
}

#[test]
fn closed_network() {
    check("closed-network-1.24");
}

#[test]
fn every_certificate() {
    check("every-certificate");
}

#[test]
#[ignore = "release only"]
fn release_thousand_nodes() {
    check("thousand-nodes");
}

#[test]
fn every_example_has_its_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = fs::read_dir(root.join("profiles")).unwrap().map(|entry| entry.unwrap().path());
    for example in examples.filter(|_| !blessing()) {
        let golden = root.join("tests/golden").join(example.with_extension("txt").file_name().unwrap());
        assert!(golden.exists(), "{} is not in this program", example.display());
    }
}
