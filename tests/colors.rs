//! Colours: on a terminal that has them, and nowhere else; our own errors by the same rule as those of the arguments.

use std::process::Command;

use crate::common::desk::Desk;
use crate::common::{end, run, tool};

const RED: &str = "\u{1b}[1;31merror:\u{1b}[0m ";

/// What the program says on a terminal of its own (script(1)).
fn on_terminal(desk: &Desk, line: &str, set: &[(&str, &str)]) -> String {
    let program = desk.command(line);
    let words: Vec<_> =
        [program.get_program()].into_iter().chain(program.get_args()).map(|word| word.to_string_lossy()).collect();
    let mut script = tool("script");
    script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]).current_dir(desk.path(""));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        script.env_remove(name);
    }
    let output = run(script.env("TERM", "xterm").envs(set.iter().copied()));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

#[test]
fn our_errors_and_those_of_arguments_obey_one_rule() {
    let desk = Desk::new();
    let plain = "cannot read the seed none: no such file or directory\n";
    for (line, message) in [("seed id none", plain), ("seed id --none", "unexpected argument '--none' found\n")] {
        let begins = |text: &str, head: &str| text.starts_with(&format!("{head}{message}"));
        let say = |words: &str, set: &[(&str, &str)]| on_terminal(&desk, &format!("{words} {line}"), set);
        assert!(begins(&say("", &[]), RED), "{:?}", say("", &[]));
        assert!(begins(&say("", &[("NO_COLOR", "1")]), "error: "));
        assert!(begins(&say("", &[("TERM", "dumb")]), "error: "));
        assert!(begins(&say("--color never", &[]), "error: "));
        assert!(begins(&say("--color=always", &[("NO_COLOR", "1")]), RED));
        // No terminal, no colours, unless they are asked for.
        let piped = |command: &mut Command| end(command.env_remove("CLICOLOR_FORCE")).stderr;
        assert!(begins(&piped(&mut desk.command(line)), "error: "));
        assert!(begins(&piped(&mut desk.command(&format!("{line} --color always"))), RED));
    }
    // Help, too.
    let help = |color: &str| end(desk.command(&format!("seed --help --color {color}")).env_remove("NO_COLOR")).stdout;
    assert!(help("always").contains("\u{1b}["));
    assert!(!help("never").contains('\u{1b}') && !help("auto").contains('\u{1b}'));
    assert_eq!(help("never"), desk.succeed("seed --help"));
    desk.refuse(
        "seed id none --color blue",
        2,
        "error: invalid value 'blue' for '--color <WHEN>'\n  [possible values: auto, always, never]\n\n\
         For more information, try '--help'.\n",
    );
}
