//! `completions`: prints the script by which a shell asks this program what may stand next, and answers such a shell.

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_complete::env::{CompleteEnv, Shells};

use crate::cli::args::{Arguments, CompletionsArguments};
use crate::cli::command::help;
use crate::cli::failure::Failure;

const PROGRAM: &str = "certferry";

/// The variable by which a script asks. It has a name of its own, so that no other program's changes what this one does.
const VARIABLE: &str = "CERTFERRY_COMPLETE";

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<String, Failure> {
    let shell = arguments.shell.to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell).ok_or_else(|| Failure::defect(&format!("no completion for {shell}")))?;
    let mut script = Vec::new();
    let written = completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script);
    written.map_err(|error| Failure::defect(&error.to_string()))?;
    // Behind the script: to zsh its first line is a command.
    Ok(format!("{}\n\n# This needs {PROGRAM} in PATH{}.\n", String::from_utf8_lossy(&script).trim(), needs(&shell)))
}

/// Returns what a script needs beside the program.
fn needs(shell: &str) -> &'static str {
    match shell {
        "bash" => ", and as a file in /etc/bash_completion.d the package bash-completion",
        "zsh" => {
            ", and `autoload -U compinit; compinit` before it; as a file it is called _certferry, in a folder of fpath"
        }
        "fish" => "; as a file it is ~/.config/fish/completions/certferry.fish",
        _ => "",
    }
}

/// Answers a shell, if one has started this process to know what may stand next. Returns whether one has.
///
/// Whatever goes wrong is not told: the shell would write it into the line that somebody types.
pub(crate) fn answer() -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|value| value.is_empty()) {
        return false;
    }
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(command).var(VARIABLE).bin(PROGRAM).completer(PROGRAM);
    let _ = asked.try_complete(std::env::args_os(), here.as_deref());
    true
}

fn command() -> Command {
    // `help` accepts any word, so that it can answer a wrong one itself. A shell should offer only the right ones.
    let topics = PossibleValuesParser::new(help::topics());
    Arguments::command().mut_subcommand("help", |help| help.mut_arg("topic", |topic| topic.value_parser(topics)))
}
