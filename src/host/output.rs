//! Several output files that appear together or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;
use thiserror::Error;

use super::claim::{self, Claim};
use super::file_io::{create_nameless, is_at, parent, sync_folder_of};
use super::interrupt::{self, Temporary, Watch};
use super::leftovers::{self, create_locked};
use super::{pending, reason};

/// How often a folder is made anew that another run removes at the same time.
const ATTEMPTS: usize = 100;

/// Files that are staged until all of them are complete. They are gone when this is dropped without
/// [`Outputs::commit`], and when a signal ends the process.
///
/// A new file has no name before it is placed, where the file system can do that. So not even a killed run leaves a
/// part of it behind. A file that replaces another has a hidden name meanwhile, which the next run in that folder
/// removes.
#[derive(Default)]
pub struct Outputs {
    staged: Vec<Staged>,
    created_folders: Vec<PathBuf>,
    /// The folders that were looked through for what killed runs left.
    swept: Vec<PathBuf>,
    claims: Vec<Claim>,
    watch: Option<Watch>,
}

struct Staged {
    file: File,
    /// The name before the file is placed, if it has one.
    temporary: Option<PathBuf>,
    target: PathBuf,
    replace: bool,
    placed: Placed,
}

/// What has become of a staged file.
enum Placed {
    /// It is not in its place.
    Not,
    /// Its place holds the same bytes already.
    Kept,
    /// Nothing was there before.
    New,
    /// What was there before has the temporary name now.
    Exchanged,
    /// What was there before is gone.
    Replaced,
}

/// The files could not be placed.
#[derive(Debug, Error)]
#[error("{}: {}", path.display(), reason(error))]
pub struct CommitError {
    /// The file that was refused.
    pub path: PathBuf,
    /// The reason: [`io::ErrorKind::AlreadyExists`] when other bytes are there.
    pub error: io::Error,
    /// The files that are new all the same, because the way back failed, too. Everything else is as it was.
    pub left: Vec<PathBuf>,
}

impl Outputs {
    /// Returns outputs without any file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a folder and its parents with this mode, whatever the umask. Folders that did not exist before are
    /// removed again when the run fails.
    ///
    /// # Errors
    /// Fails when a folder cannot be created.
    pub fn create_folder(&mut self, folder: &Path, mode: u32) -> io::Result<()> {
        let missing: Vec<_> =
            folder.ancestors().filter(|path| !path.as_os_str().is_empty()).take_while(|path| !path.exists()).collect();
        for path in missing.into_iter().rev() {
            self.watch()?;
            let mut temporaries = interrupt::hold();
            match fs::DirBuilder::new().mode(mode).create(path) {
                // Another run was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => continue,
                other => other?,
            }
            temporaries.add(Temporary::EmptyFolder(path.to_owned()));
            self.created_folders.push(path.to_owned());
            fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
        }
        Ok(())
    }

    /// Claims a folder for this run, and creates it like [`Self::create_folder`] before. Returns `false` when another
    /// run has claimed it. The claim ends with these outputs, or with the process.
    ///
    /// # Errors
    /// Fails when the folder cannot be created, opened or locked.
    pub fn claim_folder(&mut self, folder: &Path, mode: u32) -> io::Result<bool> {
        for _ in 0..ATTEMPTS {
            self.create_folder(folder, mode)?;
            match claim::folder(folder)? {
                claim::Answer::Claimed(claim) => {
                    self.claims.push(claim);
                    return Ok(true);
                }
                claim::Answer::Taken => {
                    // Whoever has it needs it, also when this run was the one to create it.
                    self.keep_folders();
                    return Ok(false);
                }
                claim::Answer::Vanished => {}
            }
        }
        Err(Errno::NOENT.into())
    }

    /// Claims the place of a file for this run. Returns `false` when another run has claimed it. The claim is an empty
    /// file beside the place, `.<name>.claim.part`, which is gone when these outputs are dropped. One that a killed run left
    /// is nobody's claim.
    ///
    /// # Errors
    /// Fails when the file of the claim cannot be created or locked.
    pub fn claim_file(&mut self, target: &Path) -> io::Result<bool> {
        self.watch()?;
        for _ in 0..ATTEMPTS {
            match claim::file(target)? {
                claim::Answer::Claimed(claim) => {
                    self.claims.push(claim);
                    return Ok(true);
                }
                claim::Answer::Taken => return Ok(false),
                claim::Answer::Vanished => {}
            }
        }
        Err(Errno::NOENT.into())
    }

