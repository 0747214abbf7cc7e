//! `seed check`: says whether a copy of a seed is good, and whether it is that of a lock.

use std::path::Path;

use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::failure::{Failure, named};
use crate::cli::input::lock_file;
use crate::cli::input::sealed::Opener;
use crate::cli::notice::Notice;

pub(crate) fn run(file: &Path, lock: Option<&Path>, opener: &Opener<'_>) -> Result<String, Failure> {
    let read = seed_file::read_whole(file, WeakSeed::Named, opener)?;
    let (name, id) = (named(file), read.seed.id());
    if !read.has_id {
        Notice::new(format!("{name} has no second line with its id: a wrong digit in it would not be found"))
            .hint("compare the id with the `seed_id` that is in the lock: --lock FILE does")
            .give();
    }
    let kept = if read.is_sealed { "sealed" } else { "in the clear" };
    let Some(path) = lock else { return Ok(format!("{name}  seed id {id}, {kept}: it is whole\n")) };
    let lock = lock_file::read(path)?;
    let lock = lock.ok_or_else(|| Failure::cannot_run(format!("there is no lock {}", path.display())))?;
    match lock.seed_id == id {
        true => Ok(format!("{name}  seed id {id}, {kept}: it is whole, and that of {}\n", path.display())),
        false => Err(Failure::says_no(format!("{name} is another seed than that of {}", path.display()))
            .hint(format!("its id is {id}, that of the lock's is {}", lock.seed_id))),
    }
}
