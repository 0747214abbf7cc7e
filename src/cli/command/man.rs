//! `man`: pages for man(1): of section 1 for commands, made from the definition of the command line, and of section 7 for
//! the chapters of the manual.

use std::io::{self, Write};
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::args::{Arguments, ManArguments};
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::text::examples;
use crate::host::Outputs;
use crate::manual::{CHAPTERS, Chapter};
use crate::markdown::{self, parse};

const SOURCE: &str = concat!("certferry ", env!("CARGO_PKG_VERSION"));
const MANUAL: &str = "Manual of certferry";

pub(crate) fn run(arguments: &ManArguments) -> Result<String, Failure> {
    let mut command = Arguments::command();
    // Only after this does a command know the name of the command above it.
    command.build();
    match &arguments.out {
        None => Ok(String::from_utf8_lossy(&page(&command)?.1).into_owned()),
        Some(folder) => write(
            arguments.dry_run,
            folder,
            &[("man1", pages(&command)?), ("man7", CHAPTERS.iter().map(chapter).collect())],
        ),
    }
}

/// The name and the text of a file.
type Page = (String, Vec<u8>);

/// Returns the page of a command and those of the commands below it.
fn pages(command: &Command) -> Result<Vec<Page>, Failure> {
    let mut pages = vec![page(command)?];
    for below in command.get_subcommands() {
        pages.extend(self::pages(below)?);
    }
    Ok(pages)
}

fn page(command: &Command) -> Result<Page, Failure> {
    let usage = usage(command);
    let command = command.clone().subcommand_value_name("command").subcommand_help_heading("COMMANDS");
    let command = command.override_usage(usage);
    // The pages have no date, so that the same program prints the same page. The blank keeps the arguments after it in
    // their places.
    let man = Man::new(command.clone()).date(" ").source(SOURCE).manual(MANUAL);
    let mut text = Vec::new();
    render(&man, &command, &mut text).map_err(|error| Failure::defect(&format!("man page: {error}")))?;
    Ok((man.get_filename(), text))
}

