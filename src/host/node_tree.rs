//! Changes the files of a node below a root that need not be `/`. Each call is one step, which a crash cannot halve.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags, flock, renameat_with, statfs};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::attributes;
use super::file_io::{create_new, sync_folder};
use super::found::{self, FileOwner, Found, FoundKind};
use super::node_root::NodeRoot;

/// The files of a node, to be changed. Places are relative to the root.
///
/// Every step follows the links among the folders above its place itself, below the root: the operating system would
/// follow an absolute one out of it. What stands at the place is never followed.
pub struct NodeTree {
    root: PathBuf,
    reading: NodeRoot,
    /// Whether files get the owner they should have. Only the superuser can give files away; anybody else keeps them.
    is_superuser: bool,
}

/// A lock that is held as long as this value lives. The kernel frees it when the process ends, however it ends.
pub struct NodeLock(File);

impl Drop for NodeLock {
    /// Frees the lock at once. That the file is closed frees it only when no program that another thread is just starting
    /// has it open.
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl NodeTree {
    /// Returns the files below this folder.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { reading: NodeRoot::new(root.clone()), root, is_superuser: rustix::process::geteuid().is_root() }
    }

    /// Returns a reader of the same files.
    #[must_use]
    pub const fn reading(&self) -> &NodeRoot {
        &self.reading
    }

    /// Returns whether files get the owner that they should have.
    #[must_use]
    pub const fn is_superuser(&self) -> bool {
        self.is_superuser
    }

    /// Returns whether this user is the owner.
    #[must_use]
    pub fn is_own(&self, owner: FileOwner) -> bool {
        owner.user == rustix::process::geteuid().as_raw()
    }

    /// Returns the path of a place, for messages.
    #[must_use]
    pub fn path(&self, place: &str) -> PathBuf {
        self.root.join(place)
    }

    /// Returns whether these are the files of this host.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Returns the place below the root to which `place` leads once every link on the way and at its end is followed.
    ///
    /// # Errors
    /// Fails when a folder on the way cannot be read, and when links form a circle. What does not exist is not an
    /// error.
    pub fn resolve(&self, place: &str) -> io::Result<String> {
        self.reading.leads_to(place)
    }

    /// Returns where a place is, by a path without links above its last name.
    fn at(&self, place: &str) -> io::Result<PathBuf> {
        let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
        Ok(self.folder(folder)?.join(name))
    }

    /// Returns the path of a place below the root once every link on the way and at its end is followed.
    pub(super) fn real_path(&self, place: &str) -> io::Result<PathBuf> {
        self.folder(place)
    }

    /// Returns where a folder is, by a path without links.
    fn folder(&self, folder: &str) -> io::Result<PathBuf> {
        Ok(self.root.join(self.reading.leads_to(folder)?))
    }

    /// Returns what is at a place, or `None` when nothing is there.
    ///
    /// # Errors
    /// Fails when the place cannot be examined.
    pub fn look(&self, place: &str) -> io::Result<Option<Found>> {
        found::look(&self.at(place)?)
    }

    /// Returns whether there is a folder at a place, or one to which a link leads.
    #[must_use]
    pub fn is_folder(&self, place: &str) -> bool {
        self.reading.is_folder(place)
    }