    /// Opens a file for writing and reading that becomes `target` on commit.
    ///
    /// With `replace` it replaces an existing file. Without, no file may then exist, unless it holds the same bytes.
    ///
    /// # Errors
    /// Fails when the folder of `target` does not accept a new file, and when `target` is staged already.
    pub fn stage(&mut self, target: &Path, mode: u32, replace: bool) -> io::Result<File> {
        if self.staged.iter().any(|staged| staged.target == target) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "two outputs have this one name"));
        }
        let folder = parent(target);
        if !self.swept.iter().any(|swept| swept == folder) {
            leftovers::sweep(folder);
            self.swept.push(folder.to_owned());
        }
        target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let nameless = if replace && exists(target) { None } else { create_nameless(folder, mode)? };
        let (file, temporary) = match nameless {
            Some(file) => (file, None),
            None => {
                self.watch()?;
                let mut temporaries = interrupt::hold();
                let (file, path) = create_locked(target, mode)?;
                temporaries.add(Temporary::File(path.clone()));
                (file, Some(path))
            }
        };
        let staged = file.try_clone();
        self.staged.push(Staged { file, temporary, target: target.to_owned(), replace, placed: Placed::Not });
        staged
    }

    /// Opens a file of mode 0600 for writing and reading in a folder, which never gets a name there. It is gone when it
    /// is closed.
    ///
    /// # Errors
    /// Fails when the folder does not accept a new file.
    pub fn scratch(&mut self, folder: &Path) -> io::Result<File> {
        if let Some(file) = create_nameless(folder, 0o600)? {
            return Ok(file);
        }
        self.watch()?;
        // The file system gives every new file a name. What a killed run leaves of it, the next one removes.
        let _held = interrupt::hold();
        let (file, path) = create_locked(&folder.join("scratch"), 0o600)?;
        fs::remove_file(path)?;
        Ok(file)
    }

    /// Stages a file with this content.
    ///
    /// # Errors
    /// As [`Self::stage`], and when the bytes cannot be written.
    pub fn put(&mut self, target: &Path, bytes: &[u8], mode: u32, replace: bool) -> io::Result<()> {
        self.stage(target, mode, replace)?.write_all(bytes)
    }

    /// Writes every staged file to the disk, checks that all of them can be placed, and moves them to their places, in
    /// the order of staging. A signal that comes meanwhile waits until the end. [`take_back`](super::take_back) can take
    /// them back, if it was asked for before.
    ///
    /// # Errors
    /// Returns the first file that could not be placed. Those that were placed before it are taken back.
    pub fn commit(mut self) -> Result<(), CommitError> {
        let held = interrupt::hold();
        let placed = self.check().and_then(|()| self.place());
        if let Err((path, error)) = placed {
            return Err(CommitError { path, error, left: self.undo() });
        }
        drop(held);
        pending::keep(Box::new(self));
        Ok(())
    }

    fn check(&self) -> Result<(), (PathBuf, io::Error)> {
        for staged in &self.staged {
            let checked = (|| {
                staged.file.sync_all()?;
                let is_free = match staged.replace {
                    true if staged.target.symlink_metadata().is_ok_and(|found| found.is_dir()) => {
                        return Err(Errno::ISDIR.into());
                    }
                    true => true,
                    false => !exists(&staged.target) || same_bytes(&staged.file, &staged.target)?,
                };
                if is_free { Ok(()) } else { Err(Errno::EXIST.into()) }
            })();
            checked.map_err(|error| (staged.target.clone(), error))?;
        }
        Ok(())
    }

    fn place(&mut self) -> Result<(), (PathBuf, io::Error)> {
        for staged in &mut self.staged {
            staged.place().map_err(|error| (staged.target.clone(), error))?;
        }
        Ok(())
    }

    /// Takes back what was placed, and returns what could not be.
    fn undo(&mut self) -> Vec<PathBuf> {
        let mut left = Vec::new();
        for staged in self.staged.iter_mut().rev() {
            let undone = match (&staged.placed, &staged.temporary) {
                (Placed::Not | Placed::Kept, _) => continue,
                (Placed::New, _) => match is_at(&staged.file, &staged.target) {
                    // Somebody has removed or replaced it since.
                    Ok(false) => Ok(()),
                    Ok(true) => fs::remove_file(&staged.target),
                    Err(error) => Err(error),
                },
                (Placed::Exchanged, Some(temporary)) => exchange(temporary, &staged.target),
                (Placed::Exchanged | Placed::Replaced, _) => Err(Errno::NOTSUP.into()),
            };
            match undone {
                Ok(()) => staged.placed = Placed::Not,
                Err(_) => left.push(staged.target.clone()),
            }
            // A power failure may bring it back, which does no harm: it is whole.
            let _ = sync_folder_of(&staged.target);
        }
        left.reverse();
        left
    }

    fn remove_temporaries(&self) {
        for temporary in self.staged.iter().filter_map(|staged| staged.temporary.as_ref()) {
            let _ = fs::remove_file(temporary);
        }
    }

    /// Leaves the folders that this run has created.
    fn keep_folders(&mut self) {
        let mut temporaries = interrupt::hold();
        temporaries.keep_folders();
        self.created_folders.clear();
    }

    fn watch(&mut self) -> io::Result<()> {
        if self.watch.is_none() {
            self.watch = Some(Watch::begin()?);
        }
        Ok(())
    }
}

