//! Prints results while they are made. Those about large clusters have hundreds of megabytes.

use std::io::{self, Write};
use std::mem::take;

use crate::cli::failure::{Failure, printed};
use crate::host;

/// How many bytes are printed together.
const CHUNK: usize = 64 << 10;

/// A text on its way to the standard output.
pub(crate) struct Printer {
    pending: Vec<u8>,
    escape: fn(String) -> String,
}

/// Prints what `make` writes, after `escape` has seen each piece of it. Each write must be whole characters.
pub(crate) fn print(
    escape: fn(String) -> String,
    make: impl FnOnce(&mut Printer) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut printer = Printer { pending: Vec::new(), escape };
    printed(make(&mut printer).and_then(|()| printer.flush()))
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8(take(&mut self.pending)).map_err(io::Error::other)?;
        host::write_stdout(&(self.escape)(text))
    }
}
