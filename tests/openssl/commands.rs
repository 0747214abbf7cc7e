//! The commands that certferry prints and teaches do what it says they do.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::common::{self, certferry, files, run, succeed, tool};

/// Runs a line as an operator would, with certferry in the search path.
fn shell(folder: &Path, line: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_certferry")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    run(tool("sh").args(["-euc", line]).current_dir(folder).env("PATH", path))
}

fn succeeds(folder: &Path, line: &str) -> String {
    let output = shell(folder, line);
    assert!(output.status.success(), "{line}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What `build` printed behind a word at a line's beginning.
fn printed<'a>(stdout: &'a str, word: &str) -> &'a str {
    let mut found = stdout.lines().filter_map(|line| line.strip_prefix(word));
    let line = found.next().unwrap_or_else(|| panic!("no {word} in\n{stdout}"));
    assert_eq!(found.next(), None);
    line.trim_start()
}

#[test]
fn build_prints_a_command_that_checks_the_archive() {
    let bundle = common::build(&common::profile("external-ca"));
    let line = printed(&bundle.stdout, "check ");
    assert!(line.starts_with("openssl dgst -sha256 -verify "), "{line}");
    // It names the files as build was told to, so that it works where build ran.
    let here = Path::new(".");
    assert_eq!(succeeds(here, line), "Verified OK\n");
    let mut bytes = fs::read(&bundle.archive).unwrap();
    bytes[100] ^= 1;
    fs::write(&bundle.archive, bytes).unwrap();
    let output = shell(here, line);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b"Verification failure\n"[..]));
}

#[test]
fn the_printed_command_works_whatever_the_folder_is_called() {
    let folder = tempfile::tempdir().unwrap();
    common::write(folder.path(), "seed", common::SEED, 0o600);
    fs::copy(common::profile("external-ca"), folder.path().join("vault.toml")).unwrap();
    for out in ["two words", "it's", "$HOME", "a;b", "-n", "*", "~", "#", "a\\b", "Zoë"] {
        let out = format!("--out={out}");
        let build = ["build", "vault.toml", "--seed", "seed", "--allow-weak-seed", &out];
        let stdout = succeed(certferry().args(build).current_dir(folder.path()));
        assert_eq!(succeeds(folder.path(), printed(&stdout, "check ")), "Verified OK\n", "{out}");
    }
}

#[test]
fn build_prints_the_fingerprint_and_the_content_that_others_compute() {
    let bundle = common::build(&common::profile("external-ca"));
    let hash = |command: &str| {
        let line = format!("{command} | sha256sum");
        let folder = bundle.archive.parent().unwrap();
        format!("sha256:{}", succeeds(folder, &line).split(' ').next().unwrap())
    };
    let signer = printed(&bundle.stdout, "signer ");
    assert_eq!(hash("openssl pkey -pubin -in vault.pub -outform DER"), signer);
    assert_eq!(hash("gzip -dc vault-g1.tar.gz"), printed(&bundle.stdout, "content "));
}

