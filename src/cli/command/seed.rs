//! `seed new` and `seed id`, and the seeds that other commands read and make.

use std::io;
use std::path::Path;

use crate::cli::args::SeedCommand;
use crate::cli::failure::Failure;
use crate::cli::input::misplaced_secret;
use crate::host;
use crate::keys::Seed;

/// The most bytes of a seed file.
const LIMIT: u64 = 4096;

pub(crate) fn run(command: &SeedCommand) -> Result<String, Failure> {
    match command {
        SeedCommand::New { file } => {
            check_new(file)?;
            let seed = random()?;
            create(file, &seed)?;
            Ok(format!(
                "{}  seed id {}\nWhoever has this file can make every key of the cluster. Keep two copies offline.\n",
                file.display(),
                seed.id()
            ))
        }
        SeedCommand::Id { file } => Ok(format!("{}\n", read(file)?.id())),
    }
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
pub(crate) fn create(file: &Path, seed: &Seed) -> Result<(), Failure> {
    host::create_secret(file, seed.to_text().as_bytes()).map_err(|error| {
        let failure = Failure::io("create", file, &error);
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                failure.hint("a seed is never overwritten; choose another name, or use the existing seed with --seed")
            }
            _ => failure,
        }
    })
}

/// Reads a seed from a file, or from the standard input for `-`.
pub(crate) fn read(file: &Path) -> Result<Seed, Failure> {
    misplaced_secret::refuse_argument(file)?;
    let read = match file == Path::new("-") {
        true => host::read_stdin(LIMIT).map(|bytes| (bytes, false)),
        false => host::read_secret(file, LIMIT),
    };
    let (bytes, is_open_to_others) = read.map_err(|error| {
        let failure = Failure::io("read the seed", file, &error);
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hint("make one with `certferry seed new FILE`, or build with --new-seed FILE")
            }
            _ => failure,
        }
    })?;
    let seed = Seed::parse(&bytes).map_err(|error| {
        Failure::cannot_run(format!("{} is not a seed: {error}", file.display()))
            .hint("a seed is one line, `certferry-seed-1:` and 64 lower-case hex digits")
    })?;
    if is_open_to_others {
        let name = file.display();
        host::write_stderr(&format!("warning: {name} can be read by others\nhint: chmod 600 {name}\n"));
    }
    Ok(seed)
}
