//! The fuzz targets without a fuzzer: every seed, and a thousand changes of each kind that are the same every time.
//!
//! `cargo xtask fuzz` lets libFuzzer look further. With `CERTFERRY_BLESS=1` the seeds are made anew.

#[path = "fuzz/src/lib.rs"]
mod fuzz;

use crate::common;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::common::desk::PROFILE;
use certferry::bundle::sealed;
use certferry::x509::read_pem;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// How many changed copies of its seeds each target gets every day.
const CHANGES: u64 = 1000;
/// The same where each takes milliseconds.
const SLOW_CHANGES: u64 = 100;
/// How many times as many each gets in the long form.
const LONG: u64 = 3;

/// Texts that mean something to one reader or another.
const WORDS: [&[u8]; 24] = [
    b"\n",
    b"\"",
    b"\\",
    b"\0",
    b"{",
    b"[",
    b"]",
    b"}",
    b", ",
    b": ",
    b"../",
    b"/",
    b"=",
    b"[[node]]\n",
    b"0",
    b"-1",
    b"18446744073709551616",
    b"-----BEGIN CERTIFICATE-----\n",
    b"-----END CERTIFICATE-----\n",
    b"\xff\xfe",
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x02\x01\x00",
    b"%2F",
];

/// Where the seeds of a target are: its own, and files that the repository has anyway.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    LazyLock::force(&MADE);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![seed_folder().join(target)];
    match target {
        "profile" => folders.extend([root.join("profiles"), root.join("tests/profile_errors")]),
        "objects" => {
            folders.extend([root.join("tests/doctor/saved"), root.join("tests/doctor/kubeadm-1.20.2")]);
        }
        "record" => folders.push(root.join("src/bundle/testdata")),
        _ => {}
    }
    let mut files: Vec<PathBuf> = folders
        .iter()
        .filter(|folder| folder.exists())
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|file| file.extension().is_none_or(|extension| extension != "stderr"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no seeds");
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Knuth's MMIX generator: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// A few changes to a copy of a seed.
fn change(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(6) {
        let place = numbers.below(bytes.len() + 1);
        let end = (place + numbers.below(40)).min(bytes.len());
        match numbers.below(8) {
            0 if place < bytes.len() => bytes[place] ^= 1 << numbers.below(8),
            1 if place < bytes.len() => bytes[place] = numbers.below(256) as u8,
            2 => drop(bytes.drain(place..end)),
            3 => {
                let copy = bytes[place..end].to_vec();
                let elsewhere = numbers.below(bytes.len() + 1);
                bytes.splice(elsewhere..elsewhere, copy);
            }
            4 => {
                let other = &seeds[numbers.below(seeds.len())];
                let start = numbers.below(other.len() + 1);
                bytes.splice(place..end, other[start..other.len().min(start + 200)].to_vec());
            }
            5 => bytes.truncate(place),
            _ => drop(bytes.splice(place..place, WORDS[numbers.below(WORDS.len())].to_vec())),
        }
    }
    bytes
}

fn smoke(target: &str) {
    smoke_with(target, CHANGES);
}

fn smoke_with(target: &str, changes: u64) {
    let (_, run) = fuzz::TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let seeds = seeds(target);
    for seed in &seeds {
        run(seed);
    }
    change_and_run(run, &seeds, 0..changes);
}

fn change_and_run(run: fn(&[u8]), seeds: &[Vec<u8>], numbers: Range<u64>) {
    numbers.into_par_iter().for_each(|number| {
        let mut numbers = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        run(&change(seeds, &mut numbers));
    });
}

#[test]
#[ignore = "long form"]
fn long_each_target_gets_more_changed_copies() {
    for (target, run) in fuzz::TARGETS {
        let daily = if target == "engines" { SLOW_CHANGES } else { CHANGES };
        change_and_run(run, &seeds(target), daily..daily * LONG);
    }
}

/// The seeds that a small build gives: file below `tests/fuzz/seeds` to content.
fn seeds_of_a_build() -> BTreeMap<String, Vec<u8>> {
    let bundle =
        common::build_text(&PROFILE.replace("service_account = \"ecdsa-p256\"", "service_account = \"rsa-2048\""));
    let node = bundle.untar().join("nodes/cp-1");
    let mut seeds = BTreeMap::new();
    let pki = "etc/kubernetes/pki";
    let mut copy = |target: &str, path: String| {
        let name = path.trim_start_matches(pki).trim_start_matches('/').replace('/', "-");
        seeds.insert(format!("{target}/{name}"), fs::read(node.join(&path)).unwrap());
    };
    for name in ["ca.crt", "ca.key", "sa.key", "sa.pub", "etcd/server.crt"] {
        copy("pem", format!("{pki}/{name}"));
    }
    copy("pem", "var/lib/kubelet/pki/kubelet-client-current.pem".to_owned());
    for name in ["admin.conf", "kubelet.conf"] {
        copy("kubeconfig", format!("etc/kubernetes/{name}"));
    }
    for name in ["ca", "apiserver", "apiserver-kubelet-client", "etcd/peer"] {
        let pem = read_pem(&fs::read(node.join(format!("{pki}/{name}.crt"))).unwrap()).unwrap();
        let der = pem.certificates[0].der().to_vec();
        seeds.insert(format!("certificate/{}.der", name.replace('/', "-")), der);
    }
    seeds.insert("pem/signer.pub".to_owned(), fs::read(&bundle.public_key).unwrap());
    let lock = fs::read_to_string(&bundle.lock).unwrap();
    // Another version of the program makes the same seeds.
    let lock = lock.replace(concat!("certferry ", env!("CARGO_PKG_VERSION")), "certferry 1.2.3");
    seeds.insert("lock/lab.lock.toml".to_owned(), lock.into_bytes());
    // What is put right (sizes 1, hashes 2, signatures 4), then changes: operation, member, entry, place, bytes.
    let scripts: [(&str, &[u8]); 12] = [
        ("nothing", b""),
        ("signed-again", b"\x07"),
        ("other-content", b"\x07\x00\x01\x04\x00\x00\x04KIND"),
        ("more-content", b"\x07\x01\x01\x04\x00\x04\x04more"),
        ("other-generation", b"\x06\x00\x01\x00\x01\x90\x01\x39"),
        ("other-header", b"\x07\x04\x01\x05\x00\x9c\x01\x32"),
        ("no-entry", b"\x07\x05\x01\x05\x00\x00\x00"),
        ("an-entry-twice", b"\x07\x06\x01\x05\x00\x05\x00"),
        ("a-long-record", b"\x07\x03\x01\x00\x00\x40\x08\xff    \"a\""),
        ("a-slice", b"\x07\x09\x00\x00\x00\x00\x00\x09\x01\x00\x00\x00\x00\x09\x01\x00\x00\x00\x00"),
        ("other-order", b"\x07\x0b\x01\x02\x00\x00\x00"),
        ("other-gzip", b"\x07\x0c\x00\x00\x00\x03\x01\x08"),
    ];
    seeds.extend(scripts.map(|(name, script)| (format!("archive/{name}"), script.to_vec())));
    let archive = fs::read(&bundle.archive).unwrap();
    let beginning = sealed::beginning(archive.as_slice()).unwrap().unwrap();
    let mut sealed = Vec::new();
    // Nobody opens it: the first bytes of each slice do as an envelope.
    sealed::write(
        archive.as_slice(),
        &beginning,
        &|_, slice| Ok(slice[..600].to_vec()),
        &mut |_, _| Ok(()),
        &mut sealed,
    )
    .unwrap();
    seeds.insert("sealed_bundle/lab-g1.sealed.tar".to_owned(), sealed);
    seeds.extend(primes_and_composites());
    seeds
}

/// The vectors of each size behind the byte that names the size.
fn primes_and_composites() -> Vec<(String, Vec<u8>)> {
    let vectors: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("vectors/primality/candidates.json")).unwrap();
    let mut files: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for vector in &vectors {
        let number = num_bigint::BigUint::parse_bytes(vector["number"].as_str().unwrap().as_bytes(), 16).unwrap();
        let bytes = number.to_bytes_be();
        let size = [128, 192, 256].iter().position(|length| *length == bytes.len()).unwrap();
        files.entry(size).or_insert_with(|| vec![size as u8]).extend(bytes);
    }
    files.into_iter().map(|(size, bytes)| (format!("engines/size-{size}"), bytes)).collect()
}