/// The chapter's own names are those of the example: prod-1, cp-1.
#[test]
fn the_chapter_of_the_far_side_can_be_typed_as_it_stands() {
    let chapter = succeed(certferry().args(["help", "far-side", "--markdown"]));
    let bundle = common::build(&common::profile("ha-stacked-etcd"));
    let folder = bundle.archive.parent().unwrap();
    let (node, copied, piped) = (folder.join("node"), folder.join("copied"), folder.join("piped"));
    let fingerprint = printed(&bundle.stdout, "signer ");
    let at = |root: &Path, line: &str| {
        let line = line.replace("sha256:...", fingerprint).replace("/root/pki-cp-1", &node.display().to_string());
        let line = line.replace(" /var/", &format!(" {}/var/", root.display()));
        line.replace(" /etc/", &format!(" {}/etc/", root.display()))
            .replace(" -C / ", &format!(" -C {} ", root.display()))
    };

    let [date, hostname] = block(&chapter, "date -u")[..] else { panic!("{chapter}") };
    assert!(succeeds(folder, date).contains("UTC"));
    assert_eq!(hostname, "hostname");

    let [verify] = block(&chapter, "certferry verify ")[..] else { panic!("{chapter}") };
    let holds = "every signature, record, hash, chain and key pair holds";
    assert!(succeeds(folder, &at(folder, verify)).contains(holds));
    let [print_key, check, code] = block(&chapter, "openssl pkey ")[..] else { panic!("{chapter}") };
    let hash = succeeds(folder, print_key);
    assert_eq!(format!("sha256:{}", hash.split(' ').next().unwrap()), fingerprint);
    assert_eq!(succeeds(folder, &format!("{check}\n{code}")), "Verified OK\n0\n");

    let [apply] = block(&chapter, "certferry apply ")[..] else { panic!("{chapter}") };
    let applied = folder.join("applied");
    fs::create_dir(&applied).unwrap();
    succeeds(folder, &format!("{} --root {}", at(folder, apply), applied.display()));

    let lines = block(&chapter, "certferry unpack ");
    let [unpack, copies @ .., remove] = &lines[..] else { panic!("{lines:?}") };
    let holds = "every signature, record and hash holds, and every chain and key pair of cp-1\n";
    assert!(succeeds(folder, &at(folder, unpack)).contains(holds));
    let unpacked: Vec<_> = files(&node).into_iter().map(|path| (fs::read(node.join(&path)).unwrap(), path)).collect();
    fs::create_dir_all(copied.join("etc")).unwrap();
    succeeds(folder, &copies.iter().map(|line| at(&copied, line)).collect::<Vec<_>>().join("\n"));
    succeeds(folder, &at(&copied, remove));
    assert!(!node.exists());

    let lines = block(&chapter, "umask 022");
    fs::create_dir(&piped).unwrap();
    succeeds(folder, &lines.iter().map(|line| at(&piped, line)).collect::<Vec<_>>().join("\n"));
    assert!(lines.len() == 2 && lines[1].contains(" -C / "), "{lines:?}");
    for root in [&copied, &piped] {
        let found: Vec<_> = files(root).into_iter().map(|path| (fs::read(root.join(&path)).unwrap(), path)).collect();
        assert!(found == unpacked, "{root:?} holds {:?}", files(root));
    }
    let live = files(&applied).into_iter().filter(|path| !path.contains("/.certferry/"));
    let found: Vec<_> = live.map(|path| (fs::read(applied.join(&path)).unwrap(), path)).collect();
    assert!(found == unpacked, "{applied:?}");
}

/// The lines of the indented block that begins so: a person types one block after the other.
fn block<'a>(chapter: &'a str, beginning: &str) -> Vec<&'a str> {
    let lines =
        chapter.lines().skip_while(|line| !line.strip_prefix("    ").is_some_and(|line| line.starts_with(beginning)));
    let lines: Vec<_> = lines.map_while(|line| line.strip_prefix("    ")).collect();
    assert!(!lines.is_empty(), "no {beginning}");
    lines
}

/// On a node there is what a minimal Debian holds, kubeadm, and certferry; `kubectl` only where the text says so.
#[test]
fn the_chapters_for_a_node_name_no_program_that_is_not_there() {
    let known = [
        "certferry",
        "openssl",
        "umask",
        "tar",
        "kubeadm",
        "cd",
        "date",
        "hostname",
        "echo",
        "cp",
        "mkdir",
        "rm",
        "restorecon",
        "sh",
    ];
    for topic in ["quickstart", "far-side"] {
        let chapter = succeed(certferry().args(["help", topic, "--markdown"]));
        // Between fences there is YAML.
        let prose = chapter.split("\n```").step_by(2);
        let commands = prose.flat_map(str::lines).filter_map(|line| line.strip_prefix("    "));
        // Not the names of files, and not what a line before goes on with.
        let is_file = |line: &&str| line.starts_with("prod-1") || line.starts_with("install.sh");
        for line in commands.filter(|line| !is_file(line) && !line.starts_with(' ')) {
            let program = line.split(' ').next().unwrap();
            assert!(known.contains(&program), "{topic}: {line}");
        }
    }
}
