//! `seed reseal`: seals a seed with another passphrase, or to recipients instead.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::args::OutputFormat;
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::command::seed_keeping::Keep;
use crate::cli::failure::{Failure, named};
use crate::cli::input::sealed::Opener;
use crate::cli::text::json;
use crate::host;

/// The document for programs.
#[derive(Serialize)]
struct Json {
    changed: bool,
    dry_run: bool,
    file: String,
    /// The file of before, which stays.
    from: String,
    id: Option<String>,
    /// What it is sealed with.
    sealed: Option<&'static str>,
    /// The `.gitignore` that is new beside it.
    gitignore: Option<String>,
}

pub(crate) fn run(
    file: &Path,
    out: &Path,
    opener: &Opener<'_>,
    keep: Keep<'_>,
    dry_run: bool,
    output: OutputFormat,
) -> Result<String, Failure> {
    seed_file::check_new(out)?;
    keep.recipients()?;
    let checked = host::check_new_file(out);
    checked.map_err(|error| seed_file::cannot_create(Failure::io("create", out, &error), &error))?;
    let made = if dry_run { None } else { Some(make(file, out, opener, keep)?) };
    if output == OutputFormat::Json {
        let (id, gitignore) = made.map_or((None, None), |(id, ignored)| (Some(id), ignored));
        let document = Json {
            changed: true,
            dry_run,
            file: out.display().to_string(),
            from: file.display().to_string(),
            id,
            sealed: keep.word(),
            gitignore: gitignore.map(|path| path.display().to_string()),
        };
        return json::document("seed-reseal", &document);
    }
    let Some((id, ignored)) = made else {
        return Ok(format!("{} would be made; nothing was written\n", out.display()));
    };
    let head = seed_file::made_head(out, &id, keep, ignored.as_deref());
    Ok(format!(
        "{head}{} is as it was: destroy its copies once this one is checked with `certferry seed check`.\n",
        named(file)
    ))
}

/// Seals the seed of a file as another. Returns its id, and the `.gitignore` that is new beside it.
fn make(file: &Path, out: &Path, opener: &Opener<'_>, keep: Keep<'_>) -> Result<(String, Option<PathBuf>), Failure> {
    let seed = seed_file::read_whole(file, WeakSeed::Named, opener)?.seed;
    let ignored = seed_file::create(out, &seed, keep)?;
    Ok((seed.id(), ignored))
}