    /// Returns the names in a folder, sorted, or none when the folder does not exist.
    ///
    /// # Errors
    /// Fails when the folder cannot be read, and with [`io::ErrorKind::InvalidFilename`] and the path of the entry when a
    /// name in it is not UTF-8.
    pub fn names(&self, folder: &str) -> Result<Vec<String>, (PathBuf, io::Error)> {
        let path = self.folder(folder).map_err(|error| (self.path(folder), error))?;
        let unread = |error| (path.clone(), error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unread(error)),
        };
        let name = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.map_err(unread)?;
            entry.file_name().into_string().map_err(|_| (entry.path(), io::ErrorKind::InvalidFilename.into()))
        };
        let mut names = entries.map(name).collect::<Result<Vec<_>, _>>()?;
        names.sort_unstable();
        Ok(names)
    }

    /// Reads the whole regular file at a place. Follows no link at the end. The bytes are wiped when dropped.
    ///
    /// # Errors
    /// Fails when the file cannot be read, is not a regular file, or is longer than `limit` bytes.
    pub fn read(&self, place: &str, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        super::file_io::read_limited(self.open(place)?, 0, limit)
    }

    fn open(&self, place: &str) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.at(place)?)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
    }

    /// Returns whether a place is a mount point, which cannot be renamed.
    #[must_use]
    pub fn is_mount_point(&self, place: &str) -> bool {
        let Ok(path) = self.at(place) else { return false };
        let device = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.dev());
        if device(&path) != path.parent().and_then(device) {
            return true;
        }
        // A folder that is bound to a place of the same file system has the same device number.
        let Ok(path) = fs::canonicalize(path) else { return false };
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        mounts.lines().any(|line| line.split(' ').nth(4).is_some_and(|mount| unescaped(mount) == path.as_os_str()))
    }

    /// Returns whether every folder in a folder can be renamed. Overlayfs, also that of FUSE, renames none that is in a
    /// lower layer, unless its mount options say so.
    #[must_use]
    pub fn renames_folders(&self, folder: &str) -> bool {
        // OVERLAYFS_SUPER_MAGIC of linux/magic.h, FUSE_SUPER_MAGIC of fs/fuse/inode.c.
        const KINDS: [u64; 2] = [0x794c_7630, 0x6573_5546];
        let kind = self.folder(folder).ok().and_then(|path| statfs(&path).ok());
        kind.is_none_or(|kind| !u64::try_from(kind.f_type).is_ok_and(|kind| KINDS.contains(&kind)))
    }

    /// Takes the lock that the file at a place stands for. Returns `None` when another run has it.
    ///
    /// # Errors
    /// Fails when the file cannot be created or locked.
    pub fn lock(&self, place: &str) -> io::Result<Option<NodeLock>> {
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits()).map_err(io::Error::other)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(self.at(place)?)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(NodeLock(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives one folder the extended attributes of another, its access control lists among them.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn copy_rights(&self, from: &str, to: &str) -> io::Result<()> {
        let open = |place: &str| File::open(self.folder(place)?);
        attributes::copy((&self.path(from), &open(from)?), &open(to)?)
    }

    /// Creates a folder that did not exist before, and sets its mode whatever the umask.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn make_folder(&self, place: &str, mode: u32, owner: FileOwner) -> io::Result<()> {
        let path = self.at(place)?;
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        if self.is_superuser {
            chown(&path, Some(owner.user), Some(owner.group))?;
        }
        fs::set_permissions(&path, PermissionsExt::from_mode(mode))
    }

    /// Creates a file that did not exist before, and writes it to the disk. Only the owner can open it before it is
    /// whole.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn create(&self, place: &str, mode: u32, owner: FileOwner, content: &[u8]) -> io::Result<()> {
        let mut file = create_new(&self.at(place)?, 0o600)?;
        file.write_all(content)?;
        self.finish(&file, mode, owner)
    }

    /// Creates a file like [`Self::create`], with the content, the time and the extended attributes of the regular file
    /// at another place, its access control list among them.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn copy(&self, from: &str, to: &str, found: &Found) -> io::Result<()> {
        let mut source = self.open(from)?;
        let mut file = create_new(&self.at(to)?, 0o600)?;
        io::copy(&mut source, &mut file)?;
        file.set_times(FileTimes::new().set_modified(found.modified))?;
        self.give(&file, found.mode, found.owner)?;
        // After the mode, whose middle digit is the list's mask.
        attributes::copy((&self.path(from), &source), &file)?;
        file.sync_all()
    }

    /// Copies a folder and everything in it to a place where nothing is, with modes, owners, times of files, and extended
    /// attributes, and writes it to the disk.
    ///
    /// # Errors
    /// Returns what the file system said, and [`io::ErrorKind::InvalidFilename`] when a name is not UTF-8.
    pub fn copy_folder(&self, from: &str, to: &str) -> io::Result<()> {
        let folder = self.look(from)?.ok_or(io::ErrorKind::NotFound)?;
        self.make_folder(to, folder.mode | 0o700, folder.owner)?;
        for name in self.names(from).map_err(|(_, error)| error)? {
            let (from, to) = (format!("{from}/{name}"), format!("{to}/{name}"));
            let found = self.look(&from)?.ok_or(io::ErrorKind::NotFound)?;
            match &found.kind {
                FoundKind::Folder => self.copy_folder(&from, &to)?,
                FoundKind::Link(target) => self.make_link(&to, target, found.owner)?,
                FoundKind::File => self.copy(&from, &to, &found)?,
                FoundKind::Special => return Err(io::ErrorKind::Unsupported.into()),
            }
        }
        self.copy_rights(from, to)?;
        fs::set_permissions(self.at(to)?, PermissionsExt::from_mode(folder.mode))?;
        self.sync_folder(to)
    }

    fn finish(&self, file: &File, mode: u32, owner: FileOwner) -> io::Result<()> {
        self.give(file, mode, owner)?;
        file.sync_all()
    }

    fn give(&self, file: &File, mode: u32, owner: FileOwner) -> io::Result<()> {
        if self.is_superuser {
            fchown(file, Some(owner.user), Some(owner.group))?;
        }
        // After the change of owner, because that clears the set-id bits.
        if mode != 0o600 {
            file.set_permissions(PermissionsExt::from_mode(mode))?;
        }
        Ok(())
    }

    /// Creates a symbolic link.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn make_link(&self, place: &str, target: &str, owner: FileOwner) -> io::Result<()> {
        let path = self.at(place)?;
        symlink(target, &path)?;
        if self.is_superuser { lchown(path, Some(owner.user), Some(owner.group)) } else { Ok(()) }
    }

    /// Writes the names in a folder to the disk.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn sync_folder(&self, folder: &str) -> io::Result<()> {
        sync_folder(&self.folder(folder)?)
    }

    /// Exchanges two entries in one step. Returns `false` when the kernel or the file system has no such step.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn exchange(&self, left: &str, right: &str) -> io::Result<bool> {
        match renameat_with(CWD, self.at(left)?, CWD, self.at(right)?, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves an entry to a place where nothing is.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::AlreadyExists`] when something is there, otherwise what the file system said.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.at(from)?, self.at(to)?);
        match renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE) {
            // For file systems without such a flag. Meanwhile the lock keeps other runs away.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if fs::symlink_metadata(&to).is_err() => {
                fs::rename(from, to)
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(Errno::EXIST.into()),
            other => Ok(other?),
        }
    }

    /// Moves a file to a place, and replaces the file that is there.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from)?, self.at(to)?)
    }

    /// Removes a file or link. Its absence is not an error.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn remove_file(&self, place: &str) -> io::Result<()> {
        absent_is_fine(self.at(place).and_then(fs::remove_file))
    }

    /// Removes a folder and everything in it. Its absence is not an error.
    ///
    /// # Errors
    /// Returns what the file system said.
    pub fn remove_folder(&self, place: &str) -> io::Result<()> {
        absent_is_fine(self.at(place).and_then(fs::remove_dir_all))
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Decodes a path of mountinfo, in which blanks and backslashes are written in octal (proc_pid_mountinfo(5)).
fn unescaped(mount: &str) -> std::ffi::OsString {
    let mut text = mount.to_owned();
    for (escape, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        text = text.replace(escape, character);
    }
    text.into()
}
