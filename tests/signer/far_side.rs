//! On the far side: every reader takes an assembled bundle, and its checksum where it is signed.

use std::fs;

use super::{ASSEMBLE, REQUEST, desk, fingerprint, key, shell, sign_by_hand};
use crate::common::desk::Desk;
use crate::common::node::disk;
use crate::common::rights::{Right, lacks};
use crate::common::{end, succeed};
use crate::install_sh::node::TOOLS;
use crate::json::Documents;

const CHECKSUM: &str = "sign out/lab-g1.tar.gz.sha256 --signer signer.key";
const CARRY: &str = "hint: the file was changed or cut on its way, or another key signed it; carry it again\n";

/// A desk with a bundle in `out` that openssl has signed.
fn assembled() -> Desk {
    let desk = desk();
    desk.succeed(REQUEST);
    sign_by_hand(&desk, "signer");
    desk.succeed(ASSEMBLE);
    desk
}

fn install(desk: &Desk, root: &std::path::Path) -> std::process::Command {
    let mut command = TOOLS.run(std::path::Path::new("install.sh"));
    command.current_dir(desk.path("out"));
    command.args(["lab-g1.tar.gz", "--node", "cp-1", "--key", "lab.pub", "--force-node", "--root"]).arg(root);
    command
}

#[test]
fn a_node_takes_it_with_certferry_and_without() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let desk = assembled();
    let signer = fingerprint(&desk, "signer");
    let [with, without] = [disk(), disk()];
    let said =
        desk.succeed(&format!("apply out/lab-g1.tar.gz --key {signer} --node cp-1 --root {}", with.path().display()));
    assert!(said.contains("generation 1"), "{said}");
    let said = succeed(&mut install(&desk, without.path()));
    assert!(said.contains(&signer), "{said}");
    for root in [&with, &without] {
        let status = desk.succeed(&format!("status --root {}", root.path().display()));
        assert!(status.contains("lab"), "{status}");
        let kept = fs::read(root.path().join("etc/kubernetes/.certferry/installed/signer.pub")).unwrap();
        assert!(kept == desk.read("signer.pub"));
    }
    let said = desk.succeed("inspect out/lab-g1.tar.gz --key signer.pub --at 2030-01-01");
    assert!(said.contains("apiserver"), "{said}");
}

#[test]
fn the_signed_checksum_is_the_signature_of_the_file() {
    let desk = assembled();
    let said = desk.succeed(CHECKSUM);
    assert!(
        said.starts_with("the checksum of lab-g1.tar.gz\n\n  out/lab-g1.tar.gz.sha256.sig  a signature; nothing"),
        "{said}"
    );
    shell(
        &desk,
        "cd out && openssl dgst -sha256 -verify lab.pub -signature lab-g1.tar.gz.sha256.sig lab-g1.tar.gz.sha256
         sha256sum -c lab-g1.tar.gz.sha256",
    );
    let verify = "verify out/lab-g1.tar.gz --key signer.pub";
    desk.succeed(verify);
    let script = |code: i32, error: &str| {
        if lacks(&[Right::Owners]) {
            return;
        }
        let root = disk();
        let ended = end(install(&desk, root.path()).arg("--dry-run"));
        assert_eq!(ended.stderr, error.replace("out/", ""));
        assert_eq!(ended.code, Some(code), "{}", ended.stdout);
    };
    script(0, "");
    let both = |error: &str| {
        desk.refuse(verify, 1, error);
        script(1, error);
    };
    let (sum, signature) = (desk.read("out/lab-g1.tar.gz.sha256"), desk.read("out/lab-g1.tar.gz.sha256.sig"));
    let signature_fails = format!("error: out/lab-g1.tar.gz.sha256.sig does not hold for out/lab-g1.tar.gz\n{CARRY}");
    // Another line, with the signature of this one.
    desk.write("out/lab-g1.tar.gz.sha256", String::from_utf8_lossy(&sum).replace("lab-g1", "lab-g2"));
    both(&signature_fails);
    // Another key's.
    desk.write("out/lab-g1.tar.gz.sha256", &sum);
    key(&desk, "other");
    shell(&desk, "openssl dgst -sha256 -sign other.key -out out/lab-g1.tar.gz.sha256.sig out/lab-g1.tar.gz.sha256");
    both(&signature_fails);
    // A rightly signed line of another file, and something else that the signer has signed.
    let line_fails = format!("error: out/lab-g1.tar.gz.sha256 does not hold for out/lab-g1.tar.gz\n{CARRY}");
    desk.write("out/lab-g1.tar.gz.sha256", format!("{}  lab-g1.tar.gz\n", "0".repeat(64)));
    shell(&desk, "openssl dgst -sha256 -sign signer.key -out out/lab-g1.tar.gz.sha256.sig out/lab-g1.tar.gz.sha256");
    both(&line_fails);
    shell(
        &desk,
        "cp lab-g1/manifest.json out/lab-g1.tar.gz.sha256 && cp lab-g1/manifest.json.sig out/lab-g1.tar.gz.sha256.sig",
    );
    both(&line_fails);
    desk.write("out/lab-g1.tar.gz.sha256", &sum);
    desk.write("out/lab-g1.tar.gz.sha256.sig", &signature);
    script(0, "");
    fs::remove_file(desk.path("out/lab-g1.tar.gz.sha256")).unwrap();
    desk.refuse(verify, 2, "error: cannot read out/lab-g1.tar.gz.sha256: no such file or directory\n");
    script(2, "error: cannot read lab-g1.tar.gz.sha256\n");
}

