//! Whatever stands in a file, a name or an argument: a terminal shows it and does not obey it.
//!
//! Each command that prints is given characters that would move the cursor, turn the direction of writing or not be seen.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::node::{FIRST, SECOND, applied, apply, generation, rollback};
use crate::common::{SEED, certferry, run, write};
use crate::planting::forge::{Forge, Key, pem};

/// One of each kind: cursor and line wiping, the same in C1, bidi, zero width, tags, soft hyphen, BOM, line ends.
const HOSTILE: &str = "\u{1b}[1A\u{1b}[2K\u{9b}2J\u{85}\u{202e}\u{2066}\u{200b}\u{200d}\u{2028}\u{feff}\u{ad}\u{e0041}\u{61c}\u{7f}\u{8}\r\n\terror: x";
/// How one of them is shown.
const SHOWN: &str = "\\u{9b}2J";

/// Returns whether a terminal obeys a character or shows nothing of it, in words of Unicode's and not of the program's.
fn is_obeyed(letter: char) -> bool {
    let code = u32::from(letter);
    (code < 0x20 && letter != '\n')
        || (0x7f..=0x9f).contains(&code)
        || [0xad, 0x34f, 0x61c, 0x180e, 0x3164, 0xfeff, 0xffa0].contains(&code)
        || [
            (0x200b, 0x200f),
            (0x2028, 0x202e),
            (0x2060, 0x206f),
            (0xfe00, 0xfe0f),
            (0xfff9, 0xfffb),
            (0xe_0000, 0xe_0fff),
        ]
        .iter()
        .any(|(first, last)| (first..=last).contains(&&code))
}

/// Runs a command, which may fail but not break, and looks at every character that it prints. Returns both streams.
fn check(command: &mut Command) -> (String, String) {
    let output = run(command);
    assert!(matches!(output.status.code(), Some(0..=2)), "{command:?}: {}", output.status);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| {
        let text = String::from_utf8(bytes).unwrap();
        let obeyed = text.chars().find(|letter| is_obeyed(*letter));
        assert_eq!(obeyed, None, "{command:?}\n{}", text.escape_debug());
        text
    });
    let mut lines = stdout.lines().chain(stderr.lines());
    assert_eq!(lines.find(|line| line.starts_with("error: x")), None, "a name wrote a line of its own: {command:?}");
    (stdout, stderr)
}

/// Runs a command that must show what it was given.
fn check_shown(command: &mut Command) {
    let (stdout, stderr) = check(command);
    assert!(stdout.contains(SHOWN) || stderr.contains(SHOWN), "{command:?}\n{stdout}\n{stderr}");
}

/// Runs a command that prints JSON; returns the document. Its escapes mean what was written.
fn check_json(command: &mut Command) -> serde_json::Value {
    let (stdout, stderr) = check(command);
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{command:?}: {error}\n{stdout}\n{stderr}"))
}

fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

/// Every argument of every command.
#[test]
fn arguments_are_shown_and_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(HOSTILE);
    let (archive, key) = (&FIRST.archive, &FIRST.public_key);
    let start = |words: &[&str]| {
        let mut command = certferry();
        command.current_dir(folder.path()).args(words);
        command
    };
    for words in [
        &[HOSTILE][..],
        &["plan", &format!("--{HOSTILE}")],
        &["plan", "a", "--output", HOSTILE],
        &["help", HOSTILE],
        &["completions", HOSTILE],
        &["init", "--name", HOSTILE],
        &["init", "--kubernetes", HOSTILE],
        &["init", "--nodes", HOSTILE],
        &["init", &format!("{HOSTILE}/a")],
        &["init", HOSTILE, "--name", "a"],
        &["seed", "id", HOSTILE],
        &["seed", "new", &format!("{HOSTILE}/a")],
        &["plan", &format!("{HOSTILE}/a")],
        &["build", "a", "--seed", "b", "--threads", HOSTILE],
        &["build", &format!("{HOSTILE}.toml"), "--seed", "b"],
        &["inspect", "nowhere", &format!("{HOSTILE}/a")],
        &["inspect", "nowhere", "--at", HOSTILE],
        &["inspect", "--lint", &format!("{HOSTILE}/a")],
        &["doctor", &format!("{HOSTILE}/a")],
        &["doctor", ".", "--manifests", &format!("{HOSTILE}/a")],
        &["status", "--root", &format!("{HOSTILE}/a")],
        &["rollback", "--root", &format!("{HOSTILE}/a")],
        &["init", "--endpoint", HOSTILE],
        &["init", "--pool", HOSTILE],
        &["init", "--user", HOSTILE],
        &["fingerprint", &format!("{HOSTILE}/a")],
        &["verify", &format!("{HOSTILE}/a"), "--key", &format!("sha256:{HOSTILE}")],
        &["man", "--out", &format!("{HOSTILE}/man")],
    ] {
        check_shown(&mut start(words));
    }
    check_shown(start(&["verify"]).arg(archive).arg("--key").arg(path.join("a")));
    check_shown(start(&["split", "--node", HOSTILE, "--out", "c"]).arg(archive));
    check_shown(start(&["split", "--node", "cp-1"]).arg(archive).arg("--out").arg(path.join("a/b")));
    for command in ["unpack", "apply"] {
        let mut command = start(&[command, "--node", HOSTILE, "--root", "."]);
        check_shown(command.arg(archive).arg("--key").arg(key));
        let mut command = start(&["unpack", "--node", "cp-1"]);
        check_shown(command.arg(archive).arg("--key").arg(key).arg("--root").arg(path.join("x/y/z")));
    }
    check(start(&["status", "--root", ".", "--accept", HOSTILE]).current_dir(applied(&FIRST, "cp-1").path()));
}

