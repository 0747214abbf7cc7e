//! Seals a stream of bytes.

use std::io::{self, Write};

use zeroize::Zeroizing;

use super::armor::ArmorWriter;
use super::error::SealError;
use super::form::Form;
use super::header::{self, Stanza};
use super::kind::Kind;
use super::passphrase::{self, Passphrase};
use super::payload::{NONCE, PART, Stream};
use super::recipient::Recipient;
use super::wrap::FILE_KEY;
use super::{hybrid, random, x25519};

/// Who may open what is sealed.
#[derive(Clone, Copy)]
pub enum SealTo<'a> {
    /// Whoever knows the passphrase. It stands alone.
    Passphrase(&'a Passphrase),
    /// Whoever has the identity of one of these, which are of one kind.
    Recipients(&'a [Recipient]),
}

impl SealTo<'_> {
    fn stanzas(self, file_key: &[u8; FILE_KEY]) -> Result<Vec<Stanza>, SealError> {
        let recipients = match self {
            Self::Passphrase(passphrase) => return Ok(vec![passphrase::seal(passphrase, file_key)?]),
            Self::Recipients(recipients) => recipients,
        };
        let first = recipients.first().ok_or(SealError::NoRecipient)?;
        if recipients.iter().any(|recipient| recipient.kind() != first.kind()) {
            return Err(SealError::BothKinds);
        }
        let stanza = |recipient: &Recipient| {
            let stanza = match recipient.kind() {
                Kind::Hybrid => hybrid::seal(recipient.key(), file_key),
                Kind::X25519 => x25519::seal(recipient.key(), file_key)?,
            };
            stanza.ok_or_else(|| SealError::Recipient(recipient.to_string()))
        };
        recipients.iter().map(stanza).collect()
    }
}

/// Seals what is written to it. Without [`Self::finish`] the file is cut off, and nobody takes it for whole.
pub struct Sealer<W: Write> {
    output: Output<W>,
    stream: Stream,
    /// What is not sealed yet: at most one part.
    part: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// Begins a sealed file with its head.
    ///
    /// # Errors
    /// Returns the [`SealError`] that says why nothing can be sealed so.
    pub fn new(output: W, to: SealTo<'_>, form: Form) -> Result<Self, SealError> {
        let file_key = random::bytes::<FILE_KEY>()?;
        let nonce = random::bytes::<NONCE>()?;
        let stanzas = to.stanzas(&file_key)?;
        let mut output = match form {
            Form::Binary => Output::Binary(output),
            Form::Armored => Output::Armored(ArmorWriter::new(output)?),
        };
        header::write(&stanzas, &file_key, &mut output)?;
        output.write_all(nonce.as_slice())?;
        let part = Zeroizing::new(Vec::with_capacity(PART));
        Ok(Self { output, stream: Stream::new(&file_key, &nonce), part })
    }

    /// Ends the file, and returns what it was written to.
    ///
    /// # Errors
    /// Fails when that does.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal_part(true)?;
        match self.output {
            Output::Binary(output) => Ok(output),
            Output::Armored(armor) => armor.finish(),
        }
    }

    fn seal_part(&mut self, is_last: bool) -> io::Result<()> {
        self.stream.seal(&mut self.part, is_last, &mut self.output)?;
        self.part.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full part waits for what comes: only then it is known not to be the last.
        if self.part.len() == PART && !bytes.is_empty() {
            self.seal_part(false)?;
        }
        let count = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Does nothing: a part is written when it is full, and the last one by [`Sealer::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Output<W: Write> {
    Binary(W),
    Armored(ArmorWriter<W>),
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Binary(output) => output.write(bytes),
            Self::Armored(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Binary(output) => output.flush(),
            Self::Armored(output) => output.flush(),
        }
    }
}
