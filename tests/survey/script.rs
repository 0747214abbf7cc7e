//! The script itself: for every shell, within old options of openssl.

use std::fs;

use certferry::survey::SCRIPT;

use super::{Script, control_plane, tools};
use crate::common::end;
use crate::common::script::Joined;

const JOINED: Joined = Joined { script: SCRIPT, folder: concat!(env!("CARGO_MANIFEST_DIR"), "/templates/survey") };

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
    let shared = ["quoted", "values", "settings", "words", "program"];
    let alone = ["quoted", "values", "yaml", "directives", "pem", "field", "addresses"];
    JOINED.has_plain_awk(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        shared.into_iter().filter(|part| !alone.contains(&name) && *part != name).collect()
    });
}

/// A script that was cut on its way prints no survey that lacks something.
#[test]
fn a_script_that_was_cut_does_nothing() {
    let (script, node, tools) = (Script::new(), control_plane(), tools().remove(0));
    let main = SCRIPT.rfind("\nmain \"$@\"\n").unwrap() + 1;
    for length in [main, SCRIPT.len() / 2, main - 40] {
        fs::write(script.0.path().join("survey.sh"), &SCRIPT[..length]).unwrap();
        let ended = end(&mut script.command(&tools, &node.path("")));
        assert_eq!(ended.stdout, "", "{length}");
    }
}

/// What OpenSSL 1.0.2 knows (its pages pkey(1), ec(1), rsa(1), x509(1), enc(1)).
#[test]
fn the_options_of_openssl_are_those_of_1_0_2() {
    let known = [
        ("pkey", "-pubin -passin -pubout -inform -noout -text"),
        ("ec ", "-no_public"),
        ("x509", "-noout -subject -nameopt"),
        ("rsa", "-RSAPublicKey_in -inform -pubout"),
        ("base64", "-d -A"),
    ];
    let mut seen = 0;
    for line in SCRIPT.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let Some(call) = line
            .split(['|', ';'])
            .find_map(|part| part.trim().strip_prefix("openssl ").or(part.trim().strip_prefix("set -- ")))
        else {
            continue;
        };
        let Some((_, options)) = known.iter().find(|(command, _)| call.starts_with(command)) else { continue };
        for option in call.split_whitespace().filter(|word| word.starts_with('-') && word.len() > 1) {
            assert!(options.split(' ').any(|known| known == option.trim_end_matches(')')), "{line}");
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}