/// Names of the files themselves: a profile, seed and lock, a bundle, its signature and key, what is made of them.
#[test]
fn names_of_files_are_shown_and_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join(HOSTILE);
    fs::create_dir(&below).unwrap();
    let profile = write(&below, "a.toml", &generation(1, |_| {}), 0o644);
    let seed = write(&below, "a.seed", SEED, 0o644);
    let out = below.join("out");
    let build = || {
        let mut command = certferry();
        command.arg("build").arg(&profile).arg("--seed").arg(&seed).arg("--out").arg(&out).arg("--allow-weak-seed");
        command
    };
    check_shown(certferry().arg("plan").arg(&profile));
    // It warns of the seed, too.
    let (stdout, stderr) = check(&mut build());
    assert!(stdout.contains(SHOWN) && stderr.starts_with("warning: "), "{stdout}\n{stderr}");
    assert!(stderr.contains(SHOWN), "{stderr}");
    let archive = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let archive = archive.into_iter().find(|path| path.to_string_lossy().ends_with(".tar.gz")).unwrap();
    let signature = PathBuf::from(format!("{}.sig", archive.display()));
    write(&out, signature.file_name().unwrap().to_str().unwrap(), "x", 0o644);
    check_shown(&mut build());
    let key = FIRST.public_key.to_str().unwrap();
    check_shown(certferry().arg("verify").arg(&archive).args(["--key", key]));
    fs::remove_file(&signature).unwrap();
    check_shown(certferry().arg("verify").arg(&archive).args(["--key", &format!("sha256:{}", "0".repeat(64))]));
    let mut bytes = fs::read(&archive).unwrap();
    bytes[40] ^= 1;
    fs::write(&archive, bytes).unwrap();
    check_shown(certferry().arg("verify").arg(&archive).args(["--key", key]));
    fs::write(profile.with_extension("lock.toml"), format!("# {HOSTILE}\nx = \"\u{9b}2J\"")).unwrap();
    check_shown(certferry().arg("plan").arg(&profile));
    fs::write(&profile, SEED).unwrap();
    check_shown(certferry().arg("plan").arg(&profile));
    check_shown(certferry().args(["seed", "new"]).arg(below.join("new.seed")));
    check_shown(certferry().args(["seed", "id"]).arg(profile.with_extension("lock.toml")));
    check_shown(certferry().arg("init").arg(below.join("b.toml")));
}

