//! Hidden names of what is not complete, and what runs that were killed have left under such names.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::OFlags;

use super::claim::lock;
use super::file_io::{create_new, is_at, parent};

/// What stands before and after the random digits of a hidden name.
const BEFORE: &str = ".certferry-";
const AFTER: &str = ".part";
const DIGITS: usize = 8;

/// How often another name is tried.
const ATTEMPTS: usize = 100;

/// Creates a file with a hidden name beside `target`, locked for as long as it is open, so that no other run takes it
/// for a leftover.
pub(super) fn create_locked(target: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    for _ in 0..ATTEMPTS {
        let path = temporary_beside(target)?;
        let file = create_new(&path, mode)?;
        match is_locked(&file, &path) {
            Ok(true) => return Ok((file, path)),
            Ok(false) => {}
            Err(error) => {
                let _ = fs::remove_file(path);
                return Err(error);
            }
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Creates a folder of mode 0700 like [`create_locked`]. The open file that is returned keeps it locked.
pub(super) fn create_locked_folder(target: &Path) -> io::Result<(File, PathBuf)> {
    for _ in 0..ATTEMPTS {
        let path = temporary_beside(target)?;
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        // Whatever the umask. Another run may take it for a leftover until it is locked.
        let opened = fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).and_then(|()| File::open(&path));
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        match is_locked(&file, &path) {
            Ok(true) => return Ok((file, path)),
            Ok(false) => {}
            Err(error) => {
                let _ = fs::remove_dir(path);
                return Err(error);
            }
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Locks what is open and returns whether it is still there. Another run may have taken it for a leftover before.
fn is_locked(file: &File, path: &Path) -> io::Result<bool> {
    Ok(lock(file)? && is_at(file, path)?)
}

/// What a killed run had left, perhaps with keys in it.
pub struct Leftover {
    /// Where it is, or was.
    pub path: PathBuf,
    /// Whether it is removed, or why it cannot be.
    pub removed: io::Result<()>,
}

/// Who tells a person of leftovers.
static TELLER: OnceLock<fn(Leftover)> = OnceLock::new();

/// Lets a function tell of each leftover that is found from now on. Without one, nobody is told. Only the first call
/// has an effect.
pub fn tell_leftovers(teller: fn(Leftover)) {
    let _ = TELLER.set(teller);
}

/// Removes what killed runs of this user have left in a folder. Tells what was removed, and what cannot be: there may
/// have been keys in it.
pub(super) fn sweep(folder: &Path) {
    // A folder that cannot be read is no concern of this: whatever is written there will say so.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(is_temporary) {
            continue;
        }
        let path = entry.path();
        let removed = match remove(&path) {
            Ok(false) => continue,
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        if let Some(tell) = TELLER.get() {
            tell(Leftover { path, removed });
        }
    }
}

/// Removes a leftover, unless the run that it belongs to still goes on or it is somebody else's. Returns whether it
/// did.
fn remove(path: &Path) -> io::Result<bool> {
    let metadata = path.symlink_metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() || !(metadata.is_file() || metadata.is_dir()) {
        return Ok(false);
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        // Its run has ended just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    if !is_locked(&file, path)? {
        return Ok(false);
    }
    if metadata.is_dir() {
        fs::remove_dir_all(path)?
    } else {
        fs::remove_file(path)?
    }
    Ok(true)
}

/// Returns a hidden name beside `target` that no other run has, not even one that was killed:
/// `.<name>.certferry-<8 hex digits>.part`.
///
/// The process id would not do, because in a container every run may have the same.
fn temporary_beside(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let mut bytes = [0; DIGITS / 2];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the operating system gives no random bytes"))?;
    Ok(parent(target).join(format!(".{name}{BEFORE}{:08x}{AFTER}", u32::from_be_bytes(bytes))))
}

/// Returns whether a name is one of those that [`temporary_beside`] makes.
fn is_temporary(name: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.strip_suffix(AFTER).and_then(|rest| rest.rsplit_once(BEFORE)).is_some_and(|(before, digits)| {
        before.len() > 1 && before.starts_with('.') && digits.len() == DIGITS && digits.bytes().all(is_digit)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{create_locked, create_locked_folder, is_temporary, sweep, temporary_beside};

    /// A run sweeps a folder in which another one begins.
    #[test]
    fn what_begins_beside_a_sweep_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Bounded, so that it ends with a test that fails.
                for _ in 0..200_000 {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    sweep(folder.path());
                }
            });
            for _ in 0..2000 {
                let (_folder, path) = create_locked_folder(&folder.path().join("root")).unwrap();
                let (_file, other) = create_locked(&folder.path().join("file"), 0o600).unwrap();
                assert!(path.is_dir() && other.is_file());
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn only_names_that_this_program_makes_are_leftovers() {
        for target in ["lab.pub", "a/.hidden", "x.part"] {
            let path = temporary_beside(Path::new(target)).unwrap();
            assert!(is_temporary(path.file_name().unwrap().to_str().unwrap()), "{path:?}");
        }
        for name in [
            "lab.pub",
            ".lab.pub.part",
            ".lab.pub.0123abcd.part",
            ".certferry-0123abcd.part",
            "lab.certferry-0123abcd.part",
            ".lab.certferry-0123abc.part",
            ".lab.certferry-0123ABCD.part",
            ".lab.certferry-0123abcd.part.gz",
        ] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
