//! `seed new` and `seed id`, and the seeds that other commands read and make.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::cli::args::{OutputFormat, SeedCommand};
use crate::cli::failure::{Failure, named};
use crate::cli::input::misplaced_secret;
use crate::cli::notice::Notice;
use crate::cli::text::json;
use crate::host::{self, Exposure, Outputs};
use crate::keys::Seed;

/// The most bytes of a seed file.
const LIMIT: u64 = 4096;

#[derive(Serialize)]
struct SeedNewJson {
    changed: bool,
    dry_run: bool,
    file: String,
    id: Option<String>,
}

#[derive(Serialize)]
struct SeedIdJson {
    id: String,
}

pub(crate) fn run(command: &SeedCommand) -> Result<String, Failure> {
    match command {
        SeedCommand::New { file, dry_run, format } => {
            check_new(file)?;
            let id = if *dry_run { would_create(file)? } else { Some(make(file)?) };
            if let Some((what, hint)) = weak_place(file) {
                Notice::new(what).hint(hint).give();
            }
            let file = file.display();
            if format.output == OutputFormat::Json {
                let document = SeedNewJson { changed: true, dry_run: *dry_run, file: file.to_string(), id };
                return json::document("seed-new", &document);
            }
            Ok(match id {
                None => format!("{file} would be made; nothing was written\n"),
                Some(id) => format!(
                    "{file}  seed id {id}\nWhoever has this file can make every key of the cluster. Keep two copies \
                     offline.\n"
                ),
            })
        }
        SeedCommand::Id { file, format } => {
            let id = read(file, WeakSeed::Named)?.id();
            match format.output {
                OutputFormat::Text => Ok(format!("{id}\n")),
                OutputFormat::Json => json::document("seed-id", &SeedIdJson { id }),
            }
        }
    }
}

/// Makes a seed. Returns its id.
fn make(file: &Path) -> Result<String, Failure> {
    let seed = random()?;
    create(file, &seed)?;
    Ok(seed.id())
}

/// Refuses what [`make`] would refuse. Returns that there is no id.
fn would_create(file: &Path) -> Result<Option<String>, Failure> {
    let checked = host::check_new_file(file);
    checked.map_err(|error| cannot_create(Failure::io("create", file, &error), &error))?;
    Ok(None)
}

/// Refuses a new seed's file that [`read`] would refuse afterwards.
pub(crate) fn check_place(file: &Path, weak: WeakSeed) -> Result<(), Failure> {
    match weak_place(file) {
        Some((what, hint)) if weak == WeakSeed::Refused => Err(refused(what, hint)),
        _ => Ok(()),
    }
}

fn weak_place(file: &Path) -> Option<(String, String)> {
    let folder = host::folder_of_others(file)?;
    let (name, folder) = (file.display(), folder.display());
    Some((
        format!("others can put another file in the place of {name}: they may write to {folder}"),
        format!("choose a folder of your own, or chmod go-w {folder}"),
    ))
}

fn refused(what: String, hint: String) -> Failure {
    Failure::cannot_run(what).hint(hint).hint("--allow-weak-seed takes it all the same")
}

/// Refuses a path that cannot become a new seed's file, before any work.
pub(crate) fn check_new(file: &Path) -> Result<(), Failure> {
    misplaced_secret::refuse_argument(file)?;
    if file == Path::new("-") {
        return Err(Failure::cannot_run("a new seed is not written to the standard output")
            .hint("name a file that does not exist; it gets mode 0600"));
    }
    Ok(())
}

/// Returns a new seed, which is in memory only.
pub(crate) fn random() -> Result<Seed, Failure> {
    let bytes = host::random_seed().map_err(|error| Failure::cannot_run(error.to_string()))?;
    Seed::from_bytes(*bytes).map_err(|_| Failure::cannot_run("the operating system's random numbers are broken"))
}

/// Writes a seed to a file that must not exist.
fn create(file: &Path, seed: &Seed) -> Result<(), Failure> {
    host::create_secret(file, seed.to_text().as_bytes())
        .map_err(|error| cannot_create(Failure::io("create", file, &error), &error))
}

/// Stages a seed as a file that must not exist.
pub(crate) fn stage(outputs: &mut Outputs, file: &Path, seed: &Seed) -> Result<(), Failure> {
    let staged = outputs.put(file, seed.to_text().as_bytes(), 0o600, false);
    staged.map_err(|error| cannot_create(Failure::io("create", file, &error), &error))
}

/// Adds what there is to do about a seed that could not be created.
pub(crate) fn cannot_create(failure: Failure, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            failure.hint("a seed is never overwritten; choose another name, or use the existing seed with --seed")
        }
        _ => failure,
    }
}

/// What becomes of a seed that others may have chosen or can guess.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeakSeed {
    Refused,
    /// It is taken, and a person is told.
    Named,
    /// It is taken, because a person wants it so.
    Allowed,
}

/// Reads a seed from a file, or from the standard input for `-`.
pub(crate) fn read(file: &Path, weak: WeakSeed) -> Result<Seed, Failure> {
    misplaced_secret::refuse_argument(file)?;
    let read = match file == Path::new("-") {
        true => host::read_stdin(LIMIT).map(|bytes| (bytes, Exposure::default())),
        false => host::read_secret(file, LIMIT),
    };
    let (bytes, exposure) = read.map_err(|error| {
        let failure = Failure::io("read the seed", file, &error);
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hint("make one with `certferry seed new FILE`, or build with --new-seed FILE")
            }
            _ => failure,
        }
    })?;
    let seed = Seed::parse(&bytes).map_err(|error| {
        Failure::cannot_run(format!("{} is not a seed: {error}", named(file)))
            .hint("a seed is one line, `certferry-seed-1:` and 64 lower-case hex digits")
    })?;
    let weakness = weakness(file, &exposure, &seed).filter(|_| weak != WeakSeed::Allowed);
    let is_weak = weakness.is_some();
    if let Some((what, hint)) = weakness {
        if weak == WeakSeed::Refused {
            return Err(refused(what, hint));
        }
        Notice::new(what).hint(hint).give();
    }
    if exposure.can_be_read && !is_weak {
        let name = file.display();
        Notice::new(format!("{name} can be read by others")).hint(format!("chmod 600 {name}")).give();
    }
    Ok(seed)
}

/// Returns why others may have chosen the seed or can guess it, and what to do about that.
fn weakness(file: &Path, exposure: &Exposure, seed: &Seed) -> Option<(String, String)> {
    let name = file.display();
    if let Some(pattern) = seed.pattern() {
        return Some((
            format!("{name} is a seed that can be guessed: {pattern}, so no random generator made it"),
            "make one with `certferry seed new FILE`: whoever guesses a seed has every key".to_owned(),
        ));
    }
    let place = exposure.can_be_written.as_deref()?;
    let id = format!("`certferry seed id {name}` must print the `seed_id` that is in the lock");
    Some(if place == file {
        (format!("{name} can be written by others"), format!("chmod 600 {name}; {id}"))
    } else {
        let folder = place.display();
        (
            format!("others can put another file in the place of {name}: they may write to {folder}"),
            format!("move it to a folder of your own, or chmod go-w {folder}; {id}"),
        )
    })
}
