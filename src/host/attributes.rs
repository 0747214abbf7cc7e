//! Extended attributes (xattr(7)), in which Linux keeps access control lists (acl(5)).

use std::fs::File;
use std::io;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

/// Copies the extended attributes of a file or folder to another.
///
/// Those of security modules stay away: they follow from where a file is, and are set anew.
///
/// # Errors
/// Returns what the file system said. That it knows no attributes is no error: then there are none.
pub(super) fn copy(from: &File, to: &File) -> io::Result<()> {
    let names = read(|buffer| flistxattr(from, buffer)).or_else(|error| match error {
        Errno::NOTSUP => Ok(Vec::new()),
        error => Err(error),
    })?;
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !name.starts_with(b"security.")) {
        let value = read(|buffer| fgetxattr(from, name, buffer))?;
        fsetxattr(to, name, &value, XattrFlags::empty())?;
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
