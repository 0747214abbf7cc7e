//! A sealed file of which the head was read: who may open it is known, and what is in it not yet.

use std::io::{self, BufRead, BufReader, Read};

use super::armor::ArmorReader;
use super::error::OpenError;
use super::form::Form;
use super::header::{Header, Stanza};
use super::identity::Identity;
use super::kind::Kind;
use super::passphrase::{self, Passphrase};
use super::payload::{NONCE, Opened, Stream};
use super::wrap::FileKey;
use super::{hybrid, x25519};

/// What a sealed file opens with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpensWith {
    /// A passphrase.
    Passphrase,
    /// The identity of one of its recipients.
    Identity,
}

/// What is there to open a sealed file.
#[derive(Clone, Copy)]
pub enum OpenWith<'a> {
    /// A passphrase.
    Passphrase(&'a Passphrase),
    /// Identities, one of which may be that of a recipient.
    Identities(&'a [Identity]),
}

/// For whom a sealed file is, by its head: how many there are of each kind. Who they are it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Recipients `age1pq1...`.
    pub hybrid: usize,
    /// Recipients `age1...`.
    pub x25519: usize,
    /// Whatever else opens it: a passphrase, keys of SSH, plugins, and what age adds to keep others tolerant.
    pub others: usize,
}

/// A sealed file whose head was read.
pub struct Envelope<R: BufRead> {
    header: Header,
    source: Source<R>,
}

impl<R: BufRead> Envelope<R> {
    /// Reads the head of a sealed file in either form.
    ///
    /// # Errors
    /// Returns the [`OpenError`] that says what is wrong with it.
    pub fn read(mut source: R) -> Result<Self, OpenError> {
        let form = Form::by_first_byte(source.fill_buf()?);
        Self::read_as(source, form)
    }

    /// Reads the head of a sealed file in one form.
    ///
    /// # Errors
    /// Returns the [`OpenError`] that says what is wrong with it.
    pub fn read_as(source: R, form: Form) -> Result<Self, OpenError> {
        let mut source = match form {
            Form::Binary => Source::Binary(source),
            Form::Armored => Source::Armored(BufReader::new(ArmorReader::new(source))),
        };
        let header = Header::read(&mut source)?;
        if header.stanzas.len() > 1 && header.stanzas.iter().any(|stanza| stanza.is(passphrase::NAME)) {
            return Err(OpenError::Header("a passphrase is not the only way to open it"));
        }
        Ok(Self { header, source })
    }

    /// Returns what it opens with.
    #[must_use]
    pub fn opens_with(&self) -> OpensWith {
        match self.header.stanzas.iter().any(|stanza| stanza.is(passphrase::NAME)) {
            true => OpensWith::Passphrase,
            false => OpensWith::Identity,
        }
    }

    /// Returns how many recipients of each kind it has.
    #[must_use]
    pub fn recipients(&self) -> Recipients {
        let mut found = Recipients::default();
        for stanza in &self.header.stanzas {
            *match () {
                () if stanza.is(hybrid::NAME) => &mut found.hybrid,
                () if stanza.is(x25519::NAME) => &mut found.x25519,
                () => &mut found.others,
            } += 1;
        }
        found
    }

    /// Opens it. What is in it has to be read to its end before it is believed.
    ///
    /// # Errors
    /// Returns the [`OpenError`] that says why it does not open.
    pub fn open(mut self, with: OpenWith<'_>) -> Result<Opened<impl BufRead + use<R>>, OpenError> {
        let file_key = match (self.opens_with(), with) {
            (OpensWith::Passphrase, OpenWith::Identities(_)) => return Err(OpenError::NeedsPassphrase),
            (OpensWith::Identity, OpenWith::Passphrase(_)) => return Err(OpenError::NeedsIdentity),
            (_, OpenWith::Passphrase(passphrase)) => {
                let stanza = self.header.stanzas.first().ok_or(OpenError::NeedsIdentity)?;
                passphrase::open(stanza, passphrase)?.ok_or(OpenError::OtherPassphrase)?
            }
            (_, OpenWith::Identities(identities)) => self.file_key(identities)?.ok_or(OpenError::OtherRecipients)?,
        };
        if !self.header.is_tagged_by(&file_key) {
            return Err(OpenError::Mac);
        }
        let mut nonce = [0; NONCE];
        self.source.read_exact(&mut nonce).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => OpenError::Header("it ends behind its head"),
            _ => error.into(),
        })?;
        Ok(Opened::new(self.source, Stream::new(&file_key, &nonce)))
    }

    /// Returns the file key by the first identity that opens a stanza. Stanzas of other kinds are for others.
    fn file_key(&self, identities: &[Identity]) -> Result<Option<FileKey>, OpenError> {
        type Open = fn(&Stanza, &[u8; 32]) -> Result<Option<FileKey>, OpenError>;
        for identity in identities {
            let (name, open): (_, Open) = match identity.kind() {
                Kind::Hybrid => (hybrid::NAME, hybrid::open),
                Kind::X25519 => (x25519::NAME, x25519::open),
            };
            for stanza in self.header.stanzas.iter().filter(|stanza| stanza.is(name)) {
                if let Some(key) = open(stanza, identity.secret())? {
                    return Ok(Some(key));
                }
            }
        }
        Ok(None)
    }
}

enum Source<R: BufRead> {
    Binary(R),
    Armored(BufReader<ArmorReader<R>>),
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Binary(source) => source.read(buffer),
            Self::Armored(source) => source.read(buffer),
        }
    }
}

impl<R: BufRead> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Binary(source) => source.fill_buf(),
            Self::Armored(source) => source.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match self {
            Self::Binary(source) => source.consume(count),
            Self::Armored(source) => source.consume(count),
        }
    }
}
