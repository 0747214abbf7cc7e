//! How a new seed is kept: sealed with a passphrase, sealed to recipients, or in the clear.

use std::io::Write;
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::args::{ClearArguments, KeepArguments};
use crate::cli::failure::Failure;
use crate::cli::input::sealed;
use crate::host;
use crate::keys::{Seed, wipe_stack};
use crate::seal::{Form, Passphrase, Recipient, SealError, SealTo, Sealer};

/// The most bytes of a seed file. Sealed to a recipient of the hybrid kind it has 2,300.
pub(crate) const LIMIT: u64 = 64 << 10;

/// How a new seed is kept, as the arguments say.
#[derive(Clone, Copy)]
pub(crate) struct Keep<'a> {
    pub(crate) passphrase_file: Option<&'a Path>,
    /// The option that names a file with a passphrase.
    pub(crate) option: &'static str,
    pub(crate) recipients: &'a [String],
    pub(crate) is_plain: bool,
}

impl<'a> From<&'a KeepArguments> for Keep<'a> {
    fn from(KeepArguments { passphrase_file, clear }: &'a KeepArguments) -> Self {
        Self::new(passphrase_file.as_deref(), "--passphrase-file", clear)
    }
}

impl<'a> Keep<'a> {
    pub(crate) fn new(passphrase_file: Option<&'a Path>, option: &'static str, clear: &'a ClearArguments) -> Self {
        Self { passphrase_file, option, recipients: &clear.recipient, is_plain: clear.plain }
    }

    /// Returns what a seed is sealed with, in a word; `None` when it is not.
    pub(crate) fn word(self) -> Option<&'static str> {
        match (self.is_plain, self.recipients) {
            (true, _) => None,
            (false, []) => Some("passphrase"),
            (false, _) => Some("recipients"),
        }
    }

    /// Returns the recipients that are named, checked.
    pub(crate) fn recipients(self) -> Result<Vec<Recipient>, Failure> {
        let parse = |text: &String| {
            Recipient::parse(text).map_err(|error| {
                // Never the text, which may be the secret half.
                Failure::cannot_run(format!("what --recipient names {error}"))
                    .hint("a recipient is what `age-keygen -y` prints: age1pq1... or age1...")
            })
        };
        self.recipients.iter().map(parse).collect()
    }

    /// Returns the file of a seed. Asks on the terminal for a passphrase, where nothing else is said.
    pub(crate) fn text(self, file: &Path, seed: &Seed) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let plain = seed.to_text();
        if self.is_plain {
            return Ok(Zeroizing::new(plain.as_bytes().to_vec()));
        }
        let recipients = self.recipients()?;
        let passphrase = if recipients.is_empty() { Some(self.passphrase(file)?) } else { None };
        let to = passphrase.as_ref().map_or(SealTo::Recipients(&recipients), SealTo::Passphrase);
        let sealed = Sealer::new(Vec::new(), to, Form::Armored).and_then(|mut sealer| {
            sealer.write_all(plain.as_bytes())?;
            Ok(sealer.finish()?)
        });
        // Keys of ciphers lay there.
        wipe_stack();
        let text = sealed.map_err(|error| cannot_seal(&error))?;
        if text.len() as u64 > LIMIT {
            return Err(Failure::cannot_run(format!("{} recipients are more than a seed can have", recipients.len())));
        }
        Ok(Zeroizing::new(text))
    }

    fn passphrase(self, file: &Path) -> Result<Passphrase, Failure> {
        if let Some(path) = self.passphrase_file {
            return sealed::read_passphrase(path);
        }
        let name = file.display();
        let first = host::read_hidden(&format!("New passphrase for {name}: "), sealed::PASSPHRASE_LIMIT);
        let first = first.map_err(|error| match sealed::is_no_terminal(&error) {
            true => Failure::cannot_run(format!(
                "{name} is to be sealed, and there is no terminal on which to ask for a passphrase"
            ))
            .hint(format!(
                "{} FILE names a file that has one in its one line; --recipient RECIPIENT needs none",
                self.option
            ))
            .hint("--plain leaves it in the clear: to try things out, for whoever finds the file has every key"),
            false => Failure::io("read the passphrase from", Path::new("/dev/tty"), &error),
        })?;
        let first = Passphrase::parse(&first);
        let first = first.map_err(|error| Failure::cannot_run(format!("the passphrase {error}")))?;
        let second = sealed::ask("The same again: ", file)?;
        if !first.is(&second) {
            return Err(Failure::cannot_run("the two passphrases are not the same").hint("nothing was written"));
        }
        Ok(first)
    }
}

fn cannot_seal(error: &SealError) -> Failure {
    let failure = Failure::cannot_run(format!("cannot seal: {error}"));
    match error {
        SealError::BothKinds => failure.hint("give recipients of one kind; age1pq1... is the stronger"),
        _ => failure,
    }
}
