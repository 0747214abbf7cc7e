//! What a sealed bundle or slice costs that is as large as may be: a bounded amount of memory, whoever made it.

use std::fs;
use std::io::Write;
use std::path::Path;

use certferry::seal::{Form, Identity, Kind, SealTo, Sealer};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::common::desk::Desk;
use crate::common::{run, write};
use crate::hostile::archive::{Entry, gzip, repeated, tar};
use crate::hostile::bundle::{END, HEAD, LAST, Part, STORE, TOP, array, public_key, row, sha256, signed};

/// The most memory of a run over a sealed slice, and over a sealed bundle; the chapter `formats` promises both.
const SLICE_KIBIBYTES: u64 = 64 << 10;
const BUNDLE_KIBIBYTES: u64 = 128 << 10;

/// A file in a part, an envelope, and the parts of a bundle, each as large as may be.
const FILE: usize = 4 << 20;
const MEMBER: usize = 32 << 20;
const PARTS: usize = 100_000;

/// A node's part with three files of 4 MiB that cannot be compressed.
fn part(name: &str, role: &str, number: u8) -> Part {
    let content = |seed: u8| {
        let mut state = u64::from(seed) << 8 | u64::from(number) | 1;
        let bytes = std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        bytes.take(FILE / 8).flatten().collect::<Vec<u8>>()
    };
    let paths = ["etc/kubernetes/kubelet.conf".to_owned(), format!("var/lib/kubelet/pki/{STORE}"), LAST.to_owned()];
    let contents = [1, 2, 3].map(content);
    let rows: Vec<_> = paths.iter().zip(&contents).map(|(path, content)| row(path, "0600", content)).collect();
    let at = |path: &str| format!("{TOP}/nodes/{name}/{path}");
    let files: Vec<_> =
        paths.iter().zip(&contents).map(|(path, content)| Entry::file(&at(path), 0o600, content)).collect();
    let [conf, store, key] = <[Entry; 3]>::try_from(files).ok().unwrap();
    let folder = |path: &str| Entry::folder(&at(path));
    let tree = vec![folder("etc/kubernetes/"), conf, folder("var/lib/kubelet/pki/"), store, key];
    Part::node(name, role, "192.168.10.5", &rows, tree)
}

/// The part's slice, its first member 32 MiB long: blocks of deflate that hold nothing come behind all others.
fn slice(part: &Part) -> Vec<u8> {
    let tar = tar(&part.entries());
    let times = (MEMBER - repeated(&tar, b"", 0).len()) / (repeated(b"", b"", 1).len() - repeated(b"", b"", 0).len());
    let member = repeated(&tar, b"", u32::try_from(times).unwrap());
    assert!((MEMBER - 16..=MEMBER).contains(&member.len()));
    [member, gzip(&END)].concat()
}

fn envelope(slice: &[u8], to: &Identity) -> Vec<u8> {
    let recipients = [to.recipient()];
    let mut sealer = Sealer::new(Vec::new(), SealTo::Recipients(&recipients), Form::Binary).unwrap();
    sealer.write_all(slice).unwrap();
    sealer.finish().unwrap()
}

