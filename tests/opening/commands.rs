//! Every command that takes a bundle takes a sealed one, and a sealed slice, with an identity: with the same result.

use std::fs;

use super::{SAMPLE, piped};
use crate::common::node::{FIRST, applied, disk, live};
use crate::common::{certferry, end, succeed};

/// What `verify` says of the plain bundle.
fn plain() -> String {
    succeed(certferry().arg("verify").arg(&FIRST.archive).arg("--key").arg(&FIRST.public_key))
}

#[test]
fn verify_says_what_it_checked_and_what_not() {
    let plain = plain();
    let signer = &plain[plain.find("signer").unwrap()..plain.find("content").unwrap()];
    let head = "lab, generation 1, Kubernetes 1.34.1: ";
    let line = "verify lab-g1.sealed.tar --key lab.pub";
    assert_eq!(
        SAMPLE.succeed(line),
        format!(
            "{head}a sealed bundle, 2 nodes and the cluster's part\n\
             the signature of the index holds, and for each of its parts there is a sealed file\n{signer}\
             sealed   node/cp-1      to 2 age1...\n         node/worker-1  to 2 age1...\n         cluster        to 2 age1...\n\
             not checked: what is sealed; --identity FILE opens what is sealed to it\n"
        )
    );
    assert_eq!(
        SAMPLE.succeed(&format!("{line} --identity cp-1.key")),
        format!(
            "{head}of a sealed bundle, 1 node\nevery signature, record, hash, chain and key pair holds\n{signer}\
             sealed   node/cp-1      to 2 age1..., opened\n         node/worker-1  to 2 age1...\n         \
             cluster        to 2 age1...\n"
        )
    );
    // Whoever opens all has the plain bundle before him, with the same content.
    for identities in ["escrow", "cp-1.key --identity worker-1.key --identity nobody.key --identity cluster"] {
        assert_eq!(
            SAMPLE.succeed(&format!("{line} --identity {identities}.key")),
            format!(
                "{plain}sealed   node/cp-1      to 2 age1..., opened\n         node/worker-1  to 2 age1..., opened\n         \
                 cluster        to 2 age1..., opened\n"
            )
        );
    }
    assert_eq!(SAMPLE.succeed(&format!("{line} --quiet")), "");
    assert_eq!(SAMPLE.succeed(&format!("{line} --quiet --identity cp-1.key")), "");
    // A pipe has no signature beside it, so that nobody knows of what stays sealed.
    let sealed = fs::read(SAMPLE.path("lab-g1.sealed.tar")).unwrap();
    let unsigned =
        "not checked: whether what stays sealed is the signer's, because there is no signature of the whole file\n";
    for (identity, is_known) in [("", false), (" --identity cp-1.key", false), (" --identity escrow.key", true)] {
        let (code, stdout, stderr) = piped(&sealed, &mut SAMPLE.command(&format!("verify - --key lab.pub{identity}")));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert_eq!(!String::from_utf8(stdout).unwrap().contains(unsigned), is_known, "{identity}");
        // Where nobody reads that line it is a warning.
        let line = format!("verify - --key lab.pub{identity}");
        let (code, stdout, stderr) = piped(&sealed, &mut SAMPLE.command(&format!("{line} --quiet")));
        let warning = if is_known { String::new() } else { format!("warning: {unsigned}") };
        assert_eq!((code, stdout, stderr), (Some(0), Vec::new(), warning));
        let (code, stdout, stderr) = piped(&sealed, &mut SAMPLE.command(&format!("{line} --output json")));
        let document: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
        let warnings = match is_known {
            true => serde_json::json!([]),
            false => serde_json::json!([{ "warning": unsigned.trim_end(), "details": [], "hints": [] }]),
        };
        assert_eq!((code, stderr.as_str(), &document["warnings"]), (Some(0), "", &warnings), "{identity}");
    }
}

#[test]
fn verify_tells_programs_of_each_envelope() {
    let mut documents = crate::json::Documents::default();
    let line = "verify lab-g1.sealed.tar --key lab.pub";
    let document = documents.of(&mut SAMPLE.command(line));
    assert_eq!(document["bundle"]["kind"], "opened");
    assert_eq!(document["bundle"]["parts"], serde_json::json!([]));
    assert_eq!(document["sealed"]["signed"], true);
    let envelope = |part: &str, opened: bool| serde_json::json!({"part": part, "opened": opened, "hybrid": 0, "x25519": 2, "others": 0});
    let parts = ["node/cp-1", "node/worker-1", "cluster"];
    assert_eq!(document["sealed"]["parts"], serde_json::json!(parts.map(|part| envelope(part, false))));
    let document = documents.of(&mut SAMPLE.command(&format!("{line} --identity cp-1.key")));
    assert_eq!((&document["bundle"]["kind"], &document["valid"]), (&"opened".into(), &true.into()));
    assert_eq!(document["bundle"]["parts"], serde_json::json!(["node/cp-1"]));
    assert_eq!(document["bundle"]["content_sha256"], serde_json::Value::Null);
    let expected = parts.map(|part| envelope(part, part == "node/cp-1"));
    assert_eq!(document["sealed"]["parts"], serde_json::json!(expected));
    let document = documents.of(&mut SAMPLE.command(&format!("{line} --identity escrow.key")));
    assert_eq!(document["bundle"]["kind"], "whole");
    let mut plain = certferry();
    let plain = documents.of(plain.arg("verify").arg(&FIRST.archive).arg("--key").arg(&FIRST.public_key));
    assert_eq!((&plain["bundle"], &plain["sealed"]), (&document["bundle"], &serde_json::Value::Null));
}

