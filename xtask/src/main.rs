//! The commands of a maintainer: `cargo xtask test` and its smaller siblings.

mod bench;
mod bless;
mod crash;
mod deny;
mod dist;
mod filters;
mod fuzz;
mod go_oracle;
mod layers;
mod long;
mod msrv;
mod npm;
mod process;
mod tally;
mod test;
mod tools;

use std::process::ExitCode;

/// The result of a command: nothing, or one message that says what failed and what to do about it.
type Outcome = Result<(), String>;

/// A command of `cargo xtask`.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

/// Every command, in the order in which the help shows them.
const COMMANDS: &[Command] = &[
    Command { name: "test", about: "run every check and every test, as CI does", run: test::run },
    Command { name: "layers", about: "check that imports follow the table of rooms", run: layers::run },
    Command {
        name: "deny",
        about: "check licences, bans and sources of all crates; --advisories: those too",
        run: deny::run,
    },
    Command {
        name: "msrv",
        about: "check with the oldest Rust that Cargo.toml promises, or [TOOLCHAIN]; installs none",
        run: msrv::run,
    },
    Command { name: "bless", about: "rewrite the golden files from what the code makes now", run: bless::run },
    Command {
        name: "fuzz",
        about: "let libFuzzer look for faults: [TARGET] [SECONDS], 60 of each by default",
        run: fuzz::run,
    },
    Command {
        name: "bench",
        about: "measure RSA keys, whole builds and other programs beside them; [engines|builds|others|sealing|scale]",
        run: bench::run,
    },
    Command {
        name: "engines",
        about: "compare the engines on 2,000 keys and a million candidates; --keys N --candidates N",
        run: bench::compare,
    },
    Command {
        name: "crash",
        about: "kill and refuse `apply` at every system call on a control plane's tree; --power: power failures",
        run: crash::run,
    },
    Command { name: "long", about: "run the tests that take too long for every day", run: long::run },
    Command {
        name: "go-oracle",
        about: "ask Go and certferry about certificates made by chance; --go PATH --cases N --seed N",
        run: go_oracle::run,
    },
    Command {
        name: "dist",
        about: "build the static program with man pages, completions and checksums; --twice: in two folders",
        run: dist::run,
    },
    Command { name: "help", about: "show this list", run: help },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let outcome = match find(name) {
        Some(command) => (command.run)(rest),
        None => Err(format!("no command `{name}`\n{}", list())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn find(name: &str) -> Option<&'static Command> {
    let name = if matches!(name, "-h" | "--help") { "help" } else { name };
    COMMANDS.iter().find(|command| command.name == name)
}

fn help(_: &[String]) -> Outcome {
    println!("{}", list());
    Ok(())
}

fn list() -> String {
    let lines = COMMANDS.iter().map(|command| format!("  cargo xtask {:<9} {}", command.name, command.about));
    lines.collect::<Vec<_>>().join("\n")
}

/// Refuses every argument, for commands that take none.
fn no_arguments(arguments: &[String]) -> Outcome {
    match arguments.first() {
        Some(argument) => Err(format!("unknown argument `{argument}`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, find, list, no_arguments};

    #[test]
    fn every_command_is_found_and_listed() {
        for command in COMMANDS {
            assert!(find(command.name).is_some(), "{}", command.name);
            assert!(list().contains(&format!("cargo xtask {:<9} {}", command.name, command.about)));
        }
        assert!(find("--help").is_some_and(|command| command.name == "help"));
        assert!(find("tset").is_none());
    }

    #[test]
    fn stray_arguments_are_refused() {
        assert_eq!(no_arguments(&[]), Ok(()));
        assert_eq!(no_arguments(&["--fast".to_owned()]), Err("unknown argument `--fast`".to_owned()));
    }
}
