//! Writes a tree of files that appears as a whole.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use walkdir::WalkDir;

use super::file_io::{create_new, parent, sync_folder_of};
use super::interrupt::{self, Temporary, Watch};
use super::leftovers::{self, create_locked_folder};
use super::pending;

/// How many files are brought to the disk at once. More make it no faster: journals of file systems put that many together.
const SYNCS_AT_ONCE: usize = 16;
/// So few are not worth another thread.
const FEW: usize = 32;

/// An entry of a tree to be written. The path is relative to the root of the tree, and has passed the checks of the
/// bundle.
pub enum TreeEntry<'a> {
    /// A regular file.
    File {
        /// The path of the file.
        path: &'a str,
        /// The permission bits.
        mode: u32,
        /// The content.
        content: &'a [u8],
    },
    /// A symbolic link.
    Link {
        /// The path of the link.
        path: &'a str,
        /// The target of the link.
        target: &'a str,
    },
}

/// Checks that a tree could become this folder: it does not exist, or is empty.
///
/// # Errors
/// Fails like [`NewTree::begin`], as far as that is known without a change.
pub fn check_new_tree(root: &Path) -> io::Result<()> {
    if root.is_symlink() || (root.exists() && fs::read_dir(root)?.next().is_some()) {
        return Err(io::ErrorKind::DirectoryNotEmpty.into());
    }
    let folder = parent(root).metadata()?;
    if folder.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// Writes a tree to a folder that does not exist or is empty, as [`NewTree`] does.
///
/// # Errors
/// Returns [`io::ErrorKind::DirectoryNotEmpty`] when something is there, otherwise what the file system said. Nothing
/// is left behind.
pub fn write_tree(root: &Path, entries: &[TreeEntry<'_>]) -> io::Result<()> {
    let mut tree = NewTree::begin(root)?;
    for entry in entries {
        match entry {
            TreeEntry::File { path, mode, content } => tree.create(path, *mode)?.write_all(content)?,
            TreeEntry::Link { path, target } => tree.link(path, target)?,
        }
    }
    tree.commit()
}

/// A tree that becomes a folder which does not exist or is empty.
///
/// It appears as a whole on [`Self::commit`], or not at all, and is on the disk then. Folders get mode 0755 whatever the
/// umask, and the root gets 0700, because there are keys in it. It is gone when this is dropped without a commit, and when
/// a signal ends the process.
pub struct NewTree {
    root: PathBuf,
    /// The folder with a hidden name in which the tree is written.
    staged: PathBuf,
    /// The permissions of the empty folder that was there before.
    before: Option<Permissions>,
    /// The paths of what was written, relative to the root.
    paths: BTreeSet<String>,
    /// Whether all of it is on the disk.
    is_complete: bool,
    _lock: File,
    _watch: Watch,
}

impl NewTree {
    /// Begins a tree that becomes this folder.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::DirectoryNotEmpty`] when something is there, otherwise what the file system said.
    pub fn begin(root: &Path) -> io::Result<Self> {
        check_new_tree(root)?;
        leftovers::sweep(parent(root));
        let watch = Watch::begin()?;
        let mut temporaries = interrupt::hold();
        let (lock, staged) = create_locked_folder(root)?;
        temporaries.add(Temporary::Tree(staged.clone()));
        Ok(Self {
            root: root.to_owned(),
            staged,
            before: None,
            paths: BTreeSet::new(),
            is_complete: false,
            _lock: lock,
            _watch: watch,
        })
    }

    /// Creates a file with these permission bits.
    ///
    /// # Errors
    /// Fails when the path exists, or the file system refuses.
    pub fn create(&mut self, path: &str, mode: u32) -> io::Result<File> {
        // A signal ends the process between two files.
        let _held = interrupt::hold();
        let file = create_new(&make_folders(&self.staged, path)?, mode)?;
        self.paths.insert(path.to_owned());
        Ok(file)
    }

    /// Opens a file that was created, to write what follows.
    ///
    /// # Errors
    /// Fails when the file system refuses.
    pub fn append(&self, path: &str) -> io::Result<File> {
        let _held = interrupt::hold();
        File::options().append(true).open(self.staged.join(path))
    }

    /// Creates a symbolic link.
    ///
    /// # Errors
    /// Fails when the path exists, or the file system refuses.
    pub fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        let _held = interrupt::hold();
        symlink(target, make_folders(&self.staged, path)?)?;
        self.paths.insert(path.to_owned());
        Ok(())
    }

    /// Brings the whole tree to the disk, so that [`Self::commit`] has nothing left to do but to rename it.
    ///
    /// # Errors
    /// Fails when the file system refuses.
    pub fn complete(&mut self) -> io::Result<()> {
        self.sync()?;
        self.is_complete = true;
        Ok(())
    }

    /// Puts the tree into its place.
    ///
    /// # Errors
    /// Fails when something is there now, or the file system refuses. Nothing is left behind.
    pub fn commit(mut self) -> io::Result<()> {
        if !self.is_complete {
            self.complete()?;
        }
        let held = interrupt::hold();
        self.before = self.root.metadata().ok().map(|before| before.permissions());
        // A rename replaces an empty folder, and nothing else.
        fs::rename(&self.staged, &self.root)?;
        sync_folder_of(&self.root).inspect_err(|_| {
            let _ = self.undo();
        })?;
        drop(held);
        pending::keep(Box::new(self));
        Ok(())
    }

    /// Moves the tree out of its place again, and makes the empty folder that was there before.
    fn undo(&self) -> io::Result<()> {
        fs::rename(&self.root, &self.staged)?;
        if let Some(before) = &self.before {
            fs::create_dir(&self.root)?;
            fs::set_permissions(&self.root, before.clone())?;
        }
        sync_folder_of(&self.root)
    }

    /// Checks that exactly these entries were written, and writes them and the names in each folder to the disk.
    fn sync(&self) -> io::Result<()> {
        let (mut open, mut count) = (Vec::new(), 0);
        for entry in WalkDir::new(&self.staged) {
            let entry = entry?;
            let kind = entry.file_type();
            if !kind.is_dir() {
                let path = entry.path().strip_prefix(&self.staged).unwrap_or(entry.path());
                if !path.to_str().is_some_and(|path| self.paths.contains(path)) {
                    return Err(other_entries());
                }
                count += 1;
            }
            if kind.is_dir() || kind.is_file() {
                open.push(entry.into_path());
            }
        }
        if count != self.paths.len() {
            return Err(other_entries());
        }
        sync_all(&open)
    }
}

fn other_entries() -> io::Error {
    io::Error::other("the folder does not hold what was written to it")
}

impl pending::Placed for NewTree {
    fn settle(self: Box<Self>) {}

    fn take_back(self: Box<Self>) -> Vec<PathBuf> {
        let _held = interrupt::hold();
        match self.undo() {
            Ok(()) => Vec::new(),
            Err(_) => vec![self.root.clone()],
        }
    }
}

impl Drop for NewTree {
    fn drop(&mut self) {
        let mut temporaries = interrupt::hold();
        // After a commit nothing has this name.
        let _ = fs::remove_dir_all(&self.staged);
        temporaries.clear();
    }
}

/// Creates the folders that hold `path`, and returns where it is on the disk.
fn make_folders(root: &Path, path: &str) -> io::Result<PathBuf> {
    let mut place = root.to_owned();
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        place.push(name);
        if names.peek().is_some() && !place.exists() {
            fs::create_dir(&place)?;
            fs::set_permissions(&place, PermissionsExt::from_mode(0o755))?;
        }
    }
    Ok(place)
}

/// Writes files and folders to the disk, several at once: the file system waits once for what comes at the same time, and
/// not for each by itself.
fn sync_all(paths: &[PathBuf]) -> io::Result<()> {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = File::open(path).and_then(|file| file.sync_all()) {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                // Nobody begins another.
                next.store(paths.len(), Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..SYNCS_AT_ONCE.min(paths.len() / FEW) {
            // Where there is no thread to be had, the others do its work.
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}