/// A reviewer runs `plan` over a lock that somebody sent.
#[test]
fn no_field_of_a_lock_reaches_a_reviewers_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let profile = write(folder.path(), "test.toml", &generation(2, |_| {}), 0o644);
    let lock: toml::Value = toml::from_str(&fs::read_to_string(&FIRST.lock).unwrap()).unwrap();
    let mut fields = Vec::new();
    strings(&lock, &mut Vec::new(), &mut fields);
    // One row of a table stands for all: the last, since those of CAs are the first.
    fields.sort_by_key(|field| (name(field), std::cmp::Reverse(field.clone())));
    fields.dedup_by_key(|field| name(field));
    let mut shown = Vec::new();
    for field in &fields {
        let mut changed = lock.clone();
        change(&mut changed, field);
        let path = write(folder.path(), "changed.lock.toml", &toml::to_string(&changed).unwrap(), 0o644);
        let plan = || {
            let mut command = certferry();
            command.arg("plan").arg(&profile).arg("--lock").arg(&path);
            command
        };
        let (stdout, stderr) = check(plan().arg("--verbose"));
        if stdout.contains(SHOWN) || stderr.contains(SHOWN) {
            shown.push(name(field));
        }
        let (json, _) = check(plan().args(["-o", "json"]));
        if !json.is_empty() {
            let document: serde_json::Value = serde_json::from_str(&json).unwrap();
            let is_there = json.contains("\\u009b2J");
            assert!(!is_there || document.to_string().contains('\u{9b}'), "{json}");
        }
        let mut build = certferry();
        let seed = write(folder.path(), "test.seed", SEED, 0o600);
        build.arg("build").arg(&profile).arg("--seed").arg(seed).arg("--lock").arg(&path);
        check(build.arg("--locked").arg("--out").arg(folder.path().join("out")));
    }
    assert!(fields.len() > 20, "{fields:?}");
    for field in
        ["cluster", "kubernetes", "certificate.subject", "certificate.issuer", "certificate.usages", "key.algorithm"]
    {
        assert!(shown.iter().any(|known| known == field), "{field} is not shown, only {shown:?}");
    }
}

/// A place in a document: the keys on the way to it.
type Field = Vec<String>;

/// The name of a field without the numbers of rows.
fn name(field: &Field) -> String {
    let is_number = |key: &&String| key.parse::<usize>().is_err();
    let mut keys: Vec<_> = field.iter().filter(is_number).map(String::as_str).collect();
    // Paths of files are many.
    keys.truncate(2);
    keys.join(".")
}

/// Finds every text in a document.
fn strings(value: &toml::Value, at: &mut Field, found: &mut Vec<Field>) {
    match value {
        toml::Value::String(_) => found.push(at.clone()),
        toml::Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                at.push(index.to_string());
                strings(value, at, found);
                at.pop();
            }
        }
        toml::Value::Table(table) => {
            for (key, value) in table {
                at.push(key.clone());
                strings(value, at, found);
                at.pop();
            }
        }
        _ => {}
    }
}

/// Puts [`HOSTILE`] behind a text of a document.
fn change(value: &mut toml::Value, field: &[String]) {
    match (value, field) {
        (toml::Value::String(text), []) => text.push_str(HOSTILE),
        (toml::Value::Array(values), [index, rest @ ..]) => change(&mut values[index.parse::<usize>().unwrap()], rest),
        (toml::Value::Table(table), [key, rest @ ..]) => change(&mut table[key.as_str()], rest),
        (value, field) => panic!("{value:?} {field:?}"),
    }
}

/// Paths in a lock, which are keys of its tables.
#[test]
fn no_path_in_a_lock_reaches_a_reviewers_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let profile = write(folder.path(), "test.toml", &generation(2, |_| {}), 0o644);
    let mut lock: toml::Table = fs::read_to_string(&FIRST.lock).unwrap().parse().unwrap();
    for part in lock["part"].as_array_mut().unwrap() {
        let files = part.as_table_mut().unwrap()["files"].as_table_mut().unwrap();
        files.insert(format!("etc/{HOSTILE}"), HOSTILE.into());
    }
    let lock = write(folder.path(), "changed.lock.toml", &toml::to_string(&lock).unwrap(), 0o644);
    check_shown(certferry().arg("plan").arg(&profile).arg("--lock").arg(&lock));
    let document = check_json(certferry().arg("plan").arg(&profile).arg("--lock").arg(&lock).args(["-o", "json"]));
    let removed = document["effects"][0]["removed"].as_array().unwrap();
    assert!(removed.iter().any(|path| path.as_str() == Some(&format!("etc/{HOSTILE}"))), "{document}");
}

