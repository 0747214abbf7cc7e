//! `seed reseal`: seals a seed with another passphrase, or to recipients instead.

use std::path::Path;

use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::command::seed_keeping::Keep;
use crate::cli::failure::{Failure, named};
use crate::cli::input::sealed::Opener;
use crate::host;

pub(crate) fn run(
    file: &Path,
    out: &Path,
    opener: &Opener<'_>,
    keep: Keep<'_>,
    dry_run: bool,
) -> Result<String, Failure> {
    seed_file::check_new(out)?;
    keep.recipients()?;
    let checked = host::check_new_file(out);
    checked.map_err(|error| seed_file::cannot_create(Failure::io("create", out, &error), &error))?;
    if dry_run {
        return Ok(format!("{} would be made; nothing was written\n", out.display()));
    }
    let seed = seed_file::read_whole(file, WeakSeed::Named, opener)?.seed;
    let ignored = seed_file::create(out, &seed, keep)?;
    let head = seed_file::made_head(out, &seed.id(), keep, ignored.as_deref());
    Ok(format!(
        "{head}{} is as it was: destroy its copies once this one is checked with `certferry seed check`.\n",
        named(file)
    ))
}
