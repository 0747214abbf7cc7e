//! Reads whole files up to a limit, and creates new ones.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
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

/// Reads a whole file like [`read`]. Also returns what others than its owner may do with it.
///
/// # Errors
/// Fails like [`read`].
pub fn read_secret(path: &Path, limit: u64) -> io::Result<(Zeroizing<Vec<u8>>, Exposure)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let exposure = if metadata.is_file() { Exposure::of(path, &metadata) } else { Exposure::default() };
    Ok((read_limited(file, metadata.len(), limit)?, exposure))
}

/// What others than its owner may do with a file.
#[derive(Debug, Default)]
pub struct Exposure {
    /// Whether they may read it.
    pub can_be_read: bool,
    /// What they may write: the file itself, or a folder above it, in which they could put another file in its place.
    pub can_be_written: Option<PathBuf>,
}

impl Exposure {
    fn of(path: &Path, metadata: &Metadata) -> Self {
        let can_be_read = metadata.mode() & 0o044 != 0;
        if metadata.mode() & 0o022 != 0 {
            return Self { can_be_read, can_be_written: Some(path.to_owned()) };
        }
        Self { can_be_read, can_be_written: folder_of_others(path) }
    }
}

/// Returns a folder above a file, whether the file exists or not, in which others than its owner may replace what leads
/// to the file.
#[must_use]
pub fn folder_of_others(path: &Path) -> Option<PathBuf> {
    // The folders of a link count as well as those of the file that it leads to. A file that has no name any more, such
    // as a shell's here-document, has no folder.
    let places = [path.canonicalize(), parent(path).canonicalize().map(|folder| folder.join("file"))];
    let folders = places.iter().flatten().flat_map(|place| place.ancestors().skip(1));
    let is_open = |folder: &&Path| folder.metadata().is_ok_and(|metadata| is_open(&metadata));
    folders.into_iter().find(is_open).map(Path::to_owned)
}

/// Returns whether others than the owner may replace a file in a folder. A sticky folder lets them not (inode(7)), and
/// many systems give each user a group of the same number, which has no other member.
fn is_open(folder: &Metadata) -> bool {
    let (mode, is_own_group) = (folder.mode(), folder.uid() != 0 && folder.uid() == folder.gid());
    mode & 0o1000 == 0 && (mode & 0o002 != 0 || (mode & 0o020 != 0 && !is_own_group))
}

/// Reads the whole standard input. The bytes are wiped when dropped.
///
/// # Errors
/// Fails when it cannot be read, was read before, or is longer than `limit` bytes.
pub fn read_stdin(limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    Source::stdin()?.read(limit)
}

/// An open file, whose first bytes can be looked at although it may be a pipe.
pub struct Source {
    first: Zeroizing<Vec<u8>>,
    file: File,
    /// Whether all of the file is in `first`: a terminal would be asked for more.
    has_ended: bool,
    length: u64,
}

impl Source {
    /// The number of bytes that can be looked at: as many as the header of a tar archive has.
    const FIRST: usize = 512;

    /// Opens a file.
    ///
    /// # Errors
    /// Fails when the file cannot be read or is a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::new(File::open(path)?)
    }

    /// Takes the standard input.
    ///
    /// # Errors
    /// Fails when it cannot be read or was taken before: only one argument can be read from it.
    pub fn stdin() -> io::Result<Self> {
        static IS_TAKEN: AtomicBool = AtomicBool::new(false);
        if IS_TAKEN.swap(true, Ordering::Relaxed) {
            return Err(io::Error::other("it is read already: only one argument can be `-`"));
        }
        // Not through the buffer of std, which is never wiped.
        Self::new(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    }

    fn new(mut file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut first = Zeroizing::new(vec![0; Self::FIRST]);
        let mut length = 0;
        let has_ended = loop {
            let Some(room @ [_, ..]) = first.get_mut(length..) else { break false };
            match file.read(room) {
                Ok(0) => break true,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        first.truncate(length);
        Ok(Self { first, file, has_ended, length: metadata.len() })
    }

    /// Returns the first bytes of the file, all of them if they are fewer than 512.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// Returns the length of the file in bytes, 0 for what is none.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Reads the whole file. The bytes are wiped when dropped.
    ///
    /// # Errors
    /// Fails when it cannot be read or is longer than `limit` bytes.
    pub fn read(self, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let length = self.length;
        read_limited(self.into_reader(), length, limit)
    }

    /// Returns the file for buffered reading.
    #[must_use]
    pub fn buffered(self) -> impl BufRead {
        BufReader::with_capacity(1 << 16, self.into_reader())
    }

    fn into_reader(self) -> impl Read {
        let rest = if self.has_ended { 0 } else { u64::MAX };
        Cursor::new(self.first).chain(self.file.take(rest))
    }
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

/// Checks that a file could be created: it does not exist, and its folder does.
///
/// # Errors
/// Fails as its creation would, as far as that is known without a change.
pub fn check_new_file(path: &Path) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(Errno::EXIST.into());
    }
    let folder = parent(path).metadata()?;
    if folder.is_dir() { Ok(()) } else { Err(Errno::NOTDIR.into()) }
}

/// Creates a file and opens it for writing and reading. Follows no link, and sets the mode whatever the umask.
pub(super) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).custom_flags(flags).open(path)?;
    match file.set_permissions(PermissionsExt::from_mode(mode)) {
        Ok(()) => Ok(file),
        Err(error) => {
            let _ = std::fs::remove_file(path);
            Err(error)
        }
    }
}

/// Creates a file without a name in a folder, and sets the mode whatever the umask. Returns `None` where the file
/// system has no such files, or they could not be given a name later.
pub(super) fn create_nameless(folder: &Path, mode: u32) -> io::Result<Option<File>> {
    // By its name there, such a file gets one.
    if !Path::new("/proc/self/fd").is_dir() {
        return Ok(None);
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => {
            let file = File::from(file);
            file.set_permissions(PermissionsExt::from_mode(mode))?;
            Ok(Some(file))
        }
        // What kernels and file systems say that do not know the flag (open(2)).
        Err(Errno::NOTSUP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether this open file or folder is the one at a path.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (here, there) = match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => (file.metadata()?, there?),
    };
    Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
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
