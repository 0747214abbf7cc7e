//! Files that a command reads. `-` is the standard input, which can be one of them.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::host::{self, Source};

/// Returns whether a path stands for the standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens a file or the standard input.
pub(crate) fn open(path: &Path) -> io::Result<Source> {
    if is_standard(path) { Source::stdin() } else { Source::open(path) }
}

/// Reads a whole file or the standard input. The bytes are wiped when dropped.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    if is_standard(path) { host::read_stdin(limit) } else { host::read(path, limit) }
}
