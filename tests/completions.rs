//! What bash offers after TAB, by bash itself.

use std::fs;
use std::sync::LazyLock;

use crate::common::{certferry, fail, succeed, tool};
use tempfile::TempDir;

/// Loads the script as a shell's start-up file would, then does what readline does after TAB: calls the registered
/// function with the command, the word under the cursor and the one before it.
const PRESS_TAB: &str = r#"
source ./script || exit
[[ "$(complete -p certferry)" == *' -F _certferry '* ]] || { complete -p certferry; exit 1; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_certferry certferry "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("script"), succeed(certferry().args(["completions", "bash"]))).unwrap();
    fs::write(folder.path().join("prod-1.seed"), "").unwrap();
    folder
});

/// What bash offers for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    let mut bash = tool("bash");
    bash.args(["--norc", "--noprofile", "-c", PRESS_TAB, "bash", "certferry"]).args(words);
    let replies = succeed(bash.current_dir(FOLDER.path()));
    replies.lines().filter(|reply| !reply.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    for (words, expected) in [
        (&["bu"][..], &["build"][..]),
        (&["s"], &["seed", "status", "split", "schema"]),
        (&["seed", "n"], &["new"]),
        (&["build", "--new"], &["--new-seed"]),
        (&["build", "--seed", "prod"], &["prod-1.seed"]),
        (&["plan", "-o", "j"], &["json"]),
        (&["completions", "b"], &["bash"]),
        (&["help", "thr"], &["threat-model"]),
        (&["help", "bu"], &["build"]),
        (&["man", "--o"], &["--out"]),
        (&["xyz"], &[]),
        // Bash then falls back on the names of files.
        (&["build", "prod"], &[]),
    ] {
        assert_eq!(offered(words), expected, "{words:?}");
    }
}

#[test]
fn bash_knows_every_command_and_every_option() {
    let commands = offered(&[""]);
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands.iter().filter(|word| !word.starts_with('-')) {
        let help = succeed(certferry().args([command, "--help"]));
        let offered = offered(&[command, "--"]);
        let options = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
        let options: Vec<_> = options
            .map(|option| option.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric()))
            .filter(|option| !option.is_empty())
            .collect();
        assert!(options.contains(&"help"), "{command}");
        for option in options {
            // A word about an option of another command is no option of this one.
            let is_own = help.lines().any(|line| {
                let line = line.trim_start();
                line.starts_with('-') && line.split([' ', ',']).any(|word| word == format!("--{option}"))
            });
            assert!(!is_own || offered.contains(&format!("--{option}")), "{command} --{option}: {offered:?}");
        }
    }
}

#[test]
fn other_shells_get_a_script_too() {
    for shell in ["elvish", "fish", "powershell", "zsh"] {
        let script = succeed(certferry().args(["completions", shell]));
        assert!(script.contains("certferry") && script.contains("new-seed"), "{shell}");
    }
    let said = fail(certferry().args(["completions", "ksh"]), 2);
    assert!(said.starts_with("error: invalid value 'ksh' for '<SHELL>'"), "{said}");
}
