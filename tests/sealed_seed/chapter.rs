//! The chapter `sealing`, line by line.

use std::fs;

use super::desk;
use crate::common::{run, tool};
use crate::printed_lines::code;

#[test]
fn every_line_works_as_printed() {
    let (desk, [_, recipient]) = desk();
    desk.succeed("init prod-1.toml");
    let quick = desk.text("prod-1.toml").replace("rsa-4096", "ecdsa-p256").replace("rsa-2048", "ecdsa-p256");
    desk.write("prod-1.toml", quick);
    fs::rename(desk.path("passphrase"), desk.path("passphrase.txt")).unwrap();
    fs::rename(desk.path("x25519.key"), desk.path("identity.txt")).unwrap();
    fs::create_dir(desk.path("adopted")).unwrap();
    desk.write("adopted/ca.key", "a key");
    let mut seen = 0;
    for line in code("sealing") {
        let line = line.replace("age1...", &recipient);
        seen += 1;
        let Some(ours) = line.strip_prefix("certferry ") else {
            let mut words = line.split_whitespace();
            let mut command = tool(words.next().unwrap());
            assert!(run(command.args(words).current_dir(desk.path(""))).status.success(), "{line}");
            continue;
        };
        let mut ours = ours.to_owned();
        // A person is asked for these on a terminal.
        if !["--recipient", "--identity", "--passphrase-file", "identity new"]
            .iter()
            .any(|option| ours.contains(option))
        {
            ours += " --passphrase-file passphrase.txt";
            if ours.starts_with("seed reseal ") {
                ours += " --new-passphrase-file passphrase.txt";
            }
        }
        let ended = desk.run(&ours);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
    }
    assert_eq!(seen, 10);
}
