//! `man`: prints pages for man(1), made from the definition of the command line.

use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::args::{Arguments, ManArguments};
use crate::cli::failure::{Failure, OrFailure};
use crate::host::Outputs;

const SOURCE: &str = concat!("certferry ", env!("CARGO_PKG_VERSION"));

pub(crate) fn run(arguments: &ManArguments) -> Result<String, Failure> {
    let mut command = Arguments::command();
    // Only after this does a command know the name of the command above it.
    command.build();
    match &arguments.out {
        None => Ok(String::from_utf8_lossy(&page(&command)?.1).into_owned()),
        Some(folder) => write(folder, &pages(&command)?),
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
    let command = command.clone().subcommand_value_name("command").subcommand_help_heading("COMMANDS");
    // The pages have no date, so that the same program prints the same page. The blank keeps the arguments after it in
    // their places.
    let man = Man::new(command.clone()).date(" ").source(SOURCE).manual("Manual of certferry");
    let mut text = Vec::new();
    render(&man, &command, &mut text).map_err(|error| Failure::defect(&format!("man page: {error}")))?;
    Ok((man.get_filename(), text))
}

fn render(man: &Man, command: &Command, mut text: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(text)?;
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
    end.control("SH", ["SEE ALSO"]);
    end.text([bold("certferry help"), roman(" lists the chapters of the manual.")]);
    end.to_writer(&mut text)
}

fn write(folder: &Path, pages: &[Page]) -> Result<String, Failure> {
    let mut outputs = Outputs::new();
    outputs.create_folder(folder, 0o755).or_cannot("create", folder)?;
    for (name, text) in pages {
        let path = folder.join(name);
        let staged = outputs.stage(&path, 0o644, true).and_then(|mut file| file.write_all(text));
        staged.or_cannot("write", &path)?;
    }
    outputs.commit().map_err(|refused| Failure::commit("write", &refused))?;
    Ok(format!("{} pages in {}\n", pages.len(), folder.display()))
}
