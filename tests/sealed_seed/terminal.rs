//! On a terminal, which script(1) makes, and without any.

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use super::{PASSPHRASE, desk};
use crate::common::desk::Desk;
use crate::common::{program, tool};

/// A program on a terminal, and what it has said.
pub struct Session {
    script: Child,
    said: Vec<u8>,
}

impl Session {
    pub fn start(desk: &Desk, line: &str) -> Self {
        let line = format!("{} {line}", program().display());
        let mut script = tool("script");
        script
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env("NO_COLOR", "1")
            .current_dir(desk.path(""));
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Self { script, said: Vec::new() }
    }

    /// Waits until it asks so, then types a line.
    pub fn answer(&mut self, prompt: &str, line: &str) {
        let stdout = self.script.stdout.as_mut().unwrap();
        while !self.said.ends_with(prompt.as_bytes()) {
            let mut byte = [0];
            let said = || String::from_utf8_lossy(&self.said);
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "it ended, and had not asked {prompt:?}: {}", said());
            self.said.push(byte[0]);
        }
        self.script.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    /// Returns the exit code and everything that the terminal has shown.
    pub fn end(mut self) -> (Option<i32>, String) {
        self.script.stdout.as_mut().unwrap().read_to_end(&mut self.said).unwrap();
        let said = String::from_utf8(self.said).unwrap();
        (self.script.wait().unwrap().code(), said.replace("\r\n", "\n"))
    }
}

#[test]
fn a_new_seed_asks_twice_and_shows_nothing() {
    let (desk, _) = desk();
    let mut session = Session::start(&desk, "build lab.toml --new-seed new.seed --out out --quiet");
    session.answer("New passphrase for new.seed: ", PASSPHRASE);
    session.answer("The same again: ", PASSPHRASE);
    let (code, said) = session.end();
    assert_eq!((code, said.as_str()), (Some(0), "New passphrase for new.seed: \nThe same again: \n"));
    assert!(desk.text("new.seed").starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    // It is what was typed; and asked for when it is not said.
    let id = desk.succeed("seed id new.seed --passphrase-file passphrase");
    let mut session = Session::start(&desk, "seed id new.seed");
    session.answer("Passphrase of new.seed: ", PASSPHRASE);
    assert_eq!(session.end(), (Some(0), format!("Passphrase of new.seed: \n{id}")));
    let mut session = Session::start(&desk, "build lab.toml --seed new.seed --out again --locked --quiet");
    session.answer("Passphrase of new.seed: ", "wrong\n");
    let (code, said) = session.end();
    assert_eq!(code, Some(2));
    assert!(
        said.contains("error: new.seed does not open: the passphrase is another one, or the file was changed\n"),
        "{said}"
    );
    assert!(!desk.exists("again"));
}

#[test]
fn two_that_are_not_the_same_make_nothing() {
    let desk = Desk::new();
    let before = desk.state();
    for line in ["seed new new.seed", "build lab.toml --new-seed new.seed --out out"] {
        let mut session = Session::start(&desk, line);
        session.answer("New passphrase for new.seed: ", "one\n");
        session.answer("The same again: ", "other\n");
        let (code, said) = session.end();
        assert_eq!(code, Some(2));
        assert!(said.ends_with("error: the two passphrases are not the same\nhint: nothing was written\n"), "{said}");
        assert!(desk.state() == before, "{line}");
    }
    let mut session = Session::start(&desk, "seed new new.seed");
    session.answer("New passphrase for new.seed: ", "\n");
    let (code, said) = session.end();
    assert_eq!((code, said.as_str()), (Some(2), "New passphrase for new.seed: \nerror: the passphrase is empty\n"));
    assert!(desk.state() == before);
}

/// Ctrl-C in the middle of it: nothing is left, and the terminal shows again what is typed.
#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let desk = Desk::new();
    let before = desk.state();
    for line in ["seed new new.seed", "build lab.toml --new-seed new.seed --out out"] {
        let shell = format!("stty -a >before; {} {line}; stty -a >after; exit 0", program().display());
        // Whoever runs the tests in the background has them ignore it.
        let mut script = tool("env");
        script.args(["--default-signal=INT", "script", "--quiet", "--return", "--command"]);
        script.args([&format!("trap : INT; {shell}"), "/dev/null"]);
        let script = script.current_dir(desk.path("")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut session = Session { script, said: Vec::new() };
        session.answer("New passphrase for new.seed: ", "\u{3}");
        session.end();
        assert_eq!(desk.text("before"), desk.text("after"));
        assert!(desk.text("after").contains(" echo "), "{}", desk.text("after"));
        for name in ["before", "after"] {
            std::fs::remove_file(desk.path(name)).unwrap();
        }
        assert!(desk.state() == before, "{line}: {:?}", desk.names(""));
    }
}

/// Where nobody can be asked it is said what to do; nothing waits, and nothing is written.
#[test]
fn without_a_terminal_nobody_is_asked() {
    let (desk, _) = desk();
    let alone = |line: &str| desk.watch(&mut desk.wrapped(&["setsid", "--wait"], line));
    let hints = |option: &str| {
        format!(
            "hint: {option} FILE names a file that has one in its one line; --recipient RECIPIENT needs none\nhint: --plain \
             leaves it in the clear: to try things out, for whoever finds the file has every key\n"
        )
    };
    let told = "error: new.seed is to be sealed, and there is no terminal on which to ask for a passphrase\n";
    let before = desk.state();
    for (line, option) in [
        ("seed new new.seed", "--passphrase-file"),
        ("build lab.toml --new-seed new.seed --out out", "--passphrase-file"),
        ("seed reseal lab.seed --out new.seed", "--new-passphrase-file"),
    ] {
        let ended = alone(line);
        assert_eq!((ended.code, ended.stderr), (Some(2), format!("{told}{}", hints(option))), "{line}");
        assert!(desk.state() == before, "{line}");
    }
    desk.succeed("seed reseal lab.seed --out p.seed --new-passphrase-file passphrase");
    let ended = alone("seed id p.seed");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            Some(2),
            "error: p.seed needs a passphrase, and there is no terminal on which to ask for it\nhint: --passphrase-file FILE \
             names a file that has it in one line\n"
        )
    );
}
