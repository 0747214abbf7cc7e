//! The script itself: for every shell, within old options of openssl, proven by one line of the manual.

use std::fs;
use std::process::Command;

use certferry::make::install_script::SCRIPT;

use crate::common::desk::Desk;
use crate::common::script::Joined;
use crate::common::{certferry, succeed};
use crate::install_sh::node::{FIRST, Node, end, script};

const JOINED: Joined = Joined { script: SCRIPT, folder: concat!(env!("CARGO_MANIFEST_DIR"), "/templates/install") };

#[test]
fn no_part_is_forgotten_and_they_stand_in_order() {
    JOINED.has_every_part();
}

#[test]
fn shellcheck_has_nothing_to_say() {
    JOINED.is_plain_shell();
}

#[test]
fn a_program_for_awk_can_stand_between_single_quotes() {
    JOINED.keeps_awk_between_quotes();
}

#[test]
fn gawk_and_mawk_have_nothing_to_say_of_the_programs() {
    // A program says at its head which of the shared ones it needs.
    JOINED.has_plain_awk(|path| {
        let text = fs::read_to_string(path).unwrap();
        let needs =
            |name: &&str| text.lines().any(|line| line.starts_with("# ") && line.contains(&format!("{name}.awk")));
        ["facts", "names", "addresses"].into_iter().filter(needs).collect()
    });
}

/// A file that was cut on its way does nothing: all of it is read before any of it runs.
#[test]
fn a_script_that_was_cut_does_nothing() {
    let text = SCRIPT;
    let main = text.rfind("\nmain \"$@\"\n").unwrap() + 1;
    let node = Node::new();
    for end_of_text in [main, text.len() / 2, text.len() / 3, main - 40] {
        let cut = node.path("install.sh");
        fs::write(&cut, &text[..end_of_text]).unwrap();
        let before = node.state();
        let mut command = Command::new("sh");
        command.arg(&cut).arg(&FIRST.archive).args(["--node", "worker-1", "--key"]).arg(&FIRST.public_key);
        end(command.arg("--root").arg(node.root()));
        assert!(node.state() == before, "{end_of_text}");
    }
}

/// What OpenSSL 1.0.2 knows (its pages dgst(1), pkey(1), x509(1), crl2pkcs7(1), pkcs7(1), asn1parse(1), enc(1)).
#[test]
fn the_options_of_openssl_are_those_of_1_0_2() {
    let known = [
        ("dgst", "-sha256 -verify -signature"),
        ("pkey", "-pubin -in -passin -pubout -outform"),
        ("x509", "-in -noout -subject -subject_hash -issuer_hash"),
        ("crl2pkcs7", "-nocrl -certfile"),
        ("pkcs7", "-print_certs -text -noout"),
        ("asn1parse", "-inform -in"),
        ("base64", "-d -in"),
    ];
    let mut seen = 0;
    for line in SCRIPT.lines().filter(|line| !line.trim_start().starts_with('#')) {
        for call in line.split("openssl ").skip(1) {
            // Sentences name it, too.
            let Some((command, options)) = known.iter().find(|(command, _)| call.starts_with(&format!("{command} ")))
            else {
                let is_call = call.split_whitespace().nth(1).is_some_and(|word| word.starts_with('-'));
                assert!(!is_call, "{line}");
                continue;
            };
            let end = call.find(['|', '>', ')']).unwrap_or(call.len());
            for option in call[..end].split_whitespace().filter(|word| word.starts_with('-')) {
                assert!(options.split(' ').any(|known| known == option), "openssl {command} {option}: {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 25, "{seen}");
}

/// The line that proves the script before it runs, as the manual has it.
#[test]
fn the_manuals_line_proves_the_script_before_it_runs() {
    let chapter = succeed(certferry().args(["help", "far-side", "--markdown"]));
    let start = "openssl dgst -sha256 -verify prod-1.pub -signature install.sh.sig install.sh &&";
    let line = chapter.lines().map(str::trim).position(|line| line.starts_with(start)).unwrap();
    let line: Vec<_> = chapter.lines().skip(line).take(2).map(str::trim).collect();
    let line = line.join("\n").replace("prod-1", "lab").replace("cp-1", "worker-1");
    let node = Node::new();
    let folder = tempfile::tempdir().unwrap();
    for file in [&FIRST.archive, &FIRST.public_key, &script(&FIRST), &script(&FIRST).with_extension("sh.sig")] {
        fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let line = format!("{line} --root '{}'", node.root().display());
    let run = || end(Command::new("sh").args(["-c", &line]).current_dir(folder.path()));
    fs::write(folder.path().join("install.sh"), SCRIPT.replacen("umask 077", "umask 000", 1)).unwrap();
    let ended = run();
    assert!(ended.code == Some(1) && ended.stdout.to_lowercase().starts_with("verification failure"), "{ended:?}");
    assert!(node.state().is_empty());
    fs::write(folder.path().join("install.sh"), SCRIPT).unwrap();
    let ended = run();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("Verified OK\nworker-1: generation 1 of lab"), "{}", ended.stdout);
}

/// The promise that is weaker than certferry's is told in the script and in the manual, and what was not tried.
#[test]
fn the_limits_are_told() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("# ", "");
    assert!(words(SCRIPT).contains("it takes two renames, and between them the unit is not there"));
    let chapter = words(&Desk::new().succeed("help far-side --markdown"));
    for part in ["it takes two renames, and between them the unit is not there", "no real SELinux host was tried"] {
        assert!(chapter.contains(part), "{part}");
    }
}
