//! `completions`: prints a script for a shell, made from the definition of the command line.

use clap::CommandFactory;
use clap::builder::PossibleValuesParser;

use crate::cli::args::{Arguments, CompletionsArguments};
use crate::cli::command::help;

const PROGRAM: &str = "certferry";

pub(crate) fn run(arguments: &CompletionsArguments) -> String {
    // `help` accepts any word, so that it can answer a wrong one itself. A shell should offer only the right ones.
    let topics = PossibleValuesParser::new(help::topics());
    let mut command =
        Arguments::command().mut_subcommand("help", |help| help.mut_arg("topic", |topic| topic.value_parser(topics)));
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, PROGRAM, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