/// Made once; written, when that is asked for, before any test reads them.
static MADE: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let made = seeds_of_a_build();
    if std::env::var_os("CERTFERRY_BLESS").is_some_and(|value| value == "1") {
        for (name, content) in &made {
            let file = seed_folder().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
    }
    made
});

fn seed_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds")
}

#[test]
fn golden_seeds_are_what_a_build_makes() {
    let total: usize = MADE.values().map(Vec::len).sum();
    assert!(total < 48 << 10, "{total} bytes are more than seeds need");
    for (name, content) in &*MADE {
        let found = fs::read(seed_folder().join(name));
        assert!(found.is_ok_and(|found| found == *content), "`cargo xtask bless` rewrites {name}");
    }
}

#[test]
fn profiles() {
    smoke("profile");
}

#[test]
fn locks() {
    smoke("lock");
}

#[test]
fn records_and_indexes() {
    smoke("record");
}

#[test]
fn archives() {
    smoke("archive");
}

/// Signed again, some changes make another good archive: fuzzing goes further than the first check.
#[test]
fn scripts_make_archives_that_are_taken_and_others() {
    let taken: Vec<&str> = MADE
        .iter()
        .filter_map(|(name, script)| name.strip_prefix("archive/").filter(|_| fuzz::archive::is_taken(script)))
        .collect();
    assert_eq!(taken, ["a-slice", "more-content", "nothing", "other-content", "signed-again"]);
}

#[test]
fn pem_files() {
    smoke("pem");
}

#[test]
fn certificates() {
    smoke("certificate");
}

#[test]
fn kubeconfigs() {
    smoke("kubeconfig");
}

#[test]
fn rsa_engines() {
    smoke_with("engines", SLOW_CHANGES);
}

#[test]
fn sealed_files() {
    // Others have sealed them: age and age-encryption, to the identities of the specification.
    assert_eq!(seeds("sealed").iter().filter(|seed| fuzz::sealed::is_opened(seed)).count(), 4);
    smoke("sealed");
}

#[test]
fn sealed_bundles() {
    assert!(seeds("sealed_bundle").iter().all(|seed| fuzz::sealed_bundle::is_taken(seed)));
    smoke("sealed_bundle");
}

#[test]
fn words_of_paper() {
    assert_eq!(seeds("words").iter().filter(|seed| fuzz::words::is_whole(seed)).count(), 3);
    smoke("words");
}

#[test]
fn objects() {
    smoke("objects");
}
