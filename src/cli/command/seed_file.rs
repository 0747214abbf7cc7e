//! The file of a seed: read, opened, created.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::command::seed_keeping::{Keep, LIMIT};
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::misplaced_secret;
use crate::cli::input::sealed::Opener;
use crate::cli::notice::Notice;
use crate::cli::text::gitignore;
use crate::host::{self, Exposure, Outputs};
use crate::keys::Seed;
use crate::seal::{Envelope, Form, OpensWith};

/// The most bytes of a seed file that is not sealed.
const PLAIN_LIMIT: usize = 4096;

/// The most bytes that are read of a `.gitignore`.
const GITIGNORE_LIMIT: u64 = 1 << 20;

/// Returns the lines that name a seed's new file.
pub(crate) fn made_head(file: &Path, id: &str, keep: Keep<'_>, ignored: Option<&Path>) -> String {
    let sealed = match keep.word() {
        None => String::new(),
        Some("passphrase") => ", sealed with the passphrase".to_owned(),
        Some(_) => format!(
            ", sealed to {}",
            match keep.recipients.len() {
                1 => "a recipient".to_owned(),
                count => format!("{count} recipients"),
            }
        ),
    };
    let ignored = ignored.map(|path| format!("{}  {}\n", path.display(), gitignore::KEEPS_OUT)).unwrap_or_default();
    format!("{}  seed id {id}{sealed}\n{ignored}", file.display())
}

/// Refuses a new seed's file that [`read`] would refuse afterwards.
pub(crate) fn check_place(file: &Path, weak: WeakSeed) -> Result<(), Failure> {
    match weak_place(file) {
        Some((what, hint)) if weak == WeakSeed::Refused => Err(refused(what, hint)),
        _ => Ok(()),
    }
}

/// Returns why others could replace a new seed, and what to do about that.
pub(crate) fn weak_place(file: &Path) -> Option<(String, String)> {
    let folder = host::folder_of_others(file)?;
    let (name, folder) = (file.display(), folder.display());
    Some((
        format!("others can put another file in the place of {name}: they may write to {folder}"),
        format!("choose a folder of your own, or chmod go-w {folder}"),
    ))
}

fn refused(what: String, hint: String) -> Failure {
    Failure::cannot_run(what).hint(hint).hint("--allow-weak-seed takes it all the same")
}

/// Refuses a path that cannot become a new seed's file, before any work.
pub(crate) fn check_new(file: &Path) -> Result<(), Failure> {
    misplaced_secret::refuse_argument(file)?;
    if file == Path::new("-") {
        return Err(Failure::cannot_run("a new seed is not written to the standard output")
            .hint("name a file that does not exist; it gets mode 0600"));
    }
    Ok(())
}

/// Returns a new seed, which is in memory only.
pub(crate) fn random() -> Result<Seed, Failure> {
    let bytes = host::random_seed().map_err(|error| Failure::cannot_run(error.to_string()))?;
    Seed::from_bytes(*bytes).map_err(|_| Failure::cannot_run("the operating system's random numbers are broken"))
}

/// Writes a seed to a file that must not exist, and `.gitignore` beside it. Returns the path of the latter when it is
/// new.
pub(crate) fn create(file: &Path, seed: &Seed, keep: Keep<'_>) -> Result<Option<PathBuf>, Failure> {
    if file.symlink_metadata().is_ok() {
        let error = rustix::io::Errno::EXIST.into();
        return Err(cannot_create(Failure::io("create", file, &error), &error));
    }
    let text = keep.text(file, seed)?;
    let mut outputs = Outputs::new();
    stage(&mut outputs, file, &text)?;
    let ignored = stage_gitignore(&mut outputs, file)?;
    outputs.commit().map_err(|refused| cannot_create(Failure::commit("create", &refused), &refused.error))?;
    Ok(ignored)
}

/// Stages `.gitignore` beside a new seed where there is none, and returns its path. One that is there is not changed;
/// when it does not name the seed, that is said.
pub(crate) fn stage_gitignore(outputs: &mut Outputs, seed: &Path) -> Result<Option<PathBuf>, Failure> {
    let (path, name) = (seed.with_file_name(".gitignore"), seed.file_name().unwrap_or_default().to_string_lossy());
    if path.symlink_metadata().is_err() {
        outputs.put(&path, gitignore::content(&name).as_bytes(), 0o644, false).or_cannot("create", &path)?;
        return Ok(Some(path));
    }
    let is_file = path.metadata().is_ok_and(|found| found.is_file());
    let content = is_file.then(|| host::read(&path, GITIGNORE_LIMIT).ok()).flatten().unwrap_or_default();
    if !gitignore::names(&String::from_utf8_lossy(&content), &name) {
        Notice::new(format!("{} does not name {name}", path.display()))
            .hint(format!("whoever gets it from version control has every key: add the line {name}"))
            .give();
    }
    Ok(None)
}

