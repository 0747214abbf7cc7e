//! Reads whole files up to a limit, and creates new ones.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The room for bytes from a pipe, whose length is not known before. A seed fits in it.
const MIN_CAPACITY: u64 = 4096;

/// Reads a whole file. The bytes are wiped when dropped.
///
/// # Errors
/// Fails when the file cannot be read, is a folder, or is longer than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    Ok(read_secret(path, limit)?.0)
}

/// Reads a whole file like [`read`]. Also returns whether its group or everybody may read it.
///
/// # Errors
/// Fails like [`read`].
pub fn read_secret(path: &Path, limit: u64) -> io::Result<(Zeroizing<Vec<u8>>, bool)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let is_open_to_others = metadata.is_file() && metadata.mode() & 0o044 != 0;
    Ok((read_limited(file, metadata.len(), limit)?, is_open_to_others))
}

/// Reads the whole standard input. The bytes are wiped when dropped.
///
/// # Errors
/// Fails when it cannot be read or is longer than `limit` bytes.
pub fn read_stdin(limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Not through the buffer of std, which is never wiped.
    let source = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    read_limited(source, 0, limit)
}

/// Reads a source to its end. The bytes are wiped when dropped. `expected` is their number, as far as it is known.
///
/// # Errors
/// Fails when the source cannot be read or is longer than `limit` bytes.
pub(super) fn read_limited(source: impl Read, expected: u64, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Reserves all room at once, as far as the length is known, because a buffer that grows leaves copies of a seed
    // behind.
    let room = expected.max(MIN_CAPACITY).min(limit).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// Returns whether a regular file begins with these bytes. Returns `false` for any other kind of file without reading
/// it, because it could not be read again.
///
/// # Errors
/// Fails when the file cannot be read.
pub fn begins_with(path: &Path, prefix: &[u8]) -> io::Result<bool> {
    if !path.metadata()?.is_file() {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    let length = u64::try_from(prefix.len()).unwrap_or(u64::MAX);
    File::open(path)?.take(length).read_to_end(&mut bytes)?;
    Ok(bytes == prefix)
}

/// Opens a file for buffered reading.
///
/// # Errors
/// Fails when the file cannot be opened or is a folder.
pub fn open(path: &Path) -> io::Result<BufReader<File>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// Returns the SHA-256 of a file.
///
/// # Errors
/// Fails when the file cannot be read.
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

/// Creates a file of mode 0600 that did not exist before. The file is on the disk when this returns.
///
/// # Errors
/// Fails when the path exists in any form, and when the file cannot be written. No file is left then.
pub fn create_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_new(path, 0o600)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_folder_of(path));
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Creates a file and opens it for writing and reading. Follows no link, and sets the mode whatever the umask.
pub(super) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).custom_flags(flags).open(path)?;
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    Ok(file)
}

/// Returns a hidden name beside `target` that no other run has, not even one that was killed: `.<name>.<8 hex
/// digits>.part`.
///
/// The process id would not do, because in a container every run may have the same.
pub(super) fn temporary_beside(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the operating system gives no random bytes"))?;
    Ok(parent(target).join(format!(".{name}.{:08x}.part", u32::from_be_bytes(bytes))))
}

/// Writes the names in a folder to the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    sync_folder(parent(path))
}

/// Returns the folder that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
