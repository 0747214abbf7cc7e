//! The file of a lock.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::input::misplaced_secret;
use crate::cli::input::source;
use crate::host;
use crate::lock::Lock;

/// The most bytes of a lock. 10,000 nodes make about 60 MB.
pub(crate) const LIMIT: u64 = 512 << 20;

/// Returns the path that was given, or `<profile stem>.lock.toml` beside the profile.
pub(crate) fn path(given: Option<&Path>, profile: &Path) -> Result<PathBuf, Failure> {
    match given {
        Some(path) => Ok(path.to_owned()),
        None if source::is_standard(profile) => {
            Err(Failure::cannot_run("the profile is `-`, and nothing lies beside it")
                .hint("name the lock with --lock FILE; the first build writes it"))
        }
        None => Ok(profile.with_extension("lock.toml")),
    }
}

/// Reads the lock of the build before, if there is one.
pub(crate) fn read(path: &Path) -> Result<Option<Lock>, Failure> {
    let bytes = match host::read(path, LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io("read the lock", path, &error)),
    };
    misplaced_secret::refuse_content(path, &bytes, "a lock")?;
    Lock::parse(&bytes).map(Some).map_err(|error| {
        let error = error.to_string();
        // The reader of TOML shows the line below its first words.
        let (reason, lines) = error.split_once('\n').unwrap_or((&error, ""));
        Failure::cannot_run(format!("{} is not a lock: {reason}", path.display()))
            .lines(lines)
            .hint("restore it from version control; to begin anew, move it away")
    })
}
