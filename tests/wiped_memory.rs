//! When `build` or `split` has nothing left to do but to print, no secret is in its memory any more.
//!
//! Its standard output is a full pipe, so that it waits there. The program forbids others to read its memory; root may.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{PipeWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::is_root;
use crate::common::{certferry, changed_profile, files, skip, succeed, tool, write};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::Decode;
use pkcs1::RsaPrivateKeyRef;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use sec1::EcPrivateKey;

const SEED: &str = "6f1d0c8e5ab94e27733a90c1d2f4b6587e9c0a3b5d6f718293a4b5c6d7e8f901";

/// Something that must not be in memory, and what it is.
type Secret = (String, Vec<u8>);

#[test]
fn no_secret_is_left_when_the_summary_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let profile = changed_profile("single-node", |table| {
        let keys = [("ca", "rsa-2048"), ("leaf", "ecdsa-p256"), ("service_account", "ecdsa-p384")];
        table.insert(
            "keys".to_owned(),
            keys.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect::<toml::Table>().into(),
        );
    });
    write(folder.path(), "test.toml", &profile, 0o644);
    write(folder.path(), "seed", &format!("certferry-seed-1:{SEED}\n"), 0o600);
    // Its other end stays open, and nobody reads.
    let (_reader, mut full) = std::io::pipe().unwrap();
    fill(&mut full);
    let mut build = certferry();
    build.current_dir(folder.path()).args(["build", "test.toml", "--seed", "seed", "--out", "out"]);
    let mut child = build.stdout(Stdio::from(full)).stderr(Stdio::null()).spawn().unwrap();
    wait_for_printing(&mut child);
    let memory = memory(&child);
    child.kill().unwrap();
    child.wait().unwrap();
    let memory = match memory {
        Ok(memory) => memory,
        Err(reason) => return skip(&format!("memory of a program that may not be dumped: {reason}")),
    };

    let summary = b"Write it on paper or into the change ticket".to_vec();
    assert_eq!(found(&memory, &[("the summary".to_owned(), summary)]).len(), 1, "or this looks at nothing");
    let left = found(&memory, &secrets(folder.path()));
    assert!(left.is_empty(), "in memory: {left:?}");
}

/// `split` unpacks what it copies, to see where it ends.
#[test]
fn no_secret_is_left_when_split_prints() {
    let folder = tempfile::tempdir().unwrap();
    let profile = changed_profile("single-node", |table| {
        let keys = [("ca", "rsa-2048"), ("leaf", "ecdsa-p256"), ("service_account", "ecdsa-p384")];
        let keys = keys.map(|(name, value)| (name.to_owned(), value.into()));
        table.insert("keys".to_owned(), keys.into_iter().collect::<toml::Table>().into());
        // The last files of the last part.
        let user = toml::toml!(name = "zoe");
        table.insert("user".to_owned(), vec![toml::Value::Table(user)].into());
    });
    write(folder.path(), "test.toml", &profile, 0o644);
    write(folder.path(), "seed", &format!("certferry-seed-1:{SEED}\n"), 0o600);
    succeed(certferry().current_dir(folder.path()).args(["build", "test.toml", "--seed", "seed", "--out", "out"]));
    let archive = files(&folder.path().join("out")).into_iter().find(|name| name.ends_with(".tar.gz")).unwrap();
    let archive = format!("out/{archive}");
    let secrets = secrets(folder.path());
    let (_reader, mut full) = std::io::pipe().unwrap();
    fill(&mut full);
    let mut command = certferry();
    command.current_dir(folder.path()).args(["split", &archive, "--with-cluster", "--out", "slice.tar.gz"]);
    let mut child = command.stdout(Stdio::from(full)).stderr(Stdio::null()).spawn().unwrap();
    wait_for_printing(&mut child);
    let memory = memory(&child);
    child.kill().unwrap();
    child.wait().unwrap();
    let memory = match memory {
        Ok(memory) => memory,
        Err(reason) => return skip(&format!("memory of a program that may not be dumped: {reason}")),
    };
    let said = b"whoever receives it does".to_vec();
    assert_eq!(found(&memory, &[("the result".to_owned(), said)]).len(), 1, "or this looks at nothing");
    let left = found(&memory, &secrets);
    assert!(left.is_empty(), "in memory: {left:?}");
}

/// Writes until nothing more goes in.
fn fill(pipe: &mut PipeWriter) {
    let flags = fcntl_getfl(&*pipe).unwrap();
    fcntl_setfl(&*pipe, flags | OFlags::NONBLOCK).unwrap();
    while pipe.write(&[0; 4096]).is_ok() {}
    fcntl_setfl(&*pipe, flags).unwrap();
}

