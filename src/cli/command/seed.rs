//! `seed new` and `seed id`, and the seeds that other commands read and make.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::args::{OutputFormat, SeedCommand};
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::misplaced_secret;
use crate::cli::notice::Notice;
use crate::cli::text::{gitignore, json};
use crate::host::{self, Exposure, Outputs};
use crate::keys::Seed;

/// The most bytes of a seed file.
const LIMIT: u64 = 4096;

/// The most bytes that are read of a `.gitignore`.
const GITIGNORE_LIMIT: u64 = 1 << 20;

#[derive(Serialize)]
struct SeedNewJson {
    changed: bool,
    dry_run: bool,
    file: String,
    id: Option<String>,
    /// The `.gitignore` that is new beside it.
    gitignore: Option<String>,
}

#[derive(Serialize)]
struct SeedIdJson {
    id: String,
}

pub(crate) fn run(command: &SeedCommand) -> Result<String, Failure> {
    match command {
        SeedCommand::New { file, dry_run, format } => {
            check_new(file)?;
            let made = if *dry_run { would_create(file)? } else { Some(make(file)?) };
            if let Some((what, hint)) = weak_place(file) {
                Notice::new(what).hint(hint).give();
            }
            let (id, ignored) = made.map_or((None, None), |(id, ignored)| (Some(id), ignored));
            let (file, gitignore) = (file.display(), ignored.map(|path| path.display().to_string()));
            if format.output == OutputFormat::Json {
                let file = file.to_string();
                let document = SeedNewJson { changed: true, dry_run: *dry_run, file, id, gitignore };
                return json::document("seed-new", &document);
            }
            let ignored = gitignore.map(|path| format!("{path}  {}\n", gitignore::KEEPS_OUT)).unwrap_or_default();
            Ok(match id {
                None => format!("{file} would be made; nothing was written\n"),
                Some(id) => format!(
                    "{file}  seed id {id}\n{ignored}Whoever has this file can make every key of the cluster. Keep two \
                     copies offline.\n"
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

/// Makes a seed. Returns its id, and the `.gitignore` that is new beside it.
fn make(file: &Path) -> Result<(String, Option<PathBuf>), Failure> {
    let seed = random()?;
    let ignored = create(file, &seed)?;
    Ok((seed.id(), ignored))
}

/// Refuses what [`make`] would refuse. Returns that nothing is made.
fn would_create<Made>(file: &Path) -> Result<Option<Made>, Failure> {
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

/// Writes a seed to a file that must not exist, and `.gitignore` beside it. Returns the path of the latter when it is new.
fn create(file: &Path, seed: &Seed) -> Result<Option<PathBuf>, Failure> {
    if file.symlink_metadata().is_ok() {
        let error = rustix::io::Errno::EXIST.into();
        return Err(cannot_create(Failure::io("create", file, &error), &error));
    }
    let mut outputs = Outputs::new();
    stage(&mut outputs, file, seed)?;
    let ignored = stage_gitignore(&mut outputs, file)?;
    outputs.commit().map_err(|refused| cannot_create(Failure::commit("create", &refused), &refused.error))?;
    Ok(ignored)
}

/// Stages `.gitignore` beside a new seed where there is none, and returns its path. One that is there is not changed; when it
/// does not name the seed, that is said.
pub(crate) fn stage_gitignore(outputs: &mut Outputs, seed: &Path) -> Result<Option<PathBuf>, Failure> {
    let (path, name) = (seed.with_file_name(".gitignore"), seed.file_name().unwrap_or_default().to_string_lossy());
    if path.symlink_metadata().is_err() {
        outputs.put(&path, gitignore::content(&name).as_bytes(), 0o644, false).or_cannot("create", &path)?;
        return Ok(Some(path));
    }
    let is_file = path.metadata().is_ok_and(|found| found.is_file());
    let content = is_file.then(|| host::read(&path, GITIGNORE_LIMIT).ok()).flatten().unwrap_or_default();
    if !gitignore::names(&String::from_utf8_lossy(&content), &name) {
        Notice::new(format!("{} does not name {name}", path.display()))
            .hint(format!("whoever gets it from version control has every key: add the line {name}"))
            .give();
    }
    Ok(None)
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
