//! Every option and its text, in one file to review: `cli-help.txt`, rewritten with `CERTFERRY_BLESS=1`.

use std::fs;
use std::path::Path;

use crate::common::{certferry, succeed};

pub const COMMANDS: &[&str] = &[
    "",
    "init",
    "seed",
    "seed new",
    "seed id",
    "seed check",
    "seed reseal",
    "seed words",
    "seed from-words",
    "seed split",
    "seed combine",
    "plan",
    "build",
    "sign",
    "csr",
    "verify",
    "inspect",
    "doctor",
    "survey",
    "unpack",
    "apply",
    "rollback",
    "status",
    "diff",
    "split",
    "seal",
    "inventory",
    "ansible",
    "user-data",
    "schema",
    "fingerprint",
    "identity",
    "identity new",
    "ceremony",
    "help",
    "completions",
    "man",
];

#[test]
fn golden_every_option_has_its_text() {
    let mut found = String::new();
    for command in COMMANDS {
        let mut run = certferry();
        // clap takes the width from COLUMNS when there is no terminal.
        run.args(command.split_whitespace()).arg("--help").env_remove("COLUMNS");
        let words: Vec<_> = ["certferry"].into_iter().chain(command.split_whitespace()).chain(["--help"]).collect();
        found += &format!("$ {}\n{}\n", words.join(" "), succeed(&mut run));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli-help.txt");
    if std::env::var_os("CERTFERRY_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &found).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, expected, "`cargo xtask bless` rewrites {}", file.display());
}

/// A command that is not in the list above would never be looked at.
#[test]
fn every_command_is_in_the_list() {
    for parent in ["", "seed"] {
        let mut run = certferry();
        let text = succeed(run.args(parent.split_whitespace()).arg("-h"));
        let (_, commands) = text.split_once("Commands:\n").unwrap();
        // A longer text goes on with a deeper indent.
        let names = commands.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
        for name in names.filter_map(|line| line.split_whitespace().next()) {
            let command = format!("{parent} {name}");
            assert!(COMMANDS.contains(&command.trim_start()), "{command}");
        }
    }
}
