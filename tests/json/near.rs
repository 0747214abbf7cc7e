//! What is read of bundles, profiles and seeds, for programs.

use std::fs;

use serde_json::{Value, json};

use super::Documents;
use crate::common::desk::Desk;
use crate::common::node::{FIRST, applied};
use crate::common::{certferry, files, succeed, tool};

#[test]
fn a_bundle_is_verified_and_unpacked_in_json() {
    let mut documents = Documents::default();
    let on_bundle = |words: &[&str]| {
        let mut command = certferry();
        command.arg(words[0]).arg(&FIRST.archive).arg("--key").arg(&FIRST.public_key).args(&words[1..]);
        command
    };
    let verified = documents.of(&mut on_bundle(&["verify"]));
    assert_eq!((&verified["valid"], &verified["findings"]), (&json!(true), &json!([])));
    let parts = json!(["node/cp-1", "node/worker-1", "cluster"]);
    assert_eq!((&verified["bundle"]["kind"], &verified["bundle"]["parts"]), (&json!("whole"), &parts));
    // What the text says stands in the document, too.
    let text = succeed(&mut on_bundle(&["verify"]));
    for key in ["cluster", "kubernetes", "signer", "content_sha256"] {
        assert!(text.contains(verified["bundle"][key].as_str().unwrap()), "{key}");
    }

    // Nothing in it is valid yet: the document says so beside the error.
    let (code, early, error) = documents.ends(&mut on_bundle(&["verify", "--at", "2000-01-01"]));
    assert_eq!((code, &early["valid"]), (1, &json!(false)));
    let problems = early["findings"].as_array().unwrap().iter().filter(|it| it["severity"] == "problem").count();
    assert!(problems > 20, "{problems}");
    assert!(error["error"].as_str().unwrap().starts_with("every signature and hash holds, but "), "{error}");
    assert!(!error["details"].as_array().unwrap().is_empty());
    // A bundle that is refused has no document.
    let other = documents.error(certferry().arg("verify").arg(&FIRST.archive).arg("--key").arg(&FIRST.lock), 2);
    assert!(other["error"].as_str().unwrap().ends_with("is not a signer's public key: it is not PEM"), "{other}");

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let unpack = |more: &[&str]| {
        let mut command = on_bundle(&["unpack", "--node", "cp-1", "--root"]);
        command.arg(&root).args(more);
        command
    };
    let dry = documents.of(&mut unpack(&["--dry-run"]));
    assert!(!root.exists());
    let text = succeed(&mut unpack(&["--dry-run"]));
    assert!(text.ends_with(&format!(" files of cp-1 would be in {}; nothing was written\n", root.display())), "{text}");
    // The clock of the machine that unpacks may be wrong.
    let done = documents.of(&mut unpack(&["--at", "2000-01-01"]));
    assert_eq!(done["warnings"][0]["warning"], "not valid at this time");
    assert_eq!((&dry["changed"], &dry["dry_run"], &dry["files"]), (&json!(true), &json!(true), &done["files"]));
    let mut paths: Vec<_> = done["files"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    assert_eq!(paths, files(&root));
    for more in [&["--dry-run"][..], &[]] {
        let again = documents.error(&mut unpack(more), 2);
        assert_eq!(again["error"], format!("cannot unpack to {}: directory not empty", root.display()));
    }
}

#[test]
fn certificates_are_listed_and_judged_in_json() {
    let mut documents = Documents::default();
    let root = applied(&FIRST, "cp-1");
    let listed = documents.of(certferry().arg("inspect").arg(root.path()));
    assert!(listed["certificates"].as_array().unwrap().len() > 10);
    let (code, ending, error) =
        documents.ends(certferry().arg("inspect").arg(root.path()).args(["--expiring-within", "900y"]));
    assert_eq!(code, 1);
    assert!(
        !ending["certificates"].as_array().unwrap().is_empty() && error["error"].as_str().unwrap().contains(" end by ")
    );
    let mut lint = certferry();
    assert_eq!(documents.of(lint.arg("inspect").arg(root.path()).arg("--lint"))["findings"], json!([]));
    fs::remove_file(root.path().join("etc/kubernetes/pki/apiserver.key")).unwrap();
    succeed(tool("chmod").arg("644").arg(root.path().join("etc/kubernetes/pki/ca.key")));
    let (code, judged, _) = documents.ends(certferry().arg("inspect").arg(root.path()).arg("--lint"));
    assert_eq!((code, &judged["problems"]), (1, &json!(2)), "{judged}");
    let (code, doctor, error) = documents.ends(certferry().arg("doctor").arg(root.path()));
    assert_eq!(code, 1);
    assert!(doctor["problems"].as_u64().unwrap() > 0 && error["details"] == json!([]), "{doctor}");
}

#[test]
fn a_plan_and_a_seed_are_told_in_json() {
    let mut documents = Documents::default();
    let desk = Desk::new();
    assert_eq!(documents.of(&mut desk.command("plan lab.toml")).get("lock"), None);
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.profile_with(&[("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\napiserver_cert_sans = [\"vip.lab\"]\n")]);
    let plan = documents.of(&mut desk.command("plan lab.toml"));
    assert!(plan["refused"].as_str().unwrap().contains("generation 1"), "{}", plan["refused"]);
    // What a person sees drawn is a line for each problem.
    desk.write("bad.toml", "format = 1\nwrong = 2\n");
    let bad = documents.error(&mut desk.command("plan bad.toml"), 2);
    assert_eq!(bad["error"], "3 problems in bad.toml");
    assert_eq!(
        bad["details"],
        json!([
            "bad.toml: missing table [cluster]",
            "bad.toml: no control plane",
            "bad.toml:2:1: unknown key `wrong`: not a key of the profile"
        ])
    );
    assert_eq!(bad["hints"].as_array().unwrap().len(), 3);

    let id = documents.of(&mut desk.command("seed id lab.seed"));
    assert_eq!(format!("{}\n", id["id"].as_str().unwrap()), desk.succeed("seed id lab.seed"));
    let dry = documents.of(&mut desk.command("seed new new.seed --dry-run --plain"));
    assert_eq!((&dry["changed"], &dry["id"], desk.exists("new.seed")), (&json!(true), &Value::Null, false));
    let made = documents.of(&mut desk.command("seed new new.seed --plain"));
    assert_eq!(made["id"], documents.of(&mut desk.command("seed id new.seed"))["id"]);
    for line in ["seed new new.seed --dry-run --plain", "seed new new.seed --plain"] {
        let again = documents.error(&mut desk.command(line), 2);
        assert_eq!(again["error"], "cannot create new.seed: file exists");
    }
    let reseal = "seed reseal new.seed --out copy.seed --plain";
    let [dry, copy] = [" --dry-run", ""].map(|more| documents.of(&mut desk.command(&format!("{reseal}{more}"))));
    assert_eq!([&dry["id"], &copy["id"]], [&Value::Null, &made["id"]]);
    assert_eq!(
        [&copy["from"], &copy["file"], &copy["sealed"]],
        [&json!("new.seed"), &json!("copy.seed"), &Value::Null]
    );
    let checked = documents.of(&mut desk.command("seed check copy.seed"));
    assert_eq!([&checked["id"], &checked["has_id"], &checked["lock"]], [&made["id"], &json!(true), &Value::Null]);
    let checked = documents.of(&mut desk.command("seed check lab.seed --lock lab.lock.toml"));
    assert_eq!([&checked["has_id"], &checked["lock"]], [&json!(false), &json!("lab.lock.toml")]);
    assert_eq!(checked["warnings"].as_array().unwrap().len(), 1);
    let other = documents.error(&mut desk.command("seed check copy.seed --lock lab.lock.toml"), 1);
    assert_eq!(other["error"], "copy.seed is another seed than that of lab.lock.toml");
    fs::set_permissions(desk.path("new.seed"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let warned = documents.of(&mut desk.command("seed id new.seed"));
    assert_eq!(
        warned["warnings"],
        json!([{ "warning": "new.seed can be read by others", "details": [], "hints": ["chmod 600 new.seed"] }])
    );
}

#[test]
fn an_identity_and_what_is_sealed_to_it_are_told_in_json() {
    let (mut documents, desk) = (Documents::default(), Desk::new());
    for (kind, prefix) in [("", "age1pq1"), (" --x25519", "age1")] {
        let file = format!("me{prefix}.key");
        let line = format!("identity new {file}{kind}");
        let dry = documents.of(&mut desk.command(&format!("{line} --dry-run")));
        assert_eq!([&dry["dry_run"], &dry["recipient"], &dry["words"]], [&json!(true), &Value::Null, &Value::Null]);
        assert!(!desk.exists(&file));
        let made = documents.of(&mut desk.command(&line));
        let recipient = made["recipient"].as_str().unwrap();
        assert!(recipient.starts_with(prefix), "{made}");
        let secret = desk.text(&file);
        assert!(!made.to_string().contains(secret.lines().nth(1).unwrap()), "the secret half is in the file alone");
        let printed = tool("sh").args(["-c", "printf %s \"$1\" | sha256sum", "sh", recipient]).output().unwrap();
        let digits = String::from_utf8(printed.stdout).unwrap()[..64].to_owned();
        assert_eq!(made["fingerprint"], format!("sha256:{digits}"));
        assert_eq!(made["groups"].as_str().unwrap().replace(' ', ""), digits);
        assert_eq!(made["words"].as_str().unwrap().split(' ').count(), 24);
        documents.error(&mut desk.command(&line), 2);
        documents.error(&mut desk.command(&format!("{line} --dry-run")), 2);
        let copy = format!("{prefix}.seed");
        let sealed =
            documents.of(&mut desk.command(&format!("seed reseal lab.seed --out {copy} --recipient {recipient}")));
        let checked = documents.of(&mut desk.command(&format!("seed check {copy} --identity {file}")));
        assert_eq!([&sealed["sealed"], &checked["sealed"]], [&json!("recipients"); 2]);
    }
    // Whatever is there stays there, and a dry run says so, too.
    desk.write("empty", "");
    for more in ["", " --dry-run"] {
        let hint = "hint: an identity is never overwritten\n";
        let text = format!("error: cannot create empty: file exists\n{hint}");
        desk.refuse(&format!("identity new empty{more}"), 2, &text);
    }
}
