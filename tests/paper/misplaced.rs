//! A page, a passphrase or an identity in the place of something else: nothing of it is repeated.

use super::desk;

const HINT: &str = "hint: nothing of it is shown here; were two arguments exchanged?\n";

#[test]
fn a_page_in_place_of_another_file_is_not_quoted() {
    let (desk, _) = desk();
    desk.succeed("seed words lab.seed --out words.txt");
    desk.succeed("seed split lab.seed --shares 3 --threshold 2 --out shares");
    let page = desk.text("words.txt");
    let words = super::words_of(&page, 24).join(" ");
    desk.write("plain.txt", words.to_uppercase().replace(' ', "\n"));
    desk.set_mode("plain.txt", 0o600);
    for file in ["words.txt", "shares/share-1.txt", "plain.txt"] {
        let is_no =
            |what: &str| format!("error: {file} is not {what}: there are the words of a seed or a share in it\n{HINT}");
        for command in [format!("plan {file}"), format!("build {file} --seed lab.seed"), format!("ceremony {file}")] {
            desk.refuse(&command, 2, &is_no("a profile"));
        }
        desk.refuse(&format!("plan lab.toml --lock {file}"), 2, &is_no("a lock"));
    }
}

#[test]
fn a_passphrase_in_place_of_words_is_not_quoted() {
    let (desk, id) = desk();
    desk.write("pass", "tr0ub4dor-and-3-horses\n");
    desk.set_mode("pass", 0o600);
    let refused = format!("error: pass: hardly a word in it is one of a seed or a share\n{HINT}");
    desk.refuse(&format!("seed from-words pass --out new.seed --plain --id {id}"), 2, &refused);
    desk.refuse("seed combine pass --out new.seed --plain", 2, &refused);
}

#[test]
fn an_identity_as_an_argument_is_not_repeated() {
    let (desk, _) = desk();
    desk.succeed("identity new node.key --x25519");
    let secret = desk.text("node.key").lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap().to_owned();
    let refused = "error: an identity was given as an argument, and not the name of its file\nhint: other users and the shell's \
                   history can see arguments: make a new one with `certferry identity new FILE`\n";
    for line in [
        "apply lab.tar.gz --key lab.pub --node cp-1 --identity SECRET",
        "build lab.toml --seed lab.seed --also-to age1x SECRET",
        "build lab.toml --seed lab.seed --threads SECRET",
        "build lab.toml --seed lab.seed --lock=SECRET",
        "identity new SECRET",
        "fingerprint SECRET",
        "SECRET",
    ] {
        for secret in [secret.clone(), secret.to_lowercase()] {
            desk.refuse(&line.replace("SECRET", &secret), 2, refused);
        }
    }
    let said = desk.run(&format!("verify x --key y -o json --identity {secret}"));
    assert!(said.stderr.starts_with("{\n  \"schema\": ") && !said.stderr.contains(&secret[20..]), "{}", said.stderr);
}

#[test]
fn how_a_new_seed_is_kept_is_said_of_a_new_seed_alone() {
    let (desk, _) = desk();
    let hint = "hint: to whom the parts of the bundle are sealed say --to, --cluster-to, --also-to, or `[seal]` of the profile\n";
    for (option, value) in [("--plain", ""), ("--recipient", " age1x")] {
        desk.refuse(
            &format!("build lab.toml --seed lab.seed --out out {option}{value}"),
            2,
            &format!("error: {option} says how a new seed is kept, and --seed is one that is there\n{hint}"),
        );
    }
}