/// Stages a seed as a file that must not exist.
pub(crate) fn stage(outputs: &mut Outputs, file: &Path, text: &[u8]) -> Result<(), Failure> {
    let staged = outputs.put(file, text, 0o600, false);
    staged.map_err(|error| cannot_create(Failure::io("create", file, &error), &error))
}

/// Adds what there is to do about a seed that could not be created.
pub(crate) fn cannot_create(failure: Failure, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            failure.hint("a seed is never overwritten; choose another name, or use the existing seed with --seed")
        }
        _ => failure,
    }
}

/// What becomes of a seed that others may have chosen or can guess.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeakSeed {
    Refused,
    /// It is taken, and a person is told.
    Named,
    /// It is taken, because a person wants it so.
    Allowed,
}

/// A seed that was read, and what there is to say of its file.
pub(crate) struct Read {
    pub(crate) seed: Seed,
    /// What it opens with; `None` when it is in the clear.
    pub(crate) sealed: Option<OpensWith>,
    /// Whether the file has the seed's id, too, so that a wrong digit is found.
    pub(crate) has_id: bool,
}

/// Reads a seed from a file, or from the standard input for `-`. Opens one that is sealed.
pub(crate) fn read(file: &Path, weak: WeakSeed, opener: &Opener<'_>) -> Result<Seed, Failure> {
    Ok(read_whole(file, weak, opener)?.seed)
}

/// Reads a seed like [`read`].
pub(crate) fn read_whole(file: &Path, weak: WeakSeed, opener: &Opener<'_>) -> Result<Read, Failure> {
    misplaced_secret::refuse_argument(file)?;
    let read = match file == Path::new("-") {
        true => host::read_stdin(LIMIT).map(|bytes| (bytes, Exposure::default())),
        false => host::read_secret(file, LIMIT),
    };
    let (bytes, exposure) = read.map_err(|error| {
        let failure = Failure::io("read the seed", file, &error);
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hint("make one with `certferry seed new FILE`, or build with --new-seed FILE")
            }
            _ => failure,
        }
    })?;
    let is_sealed = Form::of(&bytes).is_some();
    if !is_sealed && bytes.len() > PLAIN_LIMIT {
        let error = io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {PLAIN_LIMIT} bytes"));
        return Err(Failure::io("read the seed", file, &error));
    }
    // A head that cannot be read is told of below.
    let head = is_sealed.then(|| Envelope::read(bytes.as_slice()).ok()).flatten();
    let sealed = head.map(|head| head.opens_with());
    let bytes = opener.open(file, bytes, PLAIN_LIMIT)?;
    let seed = Seed::parse(&bytes).map_err(|error| {
        Failure::cannot_run(format!("{} is not a seed: {error}", named(file)))
            .hint("a seed is `certferry-seed-1:` and 64 lower-case hex digits, and its id on a second line")
    })?;
    let has_id = bytes.trim_ascii_end().contains(&b'\n');
    let weakness = weakness(file, &exposure, &seed).filter(|_| weak != WeakSeed::Allowed);
    let is_weak = weakness.is_some();
    if let Some((what, hint)) = weakness {
        if weak == WeakSeed::Refused {
            return Err(refused(what, hint));
        }
        Notice::new(what).hint(hint).give();
    }
    if exposure.can_be_read && !is_weak {
        let name = file.display();
        Notice::new(format!("{name} can be read by others")).hint(format!("chmod 600 {name}")).give();
    }
    Ok(Read { seed, sealed, has_id })
}

/// Returns why others may have chosen the seed or can guess it, and what to do about that.
fn weakness(file: &Path, exposure: &Exposure, seed: &Seed) -> Option<(String, String)> {
    let name = file.display();
    if let Some(pattern) = seed.pattern() {
        return Some((
            format!("{name} is a seed that can be guessed: {pattern}, so no random generator made it"),
            "make one with `certferry seed new FILE`: whoever guesses a seed has every key".to_owned(),
        ));
    }
    let place = exposure.can_be_written.as_deref()?;
    let id = format!("`certferry seed id {name}` must print the `seed_id` that is in the lock");
    Some(if place == file {
        (format!("{name} can be written by others"), format!("chmod 600 {name}; {id}"))
    } else {
        let folder = place.display();
        (
            format!("others can put another file in the place of {name}: they may write to {folder}"),
            format!("move it to a folder of your own, or chmod go-w {folder}; {id}"),
        )
    })
}