/// Each text of a profile, and what no reader of TOML accepts.
#[test]
fn no_text_of_a_profile_reaches_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let profile: toml::Value = toml::from_str(&generation(1, |_| {})).unwrap();
    let mut fields = Vec::new();
    strings(&profile, &mut Vec::new(), &mut fields);
    assert!(fields.len() > 8, "{fields:?}");
    for field in &fields {
        let mut changed = profile.clone();
        change(&mut changed, field);
        let path = write(folder.path(), "changed.toml", &toml::to_string(&changed).unwrap(), 0o644);
        let (_, stderr) = check(certferry().arg("plan").arg(&path));
        assert!(stderr.starts_with("error: "), "{field:?}\n{stderr}");
    }
    // Raw, as an editor shows nothing of it: in a value, in a key, in a comment, in a table's head.
    let raw: String = HOSTILE.chars().filter(|letter| *letter != '\n' && *letter != '\r').collect();
    for line in [
        format!("x = \"{raw}\""),
        format!("\"{raw}\" = 1"),
        format!("# {raw}"),
        format!("[{raw}]"),
        format!("[\"{raw}\"]"),
        format!("[cluster]\nname = \"{raw}\"\n\"\u{9b}2J\" = 1"),
        "format = 1\n[cluster]\nname = \"\u{9b}2J\"".to_owned(),
    ] {
        let path = write(folder.path(), "raw.toml", &format!("{line}\n"), 0o644);
        check_shown(certferry().arg("plan").arg(&path));
        check_shown(certferry().arg("build").arg(&path).args(["--seed", "none"]));
    }
}

/// A node on which every name was chosen by an enemy: of certificates, of kubeconfigs, of files, of objects.
fn hostile_node() -> TempDir {
    let root = applied(&FIRST, "cp-1");
    let kubernetes = root.path().join("etc/kubernetes");
    let (key, other) = (Key::new(7), Key::new(8));
    let mut authority = Forge::authority(HOSTILE, &key);
    authority.alt_names.clear();
    let mut leaf = Forge::leaf(&[HOSTILE], HOSTILE, &[], &other);
    leaf.not_after = time::macros::datetime!(2027-01-01 0:00 UTC);
    let ca = pem(&authority.sign(None, &key));
    let leaf = pem(&leaf.sign(Some(&authority.subject), &key));
    for file in ["pki/apiserver.crt", "pki/etcd/server.crt", "pki/front-proxy-client.crt", "pki/other.crt"] {
        put(&kubernetes, file, format!("{leaf}{ca}"));
    }
    put(&kubernetes, "pki/etcd/ca.crt", &ca);
    put(&kubernetes, "pki/front-proxy-ca.crt", pem(&Forge::authority(HOSTILE, &other).sign(None, &other)));
    put(&kubernetes, &format!("pki/{HOSTILE}.crt"), &leaf);
    put(&kubernetes, &format!("pki/{HOSTILE}.key"), "x");
    put(&kubernetes, &format!("pki/broken{HOSTILE}.crt"), "-----BEGIN CERTIFICATE-----\nx");
    symlink(format!("no{HOSTILE}where"), kubernetes.join("pki/link.crt")).unwrap();
    let quoted = serde_json::to_string(HOSTILE).unwrap();
    put(
        &kubernetes,
        "scheduler.conf",
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Config\", \"current-context\": {quoted}, \
             \"clusters\": [{{\"name\": {quoted}, \"cluster\": {{\"server\": {quoted}, \"certificate-authority\": {quoted}}}}}], \
             \"users\": [{{\"name\": {quoted}, \"user\": {{\"client-certificate\": {quoted}, \"client-key\": {quoted}}}}}], \
             \"contexts\": [{{\"name\": {quoted}, \"context\": {{\"cluster\": {quoted}, \"user\": {quoted}}}}}]}}"
        ),
    );
    put(&kubernetes, "controller-manager.conf", HOSTILE);
    put(
        &kubernetes,
        "manifests/kube-apiserver.yaml",
        format!(
            "{{\"kind\": \"Pod\", \"spec\": {{\"containers\": [{{\"name\": \"kube-apiserver\", \"image\": {quoted}, \"command\": \
             [\"kube-apiserver\", {}, {}]}}]}}}}",
            serde_json::to_string(&format!("--tls-cert-file=/etc/kubernetes/pki/{HOSTILE}.crt")).unwrap(),
            serde_json::to_string(&format!("--client-ca-file=/etc/{HOSTILE}")).unwrap(),
        ),
    );
    root
}