/// A record, a request or the script is no checksum, and no checksum is taken for one of them.
#[test]
fn nothing_is_signed_as_something_else() {
    let desk = assembled();
    for name in ["manifest.json", "cluster.json", "install.sh"] {
        let ended = desk.run(&format!("sign lab-g1/{name} --signer signer.key"));
        assert_eq!(ended.code, Some(1), "{name}");
        assert!(ended.stderr.contains("is no tar archive, or is cut off\n"), "{}", ended.stderr);
    }
    desk.write("digest", [7; 32]);
    let ended = desk.run("sign digest --signer signer.key");
    assert!(ended.stderr.starts_with("error: digest is no tar archive, or is cut off\n"), "{}", ended.stderr);
}

#[test]
fn it_is_told_in_json() {
    let (mut documents, desk) = (Documents::default(), desk());
    let before = desk.state();
    let dry = documents.of(&mut desk.command(&format!("{REQUEST} --dry-run")));
    assert_eq!((&dry["files"][0]["what"], &dry["changed"]), (&"request".into(), &true.into()));
    assert!(desk.state() == before);
    let asked = documents.of(&mut desk.command(REQUEST));
    assert_eq!(
        asked["files"],
        serde_json::json!([{ "what": "request", "path": "lab-g1.request.tar", "change": "new" }])
    );
    assert_eq!((&asked["signer"], &asked["check"]), (&fingerprint(&desk, "signer").into(), &().into()));
    let sign = "sign lab-g1.request.tar --signer signer.key";
    let dry = documents.of(&mut desk.command(&format!("{sign} --dry-run")));
    assert!(!desk.exists("lab-g1.signatures.tar"));
    let signed = documents.of(&mut desk.command(sign));
    assert_eq!((&dry["bundle"], &dry["dry_run"], &dry["changed"]), (&signed["bundle"], &true.into(), &true.into()));
    assert_eq!((&signed["bundle"]["signatures"], &signed["checksum"]), (&4.into(), &().into()));
    let again = documents.of(&mut desk.command(sign));
    assert_eq!(again["changed"], false);
    let made = documents.of(&mut desk.command(ASSEMBLE));
    let files: Vec<_> = made["files"].as_array().unwrap().iter().map(|file| file["what"].as_str().unwrap()).collect();
    assert_eq!(files, ["bundle", "public-key", "install-script", "install-script-signature", "lock", "checksum"]);
    assert_eq!(made["check"], serde_json::Value::Null);
    let checksum = documents.of(&mut desk.command(CHECKSUM));
    assert_eq!((&checksum["checksum"]["name"], &checksum["bundle"]), (&"lab-g1.tar.gz".into(), &().into()));
    let locked = documents.of(&mut desk.command("build lab.toml --seed lab.seed --locked"));
    assert_eq!((&locked["files"], &locked["changed"]), (&serde_json::json!([]), &false.into()));
    key(&desk, "other");
    documents.error(&mut desk.command("sign lab-g1.request.tar --signer other.key --out x"), 1);
}
