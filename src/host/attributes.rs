//! Extended attributes (xattr(7)), in which Linux keeps access control lists (acl(5)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;
use thiserror::Error;

use super::reason;

/// A file system lists an extended attribute, and does not let a copy have it.
#[derive(Debug, Error)]
#[error("{name} of {}: {}", path.display(), reason(error))]
pub struct AttributeError {
    /// The file or folder that has the attribute.
    pub path: PathBuf,
    /// The name of the attribute.
    pub name: String,
    /// What the file system said.
    pub error: io::Error,
}

/// Copies the extended attributes of the file or folder at a path, which is open, to another.
///
/// Those of security modules stay away: they follow from where a file is, and are set anew.
///
/// # Errors
/// Returns what the file system said, with an [`AttributeError`] in it where it refuses a single attribute. That it knows
/// no attributes is no error: then there are none.
pub(super) fn copy((path, from): (&Path, &File), to: &File) -> io::Result<()> {
    let names = read(|buffer| flistxattr(from, buffer)).or_else(|error| match error {
        Errno::NOTSUP => Ok(Vec::new()),
        error => Err(error),
    })?;
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !name.starts_with(b"security.")) {
        let value = read(|buffer| fgetxattr(from, name, buffer))?;
        match fsetxattr(to, name, &value, XattrFlags::empty()) {
            Err(error @ (Errno::NOTSUP | Errno::PERM | Errno::ACCESS | Errno::INVAL)) => {
                let (path, error) = (path.to_owned(), io::Error::from(error));
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(io::Error::new(error.kind(), AttributeError { path, name, error }));
            }
            set => set?,
        }
    }
    Ok(())
}

/// Returns what a call writes into a buffer as large as the kernel lets a value and a list of names be (xattr(7)).
fn read(call: impl FnOnce(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; 1 << 16];
    let length = call(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}
