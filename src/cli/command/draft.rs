//! A bundle that is being built: in the clear where it is going to stay so, and else where only this process reads it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::cli::failure::Failure;
use crate::seal::Ephemeral;

/// A file of a build, or what waits for one.
pub(super) enum Draft {
    /// The bundle itself, or its parts beside it.
    Plain(File),
    /// What no disk may have in the clear.
    Hidden(Box<Ephemeral<File>>),
}

impl Draft {
    /// Returns a draft over an empty file.
    pub(super) fn new(file: File, is_hidden: bool) -> Result<Self, Failure> {
        Ok(match is_hidden {
            false => Self::Plain(file),
            true => {
                let hidden = Ephemeral::new(file).map_err(|error| Failure::cannot_run(error.to_string()))?;
                Self::Hidden(Box::new(hidden))
            }
        })
    }
}

impl Read for Draft {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Hidden(file) => file.read(buffer),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Hidden(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Hidden(file) => file.flush(),
        }
    }
}

impl Seek for Draft {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Plain(file) => file.seek(to),
            Self::Hidden(file) => file.seek(to),
        }
    }
}
