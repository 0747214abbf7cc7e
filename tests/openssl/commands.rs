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
        let build = ["build", "vault.toml", "--seed", "seed", &out];
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
    let chapter = succeed(certferry().args(["help", "far-side"]));
    let lines: Vec<&str> = chapter.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let others = ["kubeadm "];
    let (others, lines): (Vec<&str>, Vec<&str>) =
        lines.into_iter().partition(|line| others.iter().any(|program| line.starts_with(program)));
    assert_eq!(others.len(), 2, "these need a cluster");

    let bundle = common::build(&common::profile("ha-stacked-etcd"));
    let folder = bundle.archive.parent().unwrap();
    let (unpacked, root) = (folder.join("unpacked"), folder.join("root"));
    fs::create_dir(&root).unwrap();
    let fingerprint = printed(&bundle.stdout, "signer ");
    let replace = |line: &str| {
        let line = line.replace("sha256:<the fingerprint from paper>", fingerprint);
        let line = line.replace("sha256:...", fingerprint).replace("/root/pki-cp-1", &unpacked.display().to_string());
        line.replace(" -C / ", &format!(" -C {} ", root.display()))
    };
    let [verify, unpack, print_key, check, umask, install] = lines[..] else { panic!("{lines:?}") };
    for line in [verify, unpack] {
        let said = succeeds(folder, &replace(line));
        assert!(said.contains("every signature, record, hash, chain and key pair holds"), "{line}: {said}");
    }
    let hash = succeeds(folder, print_key);
    assert_eq!(format!("sha256:{}", hash.split(' ').next().unwrap()), fingerprint);
    assert_eq!(succeeds(folder, check), "Verified OK\n");
    assert!(install.contains(" -C / "), "{install}");
    assert_eq!(succeeds(folder, &format!("{umask}\n{}", replace(install))), "");
    assert_eq!(files(&root), files(&unpacked));
    for path in files(&root) {
        assert_eq!(fs::read(root.join(&path)).unwrap(), fs::read(unpacked.join(&path)).unwrap(), "{path}");
    }

    // "checks nodes/cp-1.json with nodes/cp-1.json.sig in the same way"
    succeeds(folder, "tar -xzf prod-1-g1.tar.gz --strip-components=1");
    let record = check.replace("prod-1-g1.tar.gz", "nodes/cp-1.json");
    assert_ne!(record, check);
    assert_eq!(succeeds(folder, &record), "Verified OK\n");
}

#[test]
fn the_manual_names_no_command_that_is_not_installed_or_explained() {
    let known = ["certferry", "openssl", "umask", "tar", "kubeadm", "$EDITOR"];
    for topic in ["quickstart", "far-side"] {
        let chapter = succeed(certferry().args(["help", topic]));
        let commands = chapter.lines().filter_map(|line| line.strip_prefix("    "));
        for line in commands.filter(|line| !line.starts_with("prod-1")) {
            let program = line.split(' ').next().unwrap();
            assert!(known.contains(&program), "{topic}: {line}");
        }
    }
}

#[test]
fn the_quick_start_runs_from_nothing_to_an_unpacked_node() {
    let folder = tempfile::tempdir().unwrap();
    let chapter = succeed(certferry().args(["help", "quickstart"]));
    let lines = chapter.lines().filter_map(|line| line.strip_prefix("    "));
    let commands: Vec<&str> = lines.filter(|line| line.starts_with("certferry ")).collect();
    let [init, build, verify, unpack, again] = commands[..] else { panic!("{commands:?}") };
    succeeds(folder.path(), init);
    let stdout = succeeds(folder.path(), build);
    let fingerprint = printed(&stdout, "signer ");
    let out = folder.path().join("out");
    succeeds(&out, &verify.replace("sha256:...", fingerprint));
    let root = folder.path().join("root");
    succeeds(&out, &unpack.replace("sha256:...", fingerprint).replace("/root/pki-cp-1", &root.display().to_string()));
    assert!(root.join("etc/kubernetes/pki/ca.crt").exists());
    succeeds(folder.path(), again);
    for name in ["prod-1-g1.tar.gz", "prod-1-g1.tar.gz.sig", "prod-1.pub"] {
        assert_eq!(fs::read(out.join(name)).unwrap(), fs::read(folder.path().join("again").join(name)).unwrap());
    }
    assert_eq!(files(&out), ["prod-1-g1.tar.gz", "prod-1-g1.tar.gz.sig", "prod-1.pub"], "as the chapter lists them");
}
