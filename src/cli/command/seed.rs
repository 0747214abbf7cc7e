//! `seed new` and `seed id`; the other commands of `seed` have files of their own.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::args::{OutputFormat, SeedCommand};
use crate::cli::command::seed_file::{WeakSeed, cannot_create, check_new, create, made_head, random, read, weak_place};
use crate::cli::command::seed_keeping::Keep;
use crate::cli::command::{seed_check, seed_combine, seed_from_words, seed_reseal, seed_split, seed_words};
use crate::cli::failure::Failure;
use crate::cli::input::sealed::Opener;
use crate::cli::notice::Notice;
use crate::cli::text::json;
use crate::host;

#[derive(Serialize)]
struct SeedNewJson {
    changed: bool,
    dry_run: bool,
    file: String,
    id: Option<String>,
    /// What it is sealed with.
    sealed: Option<&'static str>,
    /// The `.gitignore` that is new beside it.
    gitignore: Option<String>,
}

#[derive(Serialize)]
struct SeedIdJson {
    id: String,
}

pub(crate) fn run(command: &SeedCommand) -> Result<String, Failure> {
    match command {
        SeedCommand::New { file, keep, dry_run, format } => new(file, keep.into(), *dry_run, format.output),
        SeedCommand::Id { file, open, format } => {
            let id = read(file, WeakSeed::Named, &Opener::new(open))?.id();
            match format.output {
                OutputFormat::Text => Ok(format!("{id}\n")),
                OutputFormat::Json => json::document("seed-id", &SeedIdJson { id }),
            }
        }
        SeedCommand::Check { file, lock, open } => seed_check::run(file, lock.as_deref(), &Opener::new(open)),
        SeedCommand::Reseal { file, out, open, new_passphrase_file, clear, dry_run } => {
            let keep = Keep::new(new_passphrase_file.as_deref(), "--new-passphrase-file", clear);
            seed_reseal::run(file, out, &Opener::new(open), keep, *dry_run)
        }
        SeedCommand::Words(arguments) => seed_words::run(arguments),
        SeedCommand::FromWords(arguments) => seed_from_words::run(arguments),
        SeedCommand::Split(arguments) => seed_split::run(arguments),
        SeedCommand::Combine(arguments) => seed_combine::run(arguments),
    }
}

fn new(file: &Path, keep: Keep<'_>, dry_run: bool, output: OutputFormat) -> Result<String, Failure> {
    check_new(file)?;
    keep.recipients()?;
    let made = if dry_run { would_create(file)? } else { Some(make(file, keep)?) };
    if let Some((what, hint)) = weak_place(file) {
        Notice::new(what).hint(hint).give();
    }
    let (id, ignored) = made.map_or((None, None), |(id, ignored)| (Some(id), ignored));
    if output == OutputFormat::Json {
        let (file, gitignore) = (file.display().to_string(), ignored.map(|path| path.display().to_string()));
        let document = SeedNewJson { changed: true, dry_run, file, id, sealed: keep.word(), gitignore };
        return json::document("seed-new", &document);
    }
    Ok(match id {
        None => format!("{} would be made; nothing was written\n", file.display()),
        Some(id) => {
            let head = made_head(file, &id, keep, ignored.as_deref());
            let what = match keep.word() {
                None => "Whoever has this file can make every key of the cluster. Keep two copies offline.",
                Some("passphrase") => {
                    "Whoever has this file and the passphrase can make every key of the cluster. Keep two copies offline, and \
                     the passphrase elsewhere."
                }
                Some(_) => {
                    "Whoever has this file and an identity can make every key of the cluster. Keep two copies offline, and the \
                     identities elsewhere."
                }
            };
            format!("{head}{what}\n")
        }
    })
}

/// Makes a seed. Returns its id, and the `.gitignore` that is new beside it.
fn make(file: &Path, keep: Keep<'_>) -> Result<(String, Option<PathBuf>), Failure> {
    let seed = random()?;
    let ignored = create(file, &seed, keep)?;
    Ok((seed.id(), ignored))
}

/// Refuses what [`make`] would refuse. Returns that nothing is made.
fn would_create<Made>(file: &Path) -> Result<Option<Made>, Failure> {
    let checked = host::check_new_file(file);
    checked.map_err(|error| cannot_create(Failure::io("create", file, &error), &error))?;
    Ok(None)
}
