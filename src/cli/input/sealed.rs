//! Opens what is sealed: seeds and adopted keys. Passphrases come from a terminal or a file, never from an argument.

use std::cell::OnceCell;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::cli::args::OpenArguments;
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::source;
use crate::cli::notice::Notice;
use crate::host;
use crate::keys::wipe_stack;
use crate::seal::{Envelope, Form, Identity, OpenError, OpenWith, OpensWith, Passphrase};

/// The most bytes of a line with a passphrase, and one more.
pub(crate) const PASSPHRASE_LIMIT: usize = 1027;

/// The most bytes of a file with identities.
const IDENTITY_LIMIT: u64 = 64 << 10;

/// What there is to open sealed files with.
pub(crate) struct Opener<'a> {
    passphrase_file: Option<&'a Path>,
    identity_files: &'a [PathBuf],
    /// Read once: it may be the standard input.
    passphrase: OnceCell<Passphrase>,
}

impl<'a> Opener<'a> {
    pub(crate) fn new(arguments: &'a OpenArguments) -> Self {
        let OpenArguments { passphrase_file, identity } = arguments;
        Self { passphrase_file: passphrase_file.as_deref(), identity_files: identity, passphrase: OnceCell::new() }
    }

    /// Returns what is in a file that may be sealed, at most `limit` bytes.
    pub(crate) fn open(
        &self,
        file: &Path,
        content: Zeroizing<Vec<u8>>,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if Form::of(&content).is_none() {
            return Ok(content);
        }
        let envelope = Envelope::read(content.as_slice()).map_err(|error| failed(file, &error))?;
        let opened = match envelope.opens_with() {
            OpensWith::Passphrase => match self.passphrase_file {
                None => {
                    let passphrase = ask(&format!("Passphrase of {}: ", named(file)), file)?;
                    envelope.open(OpenWith::Passphrase(&passphrase)).and_then(|opened| opened.read_all(limit))
                }
                Some(from) => {
                    let passphrase = match self.passphrase.get() {
                        Some(passphrase) => passphrase,
                        None => {
                            let read = read_passphrase(from)?;
                            self.passphrase.get_or_init(|| read)
                        }
                    };
                    envelope.open(OpenWith::Passphrase(passphrase)).and_then(|opened| opened.read_all(limit))
                }
            },
            OpensWith::Identity => {
                let identities = self.identities(file)?;
                envelope.open(OpenWith::Identities(&identities)).and_then(|opened| opened.read_all(limit))
            }
        };
        // Keys of ciphers lay there.
        wipe_stack();
        opened.map_err(|error| failed(file, &error))
    }

    fn identities(&self, file: &Path) -> Result<Vec<Identity>, Failure> {
        if self.identity_files.is_empty() {
            return Err(Failure::cannot_run(format!("{} is sealed to recipients", named(file)))
                .hint("--identity FILE names a file with the identity of one of them"));
        }
        let mut all = Vec::new();
        for path in self.identity_files {
            let (content, exposure) = host::read_secret(path, IDENTITY_LIMIT).or_cannot("read the identity", path)?;
            warn_of(path, exposure.can_be_read);
            let read = Identity::parse_all(&content).map_err(|error| {
                let hint = match Form::of(&content) {
                    Some(_) => "it is sealed itself: open it with age, and name what comes out",
                    None => "it is a file as `age-keygen` writes one",
                };
                Failure::cannot_run(format!("{}: {error}", path.display())).hint(hint)
            })?;
            all.extend(read);
        }
        Ok(all)
    }
}

/// Reads the passphrase that is the one line of a file.
pub(crate) fn read_passphrase(path: &Path) -> Result<Passphrase, Failure> {
    let limit = PASSPHRASE_LIMIT as u64;
    let read = match source::is_standard(path) {
        true => host::read_stdin(limit).or_cannot("read the passphrase", path)?,
        false => {
            let (content, exposure) = host::read_secret(path, limit).or_cannot("read the passphrase", path)?;
            warn_of(path, exposure.can_be_read);
            content
        }
    };
    Passphrase::parse(&read).map_err(|error| {
        Failure::cannot_run(format!("the passphrase in {} {error}", named(path)))
            .hint("a passphrase is one line of UTF-8; the line's end does not belong to it")
    })
}

/// Asks on the terminal for a passphrase.
pub(crate) fn ask(prompt: &str, file: &Path) -> Result<Passphrase, Failure> {
    let line = host::read_hidden(prompt, PASSPHRASE_LIMIT).map_err(|error| match is_no_terminal(&error) {
        true => Failure::cannot_run(format!(
            "{} needs a passphrase, and there is no terminal on which to ask for it",
            named(file)
        ))
        .hint("--passphrase-file FILE names a file that has it in one line"),
        false => Failure::io("read the passphrase from", Path::new("/dev/tty"), &error),
    })?;
    Passphrase::parse(&line).map_err(|error| Failure::cannot_run(format!("the passphrase {error}")))
}

/// Returns whether the process was started without a terminal.
pub(crate) fn is_no_terminal(error: &io::Error) -> bool {
    let codes = [Errno::NXIO, Errno::NOENT, Errno::NOTTY, Errno::NODEV];
    codes.iter().any(|code| error.raw_os_error() == Some(code.raw_os_error()))
}

/// Says that others can read what is secret.
pub(crate) fn warn_of(path: &Path, can_be_read: bool) {
    if can_be_read {
        let name = path.display();
        Notice::new(format!("{name} can be read by others")).hint(format!("chmod 600 {name}")).give();
    }
}

fn failed(file: &Path, error: &OpenError) -> Failure {
    let failure = match error {
        OpenError::Io(error) => Failure::io("open", file, error),
        _ => Failure::cannot_run(format!("{} {error}", named(file))),
    };
    match error {
        OpenError::OtherPassphrase => failure.hint("a copy from before `seed reseal` has the passphrase of before"),
        OpenError::OtherRecipients => failure.hint("--identity FILE can be given several times"),
        OpenError::Armor(_) | OpenError::Header(_) | OpenError::Mac | OpenError::Payload(_) => {
            failure.hint("take the other copy")
        }
        OpenError::WorkFactor(_) | OpenError::Memory(_) => failure.hint("was it sealed by somebody else?"),
        _ => failure,
    }
}
