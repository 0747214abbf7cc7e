//! Several output files that appear together or not at all.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::file_io::{create_new, sync_folder_of, temporary_beside};

/// Files that are staged beside their final places. They are removed when this is dropped without [`Outputs::commit`].
#[derive(Default)]
pub struct Outputs {
    staged: Vec<Staged>,
    created_folders: Vec<PathBuf>,
}

struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    replace: bool,
}

impl Outputs {
    /// Returns outputs without any file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a folder and its parents. Folders that did not exist before are removed again when the run fails.
    ///
    /// # Errors
    /// Fails when a folder cannot be created.
    pub fn create_folder(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<_> =
            folder.ancestors().filter(|path| !path.as_os_str().is_empty()).take_while(|path| !path.exists()).collect();
        for path in missing.into_iter().rev() {
            fs::create_dir(path)?;
            self.created_folders.push(path.to_owned());
        }
        Ok(())
    }

    /// Opens a file for writing that becomes `target` on commit.
    ///
    /// With `replace` it replaces an existing file. Without, no file may then exist, unless it holds the same bytes.
    ///
    /// # Errors
    /// Fails when the folder of `target` does not accept a new file, and when `target` is staged already.
    pub fn stage(&mut self, target: &Path, mode: u32, replace: bool) -> io::Result<File> {
        if self.staged.iter().any(|staged| staged.target == target) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "two outputs have this one name"));
        }
        let temporary = temporary_beside(target)?;
        let file = create_new(&temporary, mode)?;
        self.staged.push(Staged { temporary, target: target.to_owned(), replace });
        Ok(file)
    }

    /// Stages a file with this content, which is no secret.
    ///
    /// # Errors
    /// As [`Self::stage`], and when the bytes cannot be written.
    pub fn put(&mut self, target: &Path, bytes: &[u8], mode: u32, replace: bool) -> io::Result<()> {
        self.stage(target, mode, replace)?.write_all(bytes)
    }

    /// Writes every staged file to the disk, and checks that all of them can be placed.
    ///
    /// # Errors
    /// Returns the first file that cannot be, with [`io::ErrorKind::AlreadyExists`] when other bytes are there.
    pub fn check(&self) -> Result<(), (PathBuf, io::Error)> {
        for staged in &self.staged {
            let checked = (|| {
                File::open(&staged.temporary)?.sync_all()?;
                match staged.replace || !exists(&staged.target) || same_bytes(&staged.temporary, &staged.target)? {
                    true => Ok(()),
                    false => Err(rustix::io::Errno::EXIST.into()),
                }
            })();
            checked.map_err(|error| (staged.target.clone(), error))?;
        }
        Ok(())
    }

    /// Runs [`Self::check`], then moves every staged file to its place, in the order of staging.
    ///
    /// # Errors
    /// Fails like [`Self::check`] before any file is placed. After that, returns the first file that the file system
    /// refused.
    pub fn commit(mut self) -> Result<(), (PathBuf, io::Error)> {
        self.check()?;
        for staged in &self.staged {
            place(staged).map_err(|error| (staged.target.clone(), error))?;
        }
        self.created_folders.clear();
        self.staged.clear();
        Ok(())
    }
}

fn place(staged: &Staged) -> io::Result<()> {
    if staged.replace {
        fs::rename(&staged.temporary, &staged.target)?;
    } else if exists(&staged.target) {
        // The check has compared the two: the file holds the same bytes already.
        fs::remove_file(&staged.temporary)?;
    } else {
        match renameat_with(CWD, &staged.temporary, CWD, &staged.target, RenameFlags::NOREPLACE) {
            // For file systems without such a flag, such as NFS. A link fails just as well when the name is taken.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
                fs::hard_link(&staged.temporary, &staged.target)?;
                fs::remove_file(&staged.temporary)?;
            }
            other => other?,
        }
    }
    sync_folder_of(&staged.target)
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn same_bytes(left: &Path, right: &Path) -> io::Result<bool> {
    // Before the file is opened, because opening a pipe without a writer would never return.
    if !fs::metadata(right)?.is_file() {
        return Ok(false);
    }
    let (left, right) = (File::open(left)?, File::open(right)?);
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (BufReader::new(left).bytes(), BufReader::new(right).bytes());
    loop {
        match (left.next().transpose()?, right.next().transpose()?) {
            (None, None) => return Ok(true),
            (left, right) if left != right => return Ok(false),
            _ => {}
        }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        for staged in &self.staged {
            let _ = fs::remove_file(&staged.temporary);
        }
        for folder in self.created_folders.iter().rev() {
            // This fails when something is in the folder, which then must stay.
            let _ = fs::remove_dir(folder);
        }
    }
}
