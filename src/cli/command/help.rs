//! `help`: shows the manual, which travels inside the binary because an isolated node has no web.

use clap::{CommandFactory, Parser};

use crate::cli::args::{Arguments, HelpArguments, Language};
use crate::cli::command::help_topics;
use crate::cli::failure::{Failure, printed};
use crate::cli::text::manual;
use crate::host;
use crate::manual::{CHAPTERS, Chapter, KOREAN};
use crate::markdown::{Lines, Screen, parse, section};

/// The widest lines that are read with ease; clap's help has the same.
const MOST_COLUMNS: usize = 100;
/// Below this no table and no list has any room.
const LEAST_COLUMNS: usize = 20;

pub(crate) fn run(arguments: &HelpArguments) -> Result<String, Failure> {
    if arguments.markdown {
        return source(arguments);
    }
    let (language, note) = language(arguments.lang);
    let screen = screen();
    let mut text = note.map_or_else(String::new, |note| screen.show(&parse(note)) + "\n");
    text += &match &arguments.search {
        Some(wanted) => found(wanted, &arguments.topic, language, &screen)?,
        None => topic(&arguments.topic, language, &screen)?,
    };
    printed(host::write_paged(&text)).map(|()| String::new())
}

/// Returns the terminal, or for whatever is none one of 80 columns.
pub(crate) fn screen() -> Screen {
    let lines = if host::is_utf8() { Lines::Drawn } else { Lines::Ascii };
    Screen { columns: host::columns().clamp(LEAST_COLUMNS, MOST_COLUMNS), lines }
}

/// Returns the words that may stand after `certferry help`: chapters, then commands.
pub(crate) fn topics() -> Vec<String> {
    let mut topics: Vec<_> = CHAPTERS.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    let commands = Arguments::command();
    let names = commands.get_subcommands().map(|command| command.get_name().to_owned());
    topics.extend(names.filter(|name| !CHAPTERS.iter().any(|(chapter, _, _)| chapter == name)));
    topics
}

/// Returns the language of the manual, and what is to be said when it is not the wanted one.
fn language(asked: Option<Language>) -> (Language, Option<&'static str>) {
    let is_korean = asked.map_or_else(|| host::language().as_deref() == Some("ko"), |asked| asked == Language::Ko);
    if !is_korean {
        return (Language::En, None);
    }
    if !host::is_utf8() {
        let note = "Korean needs a terminal in UTF-8, and by LC_ALL, LC_CTYPE or LANG this is none: here is English. On a \
            terminal that does show UTF-8 put `LC_ALL=C.UTF-8` before the command, and `--lang ko` behind it.";
        return (Language::En, Some(note));
    }
    if asked.is_none() && host::is_linux_console() {
        let note =
            "The console of Linux has no letters for Korean: here is English. `--lang ko` prints Korean all the same.";
        return (Language::En, Some(note));
    }
    (Language::Ko, None)
}

/// Returns the chapter of that name in a language, or in English where it was not translated.
fn chapter(name: &str, language: Language) -> Option<(&'static Chapter, Language)> {
    let find = |chapters: &'static [Chapter]| chapters.iter().find(|(known, _, _)| *known == name);
    let korean = find(KOREAN).filter(|_| language == Language::Ko).map(|chapter| (chapter, Language::Ko));
    korean.or_else(|| find(CHAPTERS).map(|chapter| (chapter, Language::En)))
}

fn topic(words: &[String], language: Language, screen: &Screen) -> Result<String, Failure> {
    let [first, rest @ ..] = words else { return Ok(manual::contents(language, screen)) };
    let chapter = chapter(first, language);
    // A name may be that of a command and of a chapter. Options are found soonest at the top.
    match (of_command(words), chapter) {
        (Some(command), Some((chapter, _))) if rest.is_empty() => {
            Ok(format!("{command}\n{}", screen.show(&parse(chapter.2))))
        }
        (Some(command), _) => Ok(command),
        (None, Some(((name, _, text), in_language))) => {
            let blocks = parse(text);
            let shown = match &*rest.join(" ") {
                "" => screen.show(&blocks),
                wanted => {
                    let found =
                        section(&blocks, wanted).ok_or_else(|| help_topics::no_section(name, wanted, &blocks))?;
                    screen.show(found)
                }
            };
            let is_other = in_language != language;
            Ok(if is_other { format!("{}\n{shown}", screen.wrap(manual::ONLY_ENGLISH, "", "")) } else { shown })
        }
        (None, None) => Err(help_topics::unknown(&words.join(" "), &topics())),
    }
}

/// Returns what `certferry COMMAND --help` prints, if there is such a command.
fn of_command(words: &[String]) -> Option<String> {
    let commands = Arguments::command();
    words.iter().try_fold(&commands, |command, word| command.find_subcommand(word))?;
    let line = ["certferry"].into_iter().chain(words.iter().map(String::as_str)).chain(["--help"]);
    // To clap, help is an error that prints well.
    Arguments::try_parse_from(line).err().map(|help| help.render().to_string())
}

/// Returns the places in which the manual, or one chapter of it, says something.
fn found(wanted: &str, words: &[String], language: Language, screen: &Screen) -> Result<String, Failure> {
    let chapters: Vec<_> = match words {
        [] => CHAPTERS.iter().filter_map(|(name, _, _)| chapter(name, language)).collect(),
        [name] => vec![chapter(name, language).ok_or_else(|| help_topics::no_chapter(name))?],
        more => return Err(help_topics::no_chapter(&more.join(" "))),
    };
    let chapters: Vec<_> = chapters.into_iter().map(|((name, _, text), _)| (*name, parse(text))).collect();
    let text = manual::hits(&chapters, wanted, screen);
    if text.is_empty() { Err(help_topics::nothing_found(wanted, words)) } else { Ok(text) }
}

/// Returns a chapter as it was written, for programs and for printing. It is in UTF-8 everywhere.
fn source(arguments: &HelpArguments) -> Result<String, Failure> {
    let language = arguments.lang.unwrap_or(Language::En);
    match &arguments.topic[..] {
        [name] => {
            let ((_, _, text), _) = chapter(name, language).ok_or_else(|| help_topics::no_chapter(name))?;
            Ok((*text).to_owned())
        }
        [] => Err(Failure::cannot_run("--markdown needs a chapter").hint("`certferry help` lists them")),
        more => Err(help_topics::no_chapter(&more.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::chapter;
    use crate::cli::args::Language;
    use crate::cli::command::doctor::OBJECTS_LIMIT;
    use crate::cli::input::lock_file::LIMIT as LOCK_LIMIT;
    use crate::cli::input::trusted_key::KEY_LIMIT;
    use crate::kubernetes::FILE_LIMIT;
    use crate::manual::CHAPTERS;

    /// The limits of a bundle are compared where they are defined.
    #[test]
    fn the_manual_states_the_limits_of_files_that_are_read() {
        let formats = chapter("formats", Language::En).map(|((_, _, text), _)| *text).unwrap_or_default();
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
