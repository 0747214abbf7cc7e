//! The chapter `signer`, line by line, in one shell, as a person types it.

use crate::common::desk::Desk;
use crate::common::{place_program, program, run, tool};
use crate::printed_lines::code;

#[test]
fn every_line_works_as_printed() {
    let desk = Desk::new();
    desk.succeed("init prod-1.toml");
    let quick = desk.text("prod-1.toml").replace("rsa-4096", "ecdsa-p256").replace("rsa-2048", "ecdsa-p256");
    let (before, after) = quick.split_once("[[node]]").unwrap();
    desk.write("prod-1.toml", format!("{before}[bundle]\nsigner = \"signer.pub\"\n\n[[node]]{after}"));
    desk.write("prod-1.seed", desk.read("lab.seed"));
    desk.set_mode("prod-1.seed", 0o600);
    let programs = tempfile::tempdir().unwrap();
    place_program(&program(), &programs.path().join("certferry"));
    let lines = code("signer");
    // The first build wrote the lock.
    let script = lines.join("\n").replace("--out tried", "--out tried --lock tried.toml");
    assert_eq!(script.matches("certferry ").count(), 7, "{script}");
    let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap());
    // What openssl makes has the mode that the person's umask gives it.
    let mut sh = tool("sh");
    sh.args(["-euc", &format!("umask 077\n{script}")]).env("PATH", path).current_dir(desk.path(""));
    let ended = run(&mut sh);
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    for line in ["manifest.json: OK\n", "nodes/cp-1.json: OK\n", "Verified OK\n", "prod-1-g1.tar.gz: OK\n"] {
        assert!(said.contains(line), "{line}{said}");
    }
    assert!(
        said.ends_with("\nindex and records are those of the lock; nobody signed, and no bundle was written\n"),
        "{said}"
    );
    // The answer by hand is one, too, with the signature that openssl made of a digest.
    desk.succeed("build prod-1.toml --seed prod-1.seed --signatures prod-1-g1.by-hand.tar --out by-hand");
    desk.succeed("verify by-hand/prod-1-g1.tar.gz --key signer.pub");
}