#[test]
fn a_node_gets_the_same_files_from_what_is_sealed() {
    let expected = live(applied(&FIRST, "cp-1").path());
    let split = tempfile::tempdir().unwrap();
    let slice = split.path().join("lab-g1.tar.gz.age");
    succeed(SAMPLE.command("split lab-g1.sealed.tar --node cp-1").arg("--out").arg(&slice));
    let sealed = SAMPLE.path("lab-g1.sealed.tar");
    for (bundle, from) in [(sealed.as_path(), None), (slice.as_path(), None), (std::path::Path::new("-"), Some(&slice))]
    {
        let (root, folder) = (disk(), tempfile::tempdir().unwrap());
        let input = from.map(|from| fs::read(from).unwrap()).unwrap_or_default();
        let mut apply = SAMPLE.command("apply --identity cp-1.key --key lab.pub --node cp-1");
        let (code, _, stderr) = piped(&input, apply.arg("--root").arg(root.path()).arg(bundle));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(live(root.path()) == expected, "{}", bundle.display());
        let mut unpack = SAMPLE.command("unpack --identity cp-1.key --key lab.pub --node cp-1 -q");
        let (code, _, stderr) = piped(&input, unpack.arg("--root").arg(folder.path().join("root")).arg(bundle));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        let mut diff = crate::common::tool("diff");
        diff.arg("-r").arg(folder.path().join("root/etc/kubernetes/pki")).arg(root.path().join("etc/kubernetes/pki"));
        succeed(&mut diff);
        // It is the bundle that is installed: nothing differs, whichever side is sealed.
        let mut diff = SAMPLE.command("diff --identity cp-1.key --key lab.pub --node cp-1");
        let (code, stdout, stderr) = piped(&input, diff.arg(bundle).arg(root.path()));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(String::from_utf8(stdout).unwrap().ends_with(": nothing differs\n"));
        let user_data = |bundle: &std::path::Path, identity: &[&str], input: &[u8]| {
            let mut command = SAMPLE.command("user-data --key lab.pub --node cp-1 -o ignition --out -");
            piped(input, command.args(identity).arg(bundle))
        };
        let identity = ["--identity", "cp-1.key"];
        assert!(user_data(bundle, &identity, &input) == user_data(&FIRST.archive, &[], b""));
    }
}

#[test]
fn inspect_and_diff_take_what_opens_and_say_what_does_not() {
    let inspect = |line: &str| end(SAMPLE.command(&format!("inspect --key lab.pub --at 2030-01-01 {line}")).arg("-v"));
    let all = inspect("lab-g1.sealed.tar --identity escrow.key");
    let plain = inspect(&FIRST.archive.display().to_string());
    assert_eq!((all.code, all.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        all.stdout.replace("lab-g1.sealed.tar", ""),
        plain.stdout.replace(&FIRST.archive.display().to_string(), "")
    );
    let own = inspect("lab-g1.sealed.tar --identity cp-1.key");
    let told = "warning: 2 of 3 parts of lab-g1.sealed.tar stay sealed, and nothing is known of what is in there\n\
                node/worker-1\ncluster\n";
    assert_eq!((own.code, own.stderr.as_str()), (Some(0), told));
    assert!(own.stdout.len() < all.stdout.len() && own.stdout.contains("apiserver"));
    let lint = inspect("lab-g1.sealed.tar --identity escrow.key --lint");
    assert_eq!(lint.code, Some(2), "-v is not for --lint: {}", lint.stderr);
    let lint = end(
        &mut SAMPLE.command("inspect --key lab.pub --at 2030-01-01 lab-g1.sealed.tar --identity escrow.key --lint")
    );
    assert_eq!((lint.code, lint.stdout.as_str()), (Some(0), "no rule is broken\n"));

    // What stays sealed on one side is not told to have gone.
    let diff = |before: &str, after: &str, identity: &str| {
        end(&mut SAMPLE.command(&format!("diff {before} {after} --key lab.pub --identity {identity}.key")))
    };
    let first = FIRST.archive.display().to_string();
    let same = diff("lab-g1.sealed.tar", &first, "cp-1");
    assert_eq!((same.code, same.stderr.as_str()), (Some(0), told));
    assert_eq!(same.stdout, format!("from lab-g1.sealed.tar to {first}: nothing differs\n"));
    let sealed = diff("lab-g1.sealed.tar", "lab-g2.sealed.tar", "escrow");
    let plain = diff(&first, &crate::common::node::SECOND.archive.display().to_string(), "escrow");
    let behind = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!((sealed.code, behind(&sealed.stdout)), (Some(1), behind(&plain.stdout)));
}
