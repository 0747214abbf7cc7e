//! `help`: prints the manual, which travels inside the binary because an isolated node has no web.

use clap::{CommandFactory, Parser};

use crate::cli::args::{Arguments, HelpArguments};
use crate::cli::failure::Failure;
use crate::manual::CHAPTERS;

pub(crate) fn run(arguments: &HelpArguments) -> Result<String, Failure> {
    if arguments.topic.is_empty() {
        return Ok(contents());
    }
    // A name may be that of a command and of a chapter. Options are found soonest at the top.
    match (of_command(&arguments.topic), chapter(&arguments.topic)) {
        (Some(command), Some(chapter)) => Ok(format!("{command}\n{chapter}")),
        (Some(text), None) => Ok(text),
        (None, Some(text)) => Ok(text.to_owned()),
        (None, None) => Err(unknown(&arguments.topic.join(" "))),
    }
}

/// Returns the words that may stand after `certferry help`: chapters, then commands.
pub(crate) fn topics() -> Vec<String> {
    let mut topics: Vec<_> = CHAPTERS.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    let commands = Arguments::command();
    let names = commands.get_subcommands().map(|command| command.get_name().to_owned());
    topics.extend(names.filter(|name| !CHAPTERS.iter().any(|(chapter, _, _)| chapter == name)));
    topics
}

/// Returns what `certferry COMMAND --help` prints, if there is such a command.
fn of_command(words: &[String]) -> Option<String> {
    let commands = Arguments::command();
    words.iter().try_fold(&commands, |command, word| command.find_subcommand(word))?;
    let line = ["certferry"].into_iter().chain(words.iter().map(String::as_str)).chain(["--help"]);
    // To clap, help is an error that prints well.
    Arguments::try_parse_from(line).err().map(|help| help.render().to_string())
}

fn chapter(words: &[String]) -> Option<&'static str> {
    let [word] = words else { return None };
    CHAPTERS.iter().find(|(name, _, _)| name == word).map(|(_, _, text)| *text)
}

fn contents() -> String {
    let mut text = String::from(
        "The manual. Read a chapter with `certferry help CHAPTER`, a command's options with `certferry help COMMAND`.\n\n",
    );
    for (name, line, _) in CHAPTERS {
        text += &format!("  {name:<15}{line}\n");
    }
    text
}

fn unknown(topic: &str) -> Failure {
    let failure = Failure::cannot_run(format!("there is no chapter and no command `{topic}`"));
    let nearest = topics().into_iter().map(|known| (strsim::damerau_levenshtein(topic, &known), known)).min();
    match nearest {
        Some((distance, known)) if distance <= 2 => failure.hint(format!("did you mean `{known}`?")),
        _ => failure.hint("`certferry help` lists the chapters, `certferry --help` the commands"),
    }
}

#[cfg(test)]
mod tests {
    use super::chapter;
    use crate::cli::command::doctor::OBJECTS_LIMIT;
    use crate::cli::input::lock_file::LIMIT as LOCK_LIMIT;
    use crate::cli::input::trusted_key::KEY_LIMIT;
    use crate::kubernetes::FILE_LIMIT;
    use crate::manual::CHAPTERS;

    /// The limits of a bundle are compared where they are defined.
    #[test]
    fn the_manual_states_the_limits_of_files_that_are_read() {
        let formats = chapter(&["formats".to_owned()]).unwrap_or_default();
        assert!(CHAPTERS.len() > 10 && !formats.is_empty());
        for (of, at_most) in [
            ("a lock", format!("{} MiB", LOCK_LIMIT >> 20)),
            ("the `.pub` and `.sig` beside a bundle", format!("{} KiB", KEY_LIMIT >> 10)),
            (
                "a file that `certferry inspect` or `certferry doctor` reads on a disk",
                format!("{} MiB", FILE_LIMIT >> 20),
            ),
            ("saved objects that `certferry doctor` reads", format!("{} MiB", OBJECTS_LIMIT >> 20)),
        ] {
            let row = format!("| {of} | {at_most} |\n");
            assert!(formats.contains(&row), "{row}");
        }
    }
}
