//! Reading whole files with a limit, and creating secret ones.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The whole file, wiped when dropped.
///
/// # Errors
/// When it cannot be read, is no regular file or pipe, or is longer than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    read_limited(file, limit)
}

/// The whole standard input, wiped when dropped.
///
/// # Errors
/// As [`read`].
pub fn read_stdin(limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    read_limited(io::stdin().lock(), limit)
}

/// All that is left of a source, wiped when dropped.
///
/// # Errors
/// When it cannot be read or is longer than `limit` bytes.
pub fn read_limited(source: impl Read, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// Opens a file for buffered reading.
///
/// # Errors
/// When it cannot be opened or is a folder.
pub fn open(path: &Path) -> io::Result<BufReader<File>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// SHA-256 of a file.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> io::Result<[u8; 32]> {
    let mut source = open(path)?;
    let mut hash = Sha256::new();
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hash.finalize().into());
        }
        hash.update(bytes);
        let length = bytes.len();
        source.consume(length);
    }
}

/// Creates a file of mode 0600 that did not exist, and has it on the disk when it returns.
///
/// # Errors
/// When the path exists in any form, or the file cannot be written; nothing is left then.
pub fn create_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_new(path, 0o600)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_folder_of(path));
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Opens a file that did not exist to write and read it back, following no link, its mode set whatever the umask.
pub(super) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).custom_flags(flags).open(path)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    Ok(file)
}

/// The names in a folder are on the disk when this returns.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    sync_folder(parent(path))
}

/// The folder that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
