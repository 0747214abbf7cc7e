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
        if line == "certferry plan prod-1.toml" {
            desk.write("prod-1.toml", sealed_profile(&desk.text("prod-1.toml"), &recipient));
        }
        let Some(ours) = line.strip_prefix("certferry ") else {
            let mut words = line.split_whitespace();
            let mut command = tool(words.next().unwrap());
            assert!(run(command.args(words).current_dir(desk.path(""))).status.success(), "{line}");
            continue;
        };
        let mut ours = ours.to_owned();
        // A person is asked for these on a terminal.
        if !ours.starts_with("plan ")
            && !ours.starts_with("seal ")
            && !["--recipient", "--identity", "--passphrase-file", "identity new"]
                .iter()
                .any(|option| ours.contains(option))
        {
            ours += " --passphrase-file passphrase.txt";
            if ours.starts_with("seed reseal ") {
                ours += " --new-passphrase-file passphrase.txt";
            }
        }
        if ours.starts_with("seal ") {
            ours += " --passphrase-file passphrase.txt --quiet";
        }
        let ended = desk.run(&ours);
        // That age1... is X25519 alone is told where it matters.
        let is_told = ours.starts_with("seal ") || ours.contains("--out sealed");
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
        assert!(
            ended.stderr.is_empty() || (is_told && ended.stderr.starts_with("warning: ")),
            "{line}: {}",
            ended.stderr
        );
    }
    assert_eq!(seen, 14);
    for sealed in ["sealed/prod-1-g2.sealed.tar", "out/prod-1-g1.sealed.tar"] {
        assert!(desk.exists(sealed), "{sealed}");
    }
    assert!(!desk.exists("sealed/prod-1-g2.tar.gz"));
}

/// The profile of the next generation, whose parts are all sealed to one recipient.
fn sealed_profile(profile: &str, recipient: &str) -> String {
    let mut table: toml::Table = profile.parse().unwrap();
    table["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), 2.into());
    let to = toml::Value::Array(vec![recipient.into()]);
    for node in table["node"].as_array_mut().unwrap() {
        node.as_table_mut().unwrap().insert("encrypt_to".to_owned(), to.clone());
    }
    let seal: toml::Table = format!("required = true\ncluster_to = {to}\n").parse().unwrap();
    table.insert("seal".to_owned(), seal.into());
    toml::to_string(&table).unwrap()
}
