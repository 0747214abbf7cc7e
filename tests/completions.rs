//! What bash offers after TAB, by bash itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::LazyLock;

use crate::common::desk::PROFILE;
use crate::common::rights::{Right, lacks};
use crate::common::{SEED, certferry, fail, program, run, succeed, tool};
use tempfile::TempDir;

/// Loads the script as a shell's start-up file would, then does what readline does after TAB: calls the registered
/// function with the command, the word under the cursor and the one before it.
const PRESS_TAB: &str = r#"
source ./script || exit
function=$(complete -p certferry | sed -n 's/.* -F \([^ ]*\) certferry$/\1/p')
[[ "$function" ]] || { complete -p certferry; exit 1; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1)) COMP_TYPE=9
"$function" certferry "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("script"), succeed(certferry().args(["completions", "bash"]))).unwrap();
    fs::write(folder.path().join("prod-1.seed"), "").unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(program(), folder.path().join("bin/certferry")).unwrap();
    let pool = "[[node_pool]]\nrole = \"worker\"\nnames = \"app-[8..10]\"\nfirst_addresses = [\"10.0.0.8\"]\n";
    fs::write(folder.path().join("lab.toml"), format!("{PROFILE}\n{pool}")).unwrap();
    fs::write(folder.path().join("lab.seed"), SEED).unwrap();
    let line = "build lab.toml --seed lab.seed --allow-weak-seed --out .";
    succeed(certferry().args(line.split(' ')).current_dir(folder.path()));
    succeed(certferry().args(["split", "lab-g1.tar.gz", "--all", "--out", "slices"]).current_dir(folder.path()));
    folder
});

/// What bash offers for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    let mut bash = tool("bash");
    bash.args(["--norc", "--noprofile", "-c", PRESS_TAB, "bash", "certferry"]).args(words);
    let path = format!("{}:{}", FOLDER.path().join("bin").display(), std::env::var("PATH").unwrap());
    let output = run(bash.current_dir(FOLDER.path()).env("PATH", path));
    // What a completion says lands in the line that somebody types.
    assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(0)), "{words:?}");
    let replies = String::from_utf8(output.stdout).unwrap();
    replies.lines().filter(|reply| !reply.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    for (words, expected) in [
        (&["bu"][..], &["build"][..]),
        (&["s"], &["seed", "survey", "status", "split", "seal", "schema"]),
        (&["seed", "n"], &["new"]),
        (&["build", "--new"], &["--new-seed"]),
        (&["build", "--seed", "prod"], &["prod-1.seed"]),
        (&["plan", "-o", "j"], &["json"]),
        (&["completions", "b"], &["bash"]),
        (&["help", "thr"], &["threat-model"]),
        (&["help", "bu"], &["build"]),
        (&["man", "--o"], &["--out"]),
        (&["xyz"], &[]),
        (&["build", "prod"], &["prod-1.seed"]),
    ] {
        assert_eq!(offered(words), expected, "{words:?}");
    }
}

#[test]
fn bash_knows_the_nodes_of_a_profile_and_of_a_bundle() {
    let all = ["app-10", "app-8", "app-9", "cp-1"];
    let slice = "slices/nodes/app-9/lab-g1.tar.gz";
    for (words, expected) in [
        (&["build", "lab.toml", "--only", ""][..], &["cp-1", "app-8", "app-9", "app-10"][..]),
        (&["build", "lab.toml", "--only", "app-8", "--only", "app-1"], &["app-10"]),
        (&["split", "lab-g1.tar.gz", "--node", ""], &all),
        (&["apply", "./lab-g1.tar.gz", "--key", "lab.pub", "--node", "c"], &["cp-1"]),
        (&["unpack", "lab-g1.tar.gz", "--node", "app"], &all[..3]),
        (&["unpack", slice, "--node", ""], &["app-9"]),
        // Nothing, and no word: no file, no profile, a seed in its place, half a bundle.
        (&["build", "none.toml", "--only", ""], &[]),
        (&["build", "lab.seed", "--only", ""], &[]),
        (&["build", "seed.toml", "--only", ""], &[]),
        (&["split", "cut.tar.gz", "--node", ""], &[]),
        (&["split", "--node", ""], &[]),
    ] {
        fs::write(FOLDER.path().join("seed.toml"), SEED).unwrap();
        let bundle = fs::read(FOLDER.path().join("lab-g1.tar.gz")).unwrap();
        fs::write(FOLDER.path().join("cut.tar.gz"), &bundle[..200]).unwrap();
        assert_eq!(offered(words), expected, "{words:?}");
    }
    // It reads what is before the first key, and never a seed.
    if !lacks(&[Right::Trace]) {
        let opened = |words: &[&str]| {
            let mut strace = tool("strace");
            strace
                .args(["-qq", "-e", "trace=open,openat", "-e", "signal=none"])
                .arg(program())
                .args(["--", "certferry"]);
            strace.args(words).current_dir(FOLDER.path()).env("CERTFERRY_COMPLETE", "bash");
            let output = run(strace.env("_CLAP_COMPLETE_INDEX", words.len().to_string()));
            String::from_utf8(output.stderr).unwrap()
        };
        assert!(opened(&["build", "lab.toml", "--seed", "lab.seed", "--only", ""]).contains("lab.toml"));
        assert!(!opened(&["build", "lab.toml", "--seed", "lab.seed", "--only", ""]).contains("lab.seed"));
        assert!(!opened(&["build", "lab.seed", "--only", ""]).contains("lab.seed"));
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
        assert!(
            script.contains("CERTFERRY_COMPLETE") && script.contains("\n# This needs certferry in PATH"),
            "{shell}"
        );
        // To zsh the first line is a command.
        assert!(shell != "zsh" || script.starts_with("#compdef certferry\n"), "{script}");
    }
    let said = fail(certferry().args(["completions", "ksh"]), 2);
    assert!(said.starts_with("error: invalid value 'ksh' for '<SHELL>'"), "{said}");
}
