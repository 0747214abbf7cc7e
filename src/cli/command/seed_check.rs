//! `seed check`: says whether a copy of a seed is good, and whether it is that of a lock.

use std::path::Path;

use serde::Serialize;

use crate::cli::args::OutputFormat;
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::failure::{Failure, named};
use crate::cli::input::lock_file;
use crate::cli::input::sealed::Opener;
use crate::cli::notice::Notice;
use crate::cli::text::json;
use crate::seal::OpensWith;

/// The document for programs.
#[derive(Serialize)]
struct Json {
    file: String,
    id: String,
    /// What it is sealed with.
    sealed: Option<&'static str>,
    has_id: bool,
    /// The lock whose seed it is.
    lock: Option<String>,
}

pub(crate) fn run(
    file: &Path,
    lock: Option<&Path>,
    opener: &Opener<'_>,
    output: OutputFormat,
) -> Result<String, Failure> {
    let read = seed_file::read_whole(file, WeakSeed::Named, opener)?;
    let (name, id) = (named(file), read.seed.id());
    if !read.has_id {
        Notice::new(format!("{name} has no second line with its id: a wrong digit in it would not be found"))
            .hint("compare the id with the `seed_id` that is in the lock: --lock FILE does")
            .give();
    }
    if let Some(path) = lock {
        let lock = lock_file::read(path)?;
        let lock = lock.ok_or_else(|| Failure::cannot_run(format!("there is no lock {}", path.display())))?;
        if lock.seed_id != id {
            return Err(Failure::says_no(format!("{name} is another seed than that of {}", path.display()))
                .hint(format!("its id is {id}, that of the lock's is {}", lock.seed_id)));
        }
    }
    if output == OutputFormat::Json {
        let sealed = read.sealed.map(|with| match with {
            OpensWith::Passphrase => "passphrase",
            OpensWith::Identity => "recipients",
        });
        let (file, lock) = (file.display().to_string(), lock.map(|path| path.display().to_string()));
        return json::document("seed-check", &Json { file, id, sealed, has_id: read.has_id, lock });
    }
    let kept = if read.sealed.is_some() { "sealed" } else { "in the clear" };
    let lock = lock.map(|path| format!(", and that of {}", path.display())).unwrap_or_default();
    Ok(format!("{name}  seed id {id}, {kept}: it is whole{lock}\n"))
}