/// Returns a command with all that may stand behind it, and what values are: clap's own usage has `[OPTIONS]` for all
/// options, and the page's none of their values.
fn usage(command: &Command) -> String {
    let mut words = vec![command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned()];
    let groups: Vec<_> = command.get_groups().filter(|group| group.is_required_set()).collect();
    let is_in_group = |argument: &Arg| groups.iter().any(|group| group.get_args().any(|id| id == argument.get_id()));
    let options = command.get_arguments().filter(|argument| !argument.is_positional() && !argument.is_hide_set());
    let (needed, free): (Vec<_>, Vec<_>) =
        options.filter(|option| !is_in_group(option)).partition(|option| option.is_required_set());
    words.extend(free.into_iter().map(|option| format!("[{}]", shown(option))));
    words.extend(needed.into_iter().map(shown));
    for group in &groups {
        let members = command.get_arguments().filter(|argument| group.get_args().any(|id| id == argument.get_id()));
        words.push(format!("{{{}}}", members.map(shown).collect::<Vec<_>>().join(" | ")));
    }
    for positional in command.get_positionals().filter(|positional| !is_in_group(positional)) {
        let shown = shown(positional);
        words.push(if positional.is_required_set() { shown } else { format!("[{shown}]") });
    }
    if command.has_subcommands() {
        words.push("command".to_owned());
    }
    words.join(" ")
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

/// Returns an argument with its values, such as `--out DIR` or `-q|--quiet`.
fn shown(argument: &Arg) -> String {
    let names =
        [argument.get_short().map(|short| format!("-{short}")), argument.get_long().map(|long| format!("--{long}"))];
    let names = names.into_iter().flatten().collect::<Vec<_>>().join("|");
    let id = || vec![argument.get_id().as_str().to_uppercase()];
    let values = argument.get_value_names().map_or_else(id, |names| names.iter().map(ToString::to_string).collect());
    let values = takes_value(argument).then(|| values.join(" "));
    let is_repeated = matches!(argument.get_action(), ArgAction::Append | ArgAction::Count);
    let words: Vec<_> = [names].into_iter().chain(values).filter(|word| !word.is_empty()).collect();
    format!("{}{}", words.join(" "), if is_repeated { " ..." } else { "" })
}

fn render(man: &Man, command: &Command, mut text: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(text)?;
    // No hyphen of groff's and no wide blank in a command that somebody copies.
    let mut setting = Roff::new();
    setting.control("nh", []).control("ad", ["l"]);
    setting.to_writer(&mut text)?;
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    man.render_options_section(text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(text)?;
    }
    let mut end = Roff::new();
    end.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in [("0", "Done."), ("1", "The check said no."), ("2", "Could not run.")] {
        end.control("TP", []);
        end.text([bold(code)]);
        end.text([roman(meaning)]);
    }
    let examples = examples::of(command.get_bin_name().unwrap_or_default());
    if !examples.is_empty() {
        end.control("SH", ["EXAMPLES"]);
    }
    for (line, chapter) in &examples {
        end.control("TP", []);
        end.text([bold(line)]);
        end.text([roman(format!("From {}.", name(chapter)))]);
    }
    end.control("SH", ["SEE ALSO"]);
    let mut chapters: Vec<_> = examples.iter().map(|(_, chapter)| *chapter).collect();
    if !command.get_bin_name().unwrap_or_default().contains(' ') && command.has_subcommands() {
        chapters = CHAPTERS.iter().map(|(name, _, _)| *name).collect();
    }
    chapters.dedup();
    let last = chapters.len().saturating_sub(1);
    for (place, chapter) in chapters.into_iter().enumerate() {
        end.text([bold(format!("certferry-{chapter}")), roman(if place == last { "(7)" } else { "(7)," })]);
    }
    end.control("PP", []);
    end.text([bold("certferry help"), roman(" lists the chapters of the manual.")]);
    end.to_writer(&mut text)
}

fn name(chapter: &str) -> String {
    format!("certferry-{chapter}(7)")
}

fn chapter((title, about, text): &Chapter) -> Page {
    let others = CHAPTERS.iter().filter(|(other, _, _)| other != title).map(|(other, _, _)| name(other));
    let see_also: Vec<_> = ["certferry(1)".to_owned()].into_iter().chain(others).collect();
    let page = markdown::Page {
        name: &format!("certferry-{title}"),
        section: "7",
        about,
        source: SOURCE,
        manual: MANUAL,
        see_also: &see_also,
    };
    (format!("certferry-{title}.7"), markdown::roff(&page, &parse(text)).into_bytes())
}

/// Writes the pages of each section into the folder in which man(1) looks for them, or refuses what that would refuse.
fn write(dry_run: bool, folder: &Path, sections: &[(&str, Vec<Page>)]) -> Result<String, Failure> {
    if let Some(section) = folder.file_name().filter(|name| sections.iter().any(|(section, _)| name == section)) {
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.map_or_else(|| ".".to_owned(), |above| above.display().to_string());
        return Err(Failure::cannot_run(format!(
            "{} is for one section of pages, and there are two: man1 and man7",
            section.display()
        ))
        .hint(format!("name the folder above it: --out {above}")));
    }
    let mut outputs = Outputs::new();
    let mut said = String::new();
    for (section, pages) in sections {
        let folder = folder.join(section);
        let (count, shown) = (pages.len(), folder.display());
        if dry_run {
            check(&folder, pages)?;
            said += &format!("{count} pages would be in {shown}; nothing was written\n");
            continue;
        }
        outputs.create_folder(&folder, 0o755).or_cannot("create", &folder)?;
        for (name, text) in pages {
            let path = folder.join(name);
            let staged = outputs.stage(&path, 0o644, true).and_then(|mut file| file.write_all(text));
            staged.or_cannot("write", &path)?;
        }
        said += &format!("{count} pages in {shown}\n");
    }
    outputs.commit().map_err(|refused| Failure::commit("write", &refused))?;
    Ok(said)
}

/// Refuses a folder that cannot be made, and pages in whose places there are folders.
fn check(folder: &Path, pages: &[Page]) -> Result<(), Failure> {
    let above = folder.ancestors().find(|above| above.symlink_metadata().is_ok());
    if above.is_some_and(|above| !above.is_dir()) {
        return Err(Failure::io("create", folder, &io::ErrorKind::NotADirectory.into()));
    }
    match pages.iter().map(|(name, _)| folder.join(name)).find(|path| path.is_dir() && !path.is_symlink()) {
        Some(path) => Err(Failure::io("write", &path, &io::ErrorKind::IsADirectory.into())),
        None => Ok(()),
    }
}
