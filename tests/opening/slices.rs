//! `open`: the slice comes out byte for byte, whoever sealed it.

use std::fs;
use std::process::Command;

use certferry::seal::Kind;

use super::{SAMPLE, mode, piped};
use crate::common::{certferry, succeed, tool};
use crate::json::Documents;
use crate::seal::{node, npm, pipe};

fn open(line: &str, out: &std::path::Path) -> String {
    let mut command = SAMPLE.command(line);
    succeed(command.arg("--out").arg(out))
}

#[test]
fn each_opens_its_own_slice_as_split_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    for (identity, part) in [("cp-1", "cp-1"), ("worker-1", "worker-1"), ("cluster", "cluster")] {
        let out = folder.path().join(identity);
        let name = if part == "cluster" { part.to_owned() } else { format!("node/{part}") };
        let said = open(&format!("open lab-g1.sealed.tar --identity {identity}.key"), &out);
        let expected = format!(
            "{}  {name}, not verified: whoever receives it does, with `certferry verify` and the signer's key\n",
            out.display()
        );
        assert_eq!(said, expected);
        assert!(fs::read(&out).unwrap() == fs::read(SAMPLE.slice(part)).unwrap(), "{part}");
        assert_eq!(mode(&out), 0o600);
        // Who opens all of them names one, and whoever names it gets the same.
        for (line, number) in [("escrow", 0), (identity, 1)] {
            let out = folder.path().join(format!("{identity}-{number}"));
            open(&format!("open lab-g1.sealed.tar --identity {line}.key --part {part}"), &out);
            assert!(fs::read(&out).unwrap() == fs::read(SAMPLE.slice(part)).unwrap(), "{part}");
        }
        let mut printed = SAMPLE.command(&format!("open lab-g1.sealed.tar --identity {identity}.key"));
        let (code, stdout, stderr) = piped(b"", &mut printed);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout == fs::read(SAMPLE.slice(part)).unwrap(), "{part}");
    }
    // From a pipe, by one of several identities.
    let sealed = fs::read(SAMPLE.path("lab-g1.sealed.tar")).unwrap();
    let mut command = SAMPLE.command("open - --identity nobody.key --identity cp-1.key");
    let (code, stdout, stderr) = piped(&sealed, &mut command);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout == fs::read(SAMPLE.slice("cp-1")).unwrap());
}

/// `tar -xO` and age beside certferry.
#[test]
fn one_envelope_opens_by_itself_whoever_sealed_it() {
    let entry = "lab-g1/nodes/cp-1.tar.gz.age";
    let own = pipe(tool("tar").arg("-xOf").arg(SAMPLE.path("lab-g1.sealed.tar")).arg(entry), b"");
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    let public = pipe(tool("age-keygen").arg("-y").arg(SAMPLE.path("cp-1.key")), b"");
    let recipient = String::from_utf8(public).unwrap();
    let debian = |options: &[&str]| pipe(tool("age").args(options).args(["-r", recipient.trim_end()]), &slice);
    for sealed in [own, debian(&[]), debian(&["--armor"])] {
        let (code, stdout, stderr) = piped(&sealed, &mut SAMPLE.command("open - --identity cp-1.key"));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout == slice);
        // A part that is named must be that part.
        let (code, _, stderr) = piped(&sealed, &mut SAMPLE.command("open - --identity cp-1.key --part worker-1"));
        let expected = "error: the standard input is the slice of node/cp-1, not of node/worker-1\n";
        assert_eq!((code, stderr.as_str()), (Some(2), expected));
        // It is a bundle to every command that takes one.
        let (code, stdout, stderr) = piped(&sealed, &mut SAMPLE.command("verify - --key lab.pub --identity cp-1.key"));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.starts_with(b"lab, generation 1, Kubernetes 1.34.1: a slice, 1 node\n"));
    }
}

#[test]
fn the_hybrid_of_age_encryption_opens() {
    let Some(packages) = npm() else { return };
    let folder = tempfile::tempdir().unwrap();
    let identity = certferry::seal::Identity::random(Kind::Hybrid).unwrap();
    let file = crate::common::write(folder.path(), "cp-1.key", &identity.to_text(), 0o600);
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    let recipient = identity.recipient().to_string();
    for form in ["binary", "armored"] {
        let sealed = pipe(node("age.mjs", &packages).args(["seal", "recipient", &recipient, form]), &slice);
        let (code, stdout, stderr) = piped(&sealed, certferry().args(["open", "-", "--identity"]).arg(&file));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout == slice);
    }
}