impl Staged {
    fn place(&mut self) -> io::Result<()> {
        self.placed = match &self.temporary {
            _ if !self.replace && exists(&self.target) => {
                // The check has compared the two: the file holds the same bytes already.
                self.placed = Placed::Kept;
                return Ok(());
            }
            None => {
                // The one way to give a name to a file that has none, and it fails when the name is taken.
                let file = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                linkat(CWD, file, CWD, &self.target, AtFlags::SYMLINK_FOLLOW)?;
                Placed::New
            }
            Some(temporary) if self.replace => match exchange(temporary, &self.target) {
                Ok(()) => Placed::Exchanged,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    move_to(temporary, &self.target)?;
                    Placed::New
                }
                Err(error) if cannot(&error) => {
                    fs::rename(temporary, &self.target)?;
                    Placed::Replaced
                }
                Err(error) => return Err(error),
            },
            Some(temporary) => {
                move_to(temporary, &self.target)?;
                Placed::New
            }
        };
        sync_folder_of(&self.target)
    }
}

fn exchange(left: &Path, right: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, left, CWD, right, RenameFlags::EXCHANGE)?)
}

/// Moves a file to a place where nothing is.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
        // For file systems without such a flag, such as NFS. A link fails just as well when the name is taken.
        Err(error) if cannot(&error) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        other => other,
    }
}

/// Returns whether the kernel or the file system has no such step.
fn cannot(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP))
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn same_bytes(left: &File, right: &Path) -> io::Result<bool> {
    // Before the file is opened, because opening a pipe without a writer would never return.
    if !fs::metadata(right)?.is_file() {
        return Ok(false);
    }
    let right = File::open(right)?;
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut at = 0;
    loop {
        let length = left.read_at(&mut ours, at)?;
        let (ours, theirs) = (&ours[..length], &mut theirs[..length]);
        match right.read_exact_at(theirs, at) {
            Ok(()) if length == 0 => return Ok(true),
            Ok(()) if ours == theirs => at += length as u64,
            Ok(()) => return Ok(false),
            // It became shorter meanwhile.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

impl pending::Placed for Outputs {
    fn settle(mut self: Box<Self>) {
        let _held = interrupt::hold();
        self.created_folders.clear();
        // Here the temporary names are those of what was replaced, and of what was there already.
        self.remove_temporaries();
    }

    fn take_back(mut self: Box<Self>) -> Vec<PathBuf> {
        let _held = interrupt::hold();
        self.undo()
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        let mut temporaries = interrupt::hold();
        self.remove_temporaries();
        for folder in self.created_folders.iter().rev() {
            // This fails when something is in the folder, which then must stay.
            let _ = fs::remove_dir(folder);
        }
        temporaries.clear();
        self.claims.clear();
    }
}
