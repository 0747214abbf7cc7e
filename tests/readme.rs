//! The README's first command does what the README says it does, and every other line works where README says it is typed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::{Ended, certferry, end, place_program, program, succeed};
use crate::kube::machine::Machine;

/// Every run of 64 hex digits becomes `HASH`, and eight groups of four `GROUPS`: another seed makes others.
fn without_hashes(text: &str) -> String {
    let is_group = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_groups = |line: &str| line.split_whitespace().count() == 8 && line.split_whitespace().all(is_group);
    let lines: Vec<_> = text.lines().map(|line| if is_groups(line) { "GROUPS" } else { line }).collect();
    assert_eq!(lines.iter().filter(|line| **line == "GROUPS").count(), 2);
    let text = lines.join("\n");
    let mut words = Vec::new();
    for word in text.split_inclusive([' ', '\n']) {
        match word.trim_end().strip_prefix("sha256:") {
            Some(hash) => {
                assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{word}");
                words.push(word.replace(hash, "HASH"));
            }
            None => words.push(word.to_owned()),
        }
    }
    words.concat()
}

#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.strip_prefix("    cargo run --release -- ")).unwrap();
    let shown = readme.split("```\n").nth(1).unwrap();

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("profiles")).unwrap();
    for entry in fs::read_dir(root.join("profiles")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join("profiles").join(path.file_name().unwrap())).unwrap();
    }
    let printed = succeed(certferry().args(line.split(' ')).current_dir(folder.path()));
    assert_eq!(without_hashes(&printed), without_hashes(shown), "{line}");
    assert_ne!(printed, shown, "another seed makes other keys");
    let listed = printed.lines().filter_map(|line| line.strip_prefix("  out/")).count();
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), listed, "no file but those it names");
}

/// The blocks of lines that README shows, without those that are cargo's.
fn blocks() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (mut blocks, mut is_shown) = (vec![String::new()], false);
    for line in readme.lines() {
        // Between fences stands what a program prints.
        is_shown ^= line.starts_with("```");
        match (line.strip_prefix("    ").filter(|_| !is_shown), blocks.last_mut().unwrap()) {
            (Some(code), block) => *block += &format!("{code}\n"),
            (None, block) if block.is_empty() => {}
            (None, _) => blocks.push(String::new()),
        }
    }
    let is_cargos =
        |block: &String| block.starts_with("cargo run --release -- build ") || block == "cargo xtask test\n";
    assert_eq!(blocks.iter().filter(|block| is_cargos(block)).count(), 2);
    blocks.retain(|block| !block.is_empty() && !is_cargos(block));
    blocks
}

/// Builds on one desk, whatever README builds; returns the fingerprint of the last build.
fn build(desk: &Desk, lines: &str) -> Option<String> {
    let mut fingerprint = None;
    for line in lines.lines() {
        // A person is asked for a passphrase on a terminal; `sealed_seed::terminal` types it there.
        let here = line.replace("--new-seed my-cluster.seed", "--new-seed my-cluster.seed --plain");
        let said = desk.succeed(here.strip_prefix("certferry ").unwrap());
        let signer = said.lines().find_map(|line| line.strip_prefix("signer   "));
        fingerprint = signer.map(str::to_owned).or(fingerprint);
        if line.starts_with("certferry init ") {
            // The starter's keys are RSA, and take their time.
            let quick =
                desk.text("my-cluster.toml").replace("rsa-4096", "ecdsa-p256").replace("rsa-2048", "ecdsa-p256");
            desk.write("my-cluster.toml", quick);
        }
    }
    fingerprint
}

/// A node on which nothing was yet, with the slice of its own in the folder in which one types.
fn node(programs: &Path, desk: &Desk) -> Machine {
    let machine = Machine::start(programs, &["192.168.1.11"], "");
    machine.rename("cp-1");
    // Through it Debian's awk is found.
    machine.bind(Path::new("/etc/alternatives"), "/etc/alternatives");
    let folder = machine.path("root/carried");
    fs::create_dir(&folder).unwrap();
    for name in desk.names("slices/nodes/cp-1") {
        fs::copy(desk.path(&format!("slices/nodes/cp-1/{name}")), folder.join(name)).unwrap();
    }
    for name in ["install.sh", "install.sh.sig"] {
        fs::copy(desk.path(&format!("out/{name}")), folder.join(name)).unwrap();
    }
    machine
}

#[test]
fn every_line_works_where_it_is_typed() {
    if lacks(&[Right::Machine, Right::Owners]) {
        return;
    }
    let programs = tempfile::tempdir().unwrap();
    fs::set_permissions(programs.path(), PermissionsExt::from_mode(0o755)).unwrap();
    place_program(&program(), &programs.path().join("certferry"));
    let (mut desk, mut fingerprint) = (Desk::new(), String::new());
    let mut seen = Vec::new();
    for block in blocks() {
        let words: Vec<_> = block.split_whitespace().take(2).collect();
        seen.push(words.join(" "));
        if ["init", "build", "help"].contains(&words[1]) {
            if words[1] == "init" {
                // As README's reader begins, in an empty folder.
                desk = Desk::new();
            }
            fingerprint = build(&desk, &block).unwrap_or(fingerprint);
            continue;
        }
        let machine = node(programs.path(), &desk);
        let mut shell = machine.command("sh");
        shell.args(["-ec", &format!("cd /root/carried\n{}", block.replace("sha256:...", &fingerprint))]);
        let Ended { code, stdout, stderr } = end(&mut shell);
        assert_eq!(code, Some(0), "{block}{stdout}{stderr}");
        // What openssl says of the key is what stands on paper.
        assert!(!block.contains("sha256sum") || stdout.starts_with(&fingerprint["sha256:".len()..]), "{stdout}");
        assert!(!block.contains("openssl dgst") || stdout.contains("Verified OK\n"), "{stdout}");
        let tree = desk.path("tree");
        if tree.exists() {
            fs::remove_dir_all(&tree).unwrap();
        }
        let unpack = format!("unpack out/prod-1-g1.tar.gz --key {fingerprint} --node cp-1 --root tree");
        desk.succeed(&unpack);
        for file in desk.names("tree") {
            let (here, there) = (desk.path(&format!("tree/{file}")), machine.path(&file));
            assert!(fs::read(&here).unwrap() == fs::read(&there).unwrap(), "{block}{file}");
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode(&here), mode(&there), "{block}{file}");
        }
    }
    let expected = [
        "certferry init",
        "certferry build",
        "certferry verify",
        "openssl pkey",
        "openssl dgst",
        "certferry init",
        "certferry verify",
        "certferry help",
    ];
    assert_eq!(seen, expected);
}