#[test]
fn nothing_is_written_over_and_a_look_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("cp-1.tar.gz");
    let line = "open lab-g1.sealed.tar --identity cp-1.key";
    let with_out = |line: &str| {
        let mut command = SAMPLE.command(line);
        command.arg("--out").arg(&out);
        crate::common::end(&mut command)
    };
    let dry = with_out(&format!("{line} --dry-run"));
    assert_eq!(dry.stdout, format!("{}  node/cp-1, would be written; nothing was\n", out.display()));
    assert!(!out.exists());
    assert_eq!(SAMPLE.succeed(&format!("{line} --dry-run")), "-  node/cp-1, would be printed\n");
    fs::write(&out, "mine").unwrap();
    let refused = with_out(line);
    let text = format!(
        "error: cannot write {}: file exists\nhint: name a file that does not exist; nothing was written\n",
        out.display()
    );
    assert_eq!((refused.code, refused.stderr), (Some(2), text));
    assert_eq!(fs::read(&out).unwrap(), b"mine");

    let mut documents = Documents::default();
    let file = folder.path().join("slice");
    let document = documents.of(SAMPLE.command(line).arg("--out").arg(&file));
    assert_eq!(
        (&document["part"], &document["changed"], &document["generation"]),
        (&"node/cp-1".into(), &true.into(), &1.into())
    );
    let again = documents.of(SAMPLE.command(line).arg("--out").arg(&file));
    assert_eq!(again["changed"], false);
    documents.error(&mut SAMPLE.command(line), 2);
}

#[test]
fn a_terminal_gets_no_keys() {
    let line = format!("{} open lab-g1.sealed.tar --identity cp-1.key", crate::common::program().display());
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(SAMPLE.path(""));
    let told = script.output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap().replace('\r', "");
    assert_eq!(told.status.code(), Some(2), "{text}");
    assert!(text.contains("a slice holds private keys, and is not printed on a terminal\n"), "{text}");
    assert!(text.lines().count() < 5, "{text}");
}

/// `split` cuts a sealed bundle without opening anything, and each envelope opens as before.
#[test]
fn split_cuts_envelopes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("slices");
    let said = open("split lab-g1.sealed.tar --all", &out);
    assert_eq!(
        said,
        format!(
            "{}  3 sealed slices, neither opened nor verified: whoever receives it does, with `certferry verify`, the signer's \
             key and --identity\n",
            out.display()
        )
    );
    let names = ["cluster/lab-g1.tar.gz.age", "nodes/cp-1/lab-g1.tar.gz.age", "nodes/worker-1/lab-g1.tar.gz.age"];
    assert_eq!(crate::common::files(&out), names);
    for (name, part) in names.iter().zip(["cluster", "cp-1", "worker-1"]) {
        let file = out.join(name);
        assert_eq!(mode(&file), 0o644);
        let entry =
            if part == "cluster" { "cluster.tar.gz.age".to_owned() } else { format!("nodes/{part}.tar.gz.age") };
        let mut tar = tool("tar");
        let bytes = pipe(tar.arg("-xOf").arg(SAMPLE.path("lab-g1.sealed.tar")).arg(format!("lab-g1/{entry}")), b"");
        assert!(fs::read(&file).unwrap() == bytes, "{part}");
        let opened = SAMPLE.command(&format!("open --identity {part}.key")).arg(&file).output().unwrap();
        assert!(opened.stdout == fs::read(SAMPLE.slice(part)).unwrap(), "{part}");
        // The key beside is found by the slice's name, as that of a plain one.
        fs::copy(SAMPLE.path("lab.pub"), file.with_file_name("lab.pub")).unwrap();
        let printed = succeed(certferry().arg("fingerprint").arg(&file));
        assert!(printed.starts_with(&format!("{}\n", file.with_file_name("lab.pub").display())), "{printed}");
    }
    // One: into a file, or through a pipe.
    let one = folder.path().join("one.age");
    open("split lab-g1.sealed.tar --node cp-1", &one);
    assert!(fs::read(&one).unwrap() == fs::read(out.join(names[1])).unwrap());
    let printed = SAMPLE.command("split lab-g1.sealed.tar --node cp-1 --out -").output().unwrap();
    assert!(printed.stdout == fs::read(&one).unwrap());
    let mut documents = Documents::default();
    let document = documents.of(&mut SAMPLE.command("split lab-g1.sealed.tar --all --dry-run --out never"));
    assert_eq!(document["slices"].as_array().unwrap().len(), 3);
    let missing = SAMPLE.run("split lab-g1.sealed.tar --node pc-1 --out never");
    let text = "error: there is no part node/pc-1 in lab-g1.sealed.tar\nhint: did you mean `cp-1`?\n\
                hint: `certferry verify` tells how many nodes a bundle has, `tar -tzf` which\n";
    assert_eq!((missing.code, missing.stderr.as_str()), (Some(2), text));
    let cut = SAMPLE.command("split --node cp-1 --out never").arg(&one).output().unwrap();
    let text = format!(
        "error: {} is sealed as one, and cannot be cut\n\
         hint: a sealed slice is carried as it is; `certferry open` takes out what is in it\n",
        one.display()
    );
    assert_eq!((cut.status.code(), String::from_utf8(cut.stderr).unwrap()), (Some(2), text));
}
