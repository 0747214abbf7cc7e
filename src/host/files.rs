//! Reading whole files with a limit, and creating new ones.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Room for what comes through a pipe, of which nobody says how long it is. A seed fits in it.
const ROOM: u64 = 4096;

/// The whole file, wiped when dropped.
///
/// # Errors
/// When it cannot be read, is a folder, or is longer than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    Ok(read_secret(path, limit)?.0)
}

/// As [`read`], and whether others than the owner may read the file: its group or everybody.
///
/// # Errors
/// As [`read`].
pub fn read_secret(path: &Path, limit: u64) -> io::Result<(Zeroizing<Vec<u8>>, bool)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let is_open_to_others = metadata.is_file() && metadata.mode() & 0o044 != 0;
    Ok((read_limited(file, metadata.len(), limit)?, is_open_to_others))
}

/// The whole standard input, wiped when dropped.
///
/// # Errors
/// As [`read`].
pub fn read_stdin(limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Not through std's own buffer, which is never wiped.
    let source = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    read_limited(source, 0, limit)
}

/// All that is left of a source, wiped when dropped; `expected` bytes, as far as that is known.
///
/// # Errors
/// When it cannot be read or is longer than `limit` bytes.
pub(super) fn read_limited(source: impl Read, expected: u64, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // All room at once, as far as that is known: a buffer that grows leaves copies of a seed behind.
    let room = expected.max(ROOM).min(limit).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// Whether a regular file begins with these bytes. What is no regular file is not looked at: it could not be read
/// again.
///
/// # Errors
/// When it cannot be read.
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
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    Ok(file)
}

/// A hidden name beside `target` that no other run has, not even one that was killed: `.<name>.<8 hex digits>.part`.
///
/// The process id would not do: in a container each run may have the same.
pub(super) fn temporary_beside(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the operating system gives no random bytes"))?;
    Ok(parent(target).join(format!(".{name}.{:08x}.part", u32::from_be_bytes(bytes))))
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
