//! Claims of folders and files, by which of two runs at once one wins. The kernel ends a claim with its process, however
//! that ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::file_io::{is_at, parent};
use super::interrupt::{self, Temporary};

/// A claim that lasts as long as this value.
pub(super) struct Claim {
    #[expect(dead_code, reason = "closing it ends the claim")]
    file: File,
    /// The file that was made for the claim alone.
    made: Option<PathBuf>,
}

/// What became of an attempt to claim something.
pub(super) enum Answer {
    Claimed(Claim),
    /// Another run has it.
    Taken,
    /// It was removed or replaced while it was claimed.
    Vanished,
}

/// Claims an existing folder.
pub(super) fn folder(path: &Path) -> io::Result<Answer> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Answer::Vanished),
        other => other?,
    };
    take(file, path, None)
}

/// Claims the place of a file, whether there is one or not. The file itself would not do, because it is replaced.
pub(super) fn file(target: &Path) -> io::Result<Answer> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let path = parent(target).join(format!(".{name}.claim.part"));
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let mut temporaries = interrupt::hold();
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).custom_flags(flags).open(&path)?;
    let answer = take(file, &path, Some(path.clone()))?;
    if matches!(answer, Answer::Claimed(_)) {
        temporaries.add(Temporary::File(path));
    }
    Ok(answer)
}

fn take(file: File, path: &Path, made: Option<PathBuf>) -> io::Result<Answer> {
    if !lock(&file)? {
        return Ok(Answer::Taken);
    }
    Ok(if is_at(&file, path)? { Answer::Claimed(Claim { file, made }) } else { Answer::Vanished })
}

/// Locks a file or folder that is open. Returns `false` when another run has locked it.
pub(super) fn lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            // While it is still locked: nobody else's can be there.
            let _ = fs::remove_file(path);
        }
    }
}