/// Waits until the main thread is in a write to standard output and the others have ended, but for the one that waits for
/// signals: until the result is told, there are hidden names that a signal has to remove.
fn wait_for_printing(child: &mut Child) {
    let process = format!("/proc/{}", child.id());
    let write = if cfg!(target_arch = "x86_64") { "1 0x1 " } else { "64 0x1 " };
    let end = Instant::now() + Duration::from_secs(120);
    while Instant::now() < end {
        assert_eq!(child.try_wait().unwrap(), None, "it ended");
        let tasks = fs::read_dir(format!("{process}/task")).unwrap().filter_map(Result::ok);
        let names = tasks.map(|task| fs::read_to_string(task.path().join("comm")).unwrap_or_default());
        let is_alone = names.filter(|name| name != "signals\n").count() == 1;
        // Who may not be told sees that it sleeps; that must do.
        let is_in_write = match fs::read_to_string(format!("{process}/syscall")) {
            Ok(call) => call.starts_with(write),
            Err(_) => fs::read_to_string(format!("{process}/stat")).unwrap().contains(") S "),
        };
        if is_alone && is_in_write {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("it does not come to print its summary");
}

/// Every area of memory that can be written; an error for whoever may not look.
fn memory(child: &Child) -> std::io::Result<Vec<Vec<u8>>> {
    let process = format!("/proc/{}", child.id());
    let memory = File::open(format!("{process}/mem"));
    assert!(is_root() || memory.is_err(), "others may read it");
    let mut memory = memory?;
    let mut areas = Vec::new();
    for line in fs::read_to_string(format!("{process}/maps")).unwrap().lines() {
        let mut words = line.split_whitespace();
        let (range, modes) = (words.next().unwrap(), words.next().unwrap());
        if !modes.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut area = vec![0; (end - start) as usize];
        memory.seek(SeekFrom::Start(start)).unwrap();
        memory.read_exact(&mut area).unwrap_or_else(|error| panic!("{line}: {error}"));
        areas.push(area);
    }
    Ok(areas)
}

/// What of the secrets is in memory.
fn found(memory: &[Vec<u8>], secrets: &[Secret]) -> BTreeSet<String> {
    let mut by_beginning: HashMap<&[u8], Vec<&Secret>> = HashMap::new();
    for secret in secrets {
        by_beginning.entry(&secret.1[..8]).or_default().push(secret);
    }
    let mut found = BTreeSet::new();
    for area in memory {
        // Most of it is zeros.
        for (place, window) in area.windows(8).enumerate().filter(|(_, window)| **window != [0; 8]) {
            let candidates = by_beginning.get(window).into_iter().flatten();
            found
                .extend(candidates.filter(|(_, bytes)| area[place..].starts_with(bytes)).map(|(name, _)| name.clone()));
        }
    }
    found
}

/// The seed, and every private key of the bundle that was built in the folder.
fn secrets(folder: &Path) -> Vec<Secret> {
    let seed: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&SEED[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut secrets = vec![("seed in hex".to_owned(), SEED.as_bytes().to_vec()), ("seed".to_owned(), seed)];
    let out = folder.join("out");
    let archive = files(&out).into_iter().find(|name| name.ends_with(".tar.gz")).unwrap();
    succeed(tool("tar").arg("-C").arg(folder).arg("-xzf").arg(out.join(archive)));
    let keys = secrets.len();
    // The script speaks of keys and holds none.
    for path in files(folder).into_iter().filter(|path| !path.ends_with("install.sh")) {
        let Ok(text) = fs::read_to_string(folder.join(&path)) else { continue };
        if let Some(encoded) = text.split("client-key-data: ").nth(1) {
            let encoded = encoded.lines().next().unwrap();
            secrets.push((format!("{path} in base64"), encoded.as_bytes()[80..144].to_vec()));
            private_key(&path, &String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap(), &mut secrets);
        } else if text.contains("PRIVATE KEY-----") {
            private_key(&path, &text, &mut secrets);
        }
    }
    assert!(secrets.len() > keys + 40, "{}", secrets.len());
    secrets
}

/// A line of the PEM, and the secret numbers in both orders.
fn private_key(path: &str, text: &str, secrets: &mut Vec<Secret>) {
    let block = text.split("PRIVATE KEY-----\n").nth(1).unwrap();
    let lines: Vec<&str> = block.lines().take_while(|line| !line.starts_with('-')).collect();
    // The first is the same in every key of a kind, and the last may be short.
    for (number, line) in lines.iter().enumerate().skip(1).filter(|(_, line)| line.len() == 64) {
        secrets.push((format!("{path}, line {number}"), line.as_bytes().to_vec()));
    }
    let der = STANDARD.decode(lines.concat()).unwrap();
    let numbers = match RsaPrivateKeyRef::from_der(&der) {
        Ok(key) => [key.private_exponent, key.prime1, key.prime2, key.exponent1, key.exponent2, key.coefficient]
            .map(|number| number.as_bytes().to_vec())
            .to_vec(),
        Err(_) => vec![EcPrivateKey::from_der(&der).unwrap().private_key.to_vec()],
    };
    for (place, number) in numbers.into_iter().enumerate() {
        // A part of it says enough.
        for (end, part) in [("first", &number[..16]), ("last", &number[number.len() - 16..])] {
            secrets.push((format!("{path}, number {place}, {end} bytes"), part.to_vec()));
            secrets
                .push((format!("{path}, number {place}, {end} bytes reversed"), part.iter().rev().copied().collect()));
        }
    }
}