/// An index of 100,000 parts and nearly 12 MiB, of which the first are these.
fn index(parts: &[Part]) -> String {
    let row = |name: &str, hash: &str| format!(r#"{{"part": "{name}", "sha256": "{hash}"}}"#);
    let mut rows: Vec<_> = parts.iter().map(|part| row(&part.name, &sha256(&part.record))).collect();
    let none = sha256(b"");
    rows.extend((parts.len()..PARTS - 1).map(|number| row(&format!("node/x-{number:06}-as-long-as-can"), &none)));
    rows.push(row("cluster", &none));
    let (parts, profile) = (array(&rows), sha256(b"a profile"));
    let index = format!(
        "{{\n  {HEAD}  \"format\": 1,\n  \"generation\": 1,\n  \"issued_at\": \"2026-11-22\",\n  \"kubernetes\": \
         \"1.24.15\",\n  \"partial\": false,\n  \"parts\": {parts},\n  \"phase\": 0,\n  \"profile_sha256\": \
         \"{profile}\"\n}}\n"
    );
    assert!(((11 << 20)..=(12 << 20)).contains(&index.len()), "{}", index.len());
    index
}

/// The most memory of a run that ends so, in KiB.
fn peak(folder: &Path, line: &str, code: i32) -> u64 {
    let desk = Desk::new();
    fs::create_dir(desk.path("node")).unwrap();
    let line = line.replace("FAR", &folder.display().to_string());
    let output = run(&mut desk.wrapped(&["time", "--output=spent", "--format=%M"], &line));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    desk.text("spent").lines().last().unwrap().parse().unwrap()
}

#[test]
#[ignore = "release only"]
fn release_each_command_takes_a_bounded_amount_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    let identity = Identity::random(Kind::X25519).unwrap();
    write(folder.path(), "me.key", &identity.to_text(), 0o600);
    put("lab.pub", public_key().as_bytes());
    let parts = [part("cp-1", "control-plane", 1), part("w-1", "worker", 2)];
    let envelopes: Vec<_> = parts.par_iter().map(|part| envelope(&slice(part), &identity)).collect();
    put("cp-1.tar.gz.age", &envelopes[0]);
    let mut bundle = vec![Entry::folder(&format!("{TOP}/"))];
    bundle.extend(signed(&format!("{TOP}/manifest.json"), index(&parts).as_bytes()));
    bundle.push(Entry::folder(&format!("{TOP}/nodes/")));
    for (part, envelope) in parts.iter().zip(&envelopes) {
        let path = format!("{TOP}/{}.tar.gz.age", part.name.replace("node/", "nodes/"));
        bundle.push(Entry::file(&path, 0o644, envelope));
    }
    put("lab-g1.sealed.tar", &[tar(&bundle), END.to_vec()].concat());
    // Heads of 1 MiB, in which are as many stanzas as there is room for, and as many as are read.
    for (name, stanza) in
        [("most", "-> x\n\n"), ("read", "-> X25519 of as many letters as one in ten thousand may have\n\n")]
    {
        let head = format!("age-encryption.org/v1\n{}", stanza.repeat((1 << 20) / stanza.len()));
        let mut bundle = bundle.clone();
        bundle.truncate(5);
        bundle[4] = Entry::file(&format!("{TOP}/nodes/cp-1.tar.gz.age"), 0o644, head.as_bytes());
        put(&format!("{name}.sealed.tar"), &[tar(&bundle), END.to_vec()].concat());
        put(&format!("{name}.age"), head.as_bytes());
    }
    let (key, open) = ("--key FAR/lab.pub", "--identity FAR/me.key");
    let mut peaks = Vec::new();
    for (line, code) in [
        (format!("verify FAR/lab-g1.sealed.tar {key} {open}"), 1),
        (format!("verify FAR/lab-g1.sealed.tar {key}"), 1),
        (format!("inspect FAR/lab-g1.sealed.tar {key} {open}"), 1),
        (format!("unpack FAR/lab-g1.sealed.tar {key} {open} --node w-1 --root tree"), 1),
        (format!("apply FAR/lab-g1.sealed.tar {key} {open} --node w-1 --root node"), 1),
        (format!("diff FAR/lab-g1.sealed.tar FAR/lab-g1.sealed.tar {key} {open}"), 1),
        (format!("open FAR/lab-g1.sealed.tar {open} --part w-1 --out it"), 1),
        (format!("open FAR/lab-g1.sealed.tar {open} --out it"), 2),
        ("split FAR/lab-g1.sealed.tar --node w-1 --out it".to_owned(), 1),
        (format!("verify FAR/cp-1.tar.gz.age {key} {open}"), 1),
        (format!("unpack FAR/cp-1.tar.gz.age {key} {open} --node cp-1 --root tree"), 1),
        (format!("user-data FAR/cp-1.tar.gz.age {key} {open} --node cp-1 -o ignition --out it"), 1),
        (format!("open FAR/cp-1.tar.gz.age {open} --out it"), 0),
        (format!("verify FAR/most.sealed.tar {key} {open}"), 1),
        (format!("verify FAR/read.sealed.tar {key} {open}"), 1),
        (format!("verify FAR/most.age {key} {open}"), 1),
        (format!("verify FAR/read.age {key} {open}"), 1),
    ] {
        peaks.push((peak(folder.path(), &line, code), line));
    }
    let bound = |line: &str| match line.matches("sealed.tar").count() {
        0 => SLICE_KIBIBYTES,
        count => BUNDLE_KIBIBYTES * count as u64,
    };
    println!("{peaks:#?}");
    assert!(peaks.iter().all(|(peak, line)| *peak <= bound(line)), "{peaks:#?}");
    // A measurement of nothing would be below every limit.
    assert!(
        peaks.iter().all(|(peak, line)| *peak > 16 << 10 || line.contains("FAR/most") || line.contains("FAR/read"))
    );
}