#[test]
fn no_certificate_and_no_file_of_a_node_reaches_the_terminal() {
    let root = hostile_node();
    let at = ["--at", "2026-11-23"];
    let pki = root.path().join("etc/kubernetes/pki");
    let start = |command: &str, path: &Path| {
        let mut start = certferry();
        start.arg(command).arg(path).args(at);
        start
    };
    for path in [root.path(), &pki, &pki.join(format!("{HOSTILE}.crt")), &pki.join("apiserver.crt")] {
        check(&mut start("inspect", path));
        check_shown(start("inspect", path).arg("--verbose"));
        check(start("inspect", path).args(["--expiring-within", "9000d"]));
        let (metrics, _) = check(start("inspect", path).args(["-o", "prometheus"]));
        assert!(metrics.contains(&format!("\\{SHOWN}")), "{metrics}");
        let document = check_json(start("inspect", path).args(["-o", "json"]));
        let certificates = document["certificates"].as_array().unwrap();
        let subject = |certificate: &serde_json::Value| certificate["subject"].as_str().unwrap().contains("\u{9b}2J");
        assert!(certificates.iter().any(subject), "{document}");
        check(start("inspect", path).arg("--lint"));
    }
    check_shown(&mut start("inspect", root.path()));
    check_shown(&mut start("doctor", root.path()));
    fs::remove_file(pki.join("link.crt")).unwrap();
    check_shown(start("inspect", root.path()).arg("--lint"));
    check_shown(&mut start("inspect", &root.path().join("etc/kubernetes/scheduler.conf")));
    check_shown(&mut start("doctor", root.path()));
    let document = check_json(start("doctor", root.path()).args(["-o", "json"]));
    assert!(document["findings"].to_string().contains('\u{9b}'), "{document}");
}

#[test]
fn no_object_of_a_cluster_reaches_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name = serde_json::to_string(HOSTILE).unwrap();
    let metadata = format!("metadata: {{name: {name}, namespace: {name}}}");
    let broken = format!(
        "webhooks: [{{name: {name}, clientConfig: {{caBundle: '!', service: {{name: {name}, namespace: {name}}}}}}}]"
    );
    let objects = put(
        folder.path(),
        &format!("{HOSTILE}.yaml"),
        format!(
            "kind: ValidatingWebhookConfiguration\n{metadata}\n{broken}\n---\nkind: Secret\ntype: kubernetes.io/tls\n{metadata}\n\
             data: {{tls.crt: '!', tls.key: '!'}}\n"
        ),
    );
    check_shown(certferry().args(["doctor", "--manifests"]).arg(&objects).arg(folder.path()));
    check_json(certferry().args(["doctor", "-o", "json", "--manifests"]).arg(&objects).arg(folder.path()));
    fs::write(&objects, format!("kind: \"{HOSTILE}")).unwrap();
    check_shown(certferry().args(["doctor", "--manifests"]).arg(&objects).arg(folder.path()));
}

/// What `apply`, `rollback` and `status` say of a node whose files and state an enemy wrote.
#[test]
fn no_state_of_a_node_reaches_the_terminal() {
    let root = hostile_node();
    let status = |json: bool| {
        let mut command = certferry();
        command.args(["status", "--root"]).arg(root.path());
        if json {
            command.args(["-o", "json"]);
        }
        command
    };
    check_shown(&mut status(false));
    check_json(&mut status(true));
    put(&root.path().join("etc/kubernetes/pki"), "kept\u{1b}[2K\u{9b}2J\u{202e}.crt", "x");
    check_shown(apply(&SECOND, "cp-1", root.path()).arg("--dry-run"));
    check_shown(&mut apply(&SECOND, "cp-1", root.path()));
    check(&mut status(false));
    check(&mut rollback(root.path()));
    let state = root.path().join("etc/kubernetes/.certferry");
    let there = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap());
    let there = there.filter(|entry| entry.file_type().unwrap().is_file());
    let there: Vec<_> = there.map(|entry| entry.file_name().into_string().unwrap()).collect();
    for file in there.iter().map(String::as_str).chain(["journal", "accepted", "not_after", "restart"]) {
        let before = fs::read(state.join(file)).ok();
        let text = before.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        for content in [HOSTILE.to_owned(), format!("{text}{HOSTILE}"), text.replace("etc/", &format!("etc/{HOSTILE}"))]
        {
            put(&state, file, content);
            check(&mut status(false));
            check(&mut status(true));
            check(&mut rollback(root.path()));
            check(&mut apply(&FIRST, "cp-1", root.path()));
        }
        match before {
            Some(before) => drop(put(&state, file, before)),
            None => fs::remove_file(state.join(file)).unwrap_or_default(),
        }
    }
}
