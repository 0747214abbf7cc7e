//! `-`, and pipes: what is read from the standard input, and what is written to the standard output.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::desk::Desk;
use crate::common::node::{FIRST, applied, disk, live};
use crate::common::{Ended, certferry, end, program, succeed, tool};

/// Runs a command with a file in a pipe as its standard input.
fn piped(file: &Path, command: &mut Command) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut pipe, content) = (child.stdin.take().unwrap(), fs::read(file).unwrap());
    // Whoever refuses early closes the pipe.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&content)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A command for a bundle in the place of `-`.
fn on(bundle: &str, words: &[&str]) -> Command {
    let mut command = certferry();
    command.arg(words[0]).arg(bundle).arg("--key").arg(&FIRST.public_key).args(&words[1..]);
    command
}

#[test]
fn a_bundle_comes_from_the_standard_input_or_a_pipe() {
    let archive = FIRST.archive.display().to_string();
    for words in [&["verify"][..], &["inspect", "--at", "2030-01-01", "-o", "json"], &["inspect", "--lint"]] {
        let expected = end(&mut on(&archive, words));
        assert_eq!(expected.code, Some(0), "{words:?} {}", expected.stderr);
        let found = piped(&FIRST.archive, &mut on("-", words));
        assert_eq!(found, expected, "{words:?}");
        // As the shell names the end of a pipe.
        let script = r#"program=$1 command=$2 key=$3 bundle=$4; shift 4; exec "$program" "$command" <(cat "$bundle") --key "$key" "$@""#;
        let mut bash = tool("bash");
        bash.args(["-c", script, "bash"]).arg(program()).arg(words[0]).arg(&FIRST.public_key).arg(&archive);
        let mut found = end(bash.args(&words[1..]));
        let name = found.stdout.split('"').find(|word| word.starts_with("/dev/fd/")).map(str::to_owned);
        if let Some(name) = name {
            found.stdout = found.stdout.replace(&name, &archive);
        }
        assert_eq!(found, expected, "{words:?}");
    }

    let (root, folder) = (disk(), tempfile::tempdir().unwrap());
    let to = root.path().display().to_string();
    let done = piped(&FIRST.archive, &mut on("-", &["apply", "--node", "cp-1", "--root", &to]));
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert_eq!(live(root.path()), live(applied(&FIRST, "cp-1").path()));
    let to = folder.path().join("root").display().to_string();
    let done = piped(&FIRST.archive, &mut on("-", &["unpack", "--node", "cp-1", "--root", &to]));
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let mut diff = tool("diff");
    diff.arg("-r").arg(folder.path().join("root/etc/kubernetes/pki")).arg(root.path().join("etc/kubernetes/pki"));
    succeed(&mut diff);
}

#[test]
fn what_cannot_come_from_the_standard_input_is_told() {
    let cut = tempfile::NamedTempFile::new().unwrap();
    let bytes = fs::read(&FIRST.archive).unwrap();
    fs::write(cut.path(), &bytes[..bytes.len() / 2]).unwrap();
    let half = piped(cut.path(), &mut on("-", &["verify"]));
    assert_eq!(half.code, Some(1));
    assert!(half.stderr.starts_with("error: the standard input is refused: "), "{}", half.stderr);

    let mut both = certferry();
    both.args(["verify", "-", "--key", "-"]);
    let both = piped(&FIRST.public_key, &mut both);
    let text = "error: cannot read the public key from the standard input: it is read already: only one argument can be \
        `-`\nhint: --key takes the file CLUSTER.pub, or the fingerprint `sha256:...` when that file lies beside the bundle\n";
    assert_eq!((both.code, both.stderr.as_str()), (Some(2), text));

    let mut fingerprint = certferry();
    fingerprint.args(["verify", "-", "--key", &format!("sha256:{}", "0".repeat(64))]);
    let fingerprint = piped(&FIRST.archive, &mut fingerprint);
    let text = "error: --key is a fingerprint, and nothing lies beside the standard input\n\
        hint: give the public key's file to --key\n";
    assert_eq!((fingerprint.code, fingerprint.stderr.as_str()), (Some(2), text));
}

#[test]
fn a_profile_goes_out_and_comes_in() {
    let desk = Desk::new();
    let starter = desk.succeed("init -");
    assert!(starter.contains("[cluster]") && !desk.exists("-"), "{starter}");
    assert_eq!(starter, desk.succeed("init"));
    let profile = desk.path("lab.toml");
    let planned = piped(&profile, &mut desk.command("plan - --lock lab.lock.toml -o json"));
    assert_eq!((planned.code, planned.stderr.as_str()), (Some(0), ""));
    assert_eq!(planned.stdout, desk.succeed("plan lab.toml -o json"));
    let nowhere = "error: the profile is `-`, and nothing lies beside it\n\
        hint: name the lock with --lock FILE; the first build writes it\n";
    for line in ["plan -", "build - --seed lab.seed --out out"] {
        let refused = piped(&profile, &mut desk.command(line));
        assert_eq!((refused.code, refused.stderr.as_str()), (Some(2), nowhere), "{line}");
    }
    let built = piped(&profile, &mut desk.command("build - --seed lab.seed --out out --lock lab.lock.toml --quiet"));
    assert_eq!((built.code, built.stderr.as_str()), (Some(0), ""));
    desk.succeed("build lab.toml --seed lab.seed --out out2 --locked");
    assert_eq!(desk.read("out/lab-g1.tar.gz"), desk.read("out2/lab-g1.tar.gz"));

    let two = piped(&profile, &mut desk.command("build - --seed - --out out --lock lab.lock.toml"));
    let text =
        "error: cannot read the seed from the standard input: it is read already: only one argument can be `-`\n";
    assert_eq!((two.code, two.stderr.as_str()), (Some(2), text));
    desk.write("bad.toml", "wrong = 1\n");
    let bad = piped(&desk.path("bad.toml"), &mut desk.command("plan - --lock none"));
    assert!(bad.stderr.contains("--> the standard input\n"), "{}", bad.stderr);
}
