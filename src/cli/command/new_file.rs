//! A file that a command makes, or would make, for the commands that make one.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::failure::{Failure, OrFailure};
use crate::host::{self, Outputs};

/// A file that must not exist, unless it holds the same bytes.
pub(super) struct NewFile<'a> {
    pub(super) path: &'a Path,
    pub(super) mode: u32,
    /// What is done with it, in the words of an error: `create` or `write`.
    pub(super) doing: &'a str,
    /// The hint for whoever names a file that is there.
    pub(super) hint: &'a str,
}

impl NewFile<'_> {
    /// Writes the file.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut outputs = Outputs::new();
        let mut staged = outputs.stage(self.path, self.mode, false).or_cannot(self.doing, self.path)?;
        staged.write_all(bytes).or_cannot("write", self.path)?;
        outputs.commit().map_err(|refused| self.exists(Failure::commit(self.doing, &refused), &refused.error))
    }

    /// Refuses what [`Self::write`] would refuse. Returns what would become of the file, in which there is `what`.
    pub(super) fn foreseen(&self, bytes: &[u8], what: &str) -> Result<String, Failure> {
        let path = self.path.display();
        Ok(match self.foresee(bytes)? {
            true => format!("{path}  {what}, is there already; nothing was written\n"),
            false => format!("{path}  {what}, would be written; nothing was\n"),
        })
    }

    /// Refuses what [`Self::write`] would refuse. Returns whether the file is there with these bytes.
    fn foresee(&self, bytes: &[u8]) -> Result<bool, Failure> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let found = self.path.is_file().then(|| host::read(self.path, length).ok()).flatten();
        if found.is_some_and(|found| **found == *bytes) {
            return Ok(true);
        }
        self.check()?;
        Ok(false)
    }

    /// Refuses what is there, whatever its bytes.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let checked = host::check_new_file(self.path);
        checked.map_err(|error| self.exists(Failure::io(self.doing, self.path, &error), &error))
    }

    fn exists(&self, failure: Failure, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::AlreadyExists { failure.hint(self.hint) } else { failure }
    }
}
