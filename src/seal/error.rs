//! What can be wrong with a sealed file, and with what it is sealed to.

use std::io;

use thiserror::Error;

use super::kind::Kind;
use super::limits::{self, MAX_WORK_FACTOR};

/// Why nothing was sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// There is nobody who could open it.
    #[error("there is no recipient")]
    NoRecipient,
    /// Recipients of both kinds are given.
    #[error(
        "recipients age1pq1... and age1... in one file: a computer that breaks X25519 would open it, whatever the others are"
    )]
    BothKinds,
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
    /// A recipient is not one to whom something can be sealed.
    #[error("nothing can be sealed to the recipient {0}")]
    Recipient(String),
    /// There is not as much memory as scrypt takes.
    #[error("scrypt takes {0} MiB of memory, which are not there")]
    Memory(u32),
    /// The result could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a sealed file was not opened. The texts go on a sentence that begins with the file's name.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file is not of age at all.
    #[error("is no file of age")]
    NotSealed,
    /// The armor is not in its form.
    #[error("is a damaged file of age: {0}")]
    Armor(&'static str),
    /// The head is not in its form.
    #[error("is a damaged file of age: {0}")]
    Header(&'static str),
    /// The passphrase takes more work than anybody is made to do.
    #[error("asks for 2^{0} steps of scrypt; certferry does at most 2^{MAX_WORK_FACTOR}")]
    WorkFactor(u8),
    /// There is not as much memory as scrypt takes.
    #[error("asks for {0} MiB of memory, which are not there")]
    Memory(u32),
    /// It is sealed with a passphrase, and identities were given.
    #[error("is sealed with a passphrase")]
    NeedsPassphrase,
    /// It is sealed to recipients, and a passphrase was given.
    #[error("is sealed to recipients")]
    NeedsIdentity,
    /// The passphrase is another one.
    #[error("does not open: the passphrase is another one, or the file was changed")]
    OtherPassphrase,
    /// No identity is that of a recipient.
    #[error("does not open: it is sealed to other recipients, or was changed")]
    OtherRecipients,
    /// The head was changed.
    #[error("was changed: the tag of its head does not hold")]
    Mac,
    /// The content was cut off, changed, or put in another order.
    #[error("was cut off or changed: the tag of part {0} does not hold")]
    Payload(u64),
    /// The file could not be read.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for OpenError {
    /// Returns the error that a reader of this room put into one of I/O, or that of I/O.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// Why a text is no recipient.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecipientError {
    /// It is the secret half.
    #[error("is an identity, the secret half of a recipient")]
    IsIdentity,
    /// It begins like neither kind.
    #[error("does not begin with age1pq1 or age1")]
    NoRecipient,
    /// It is of a plugin, or a key of SSH.
    #[error("is of a kind that age has by a plugin or for SSH; certferry has age1pq1... and age1...")]
    OtherKind,
    /// A letter is another one, or one is missing.
    #[error("has a wrong letter, or one too few or too many: its checksum does not hold")]
    Checksum,
    /// It is not as long as its kind is.
    #[error("is not as long as a recipient {0} is")]
    Length(Kind),
    /// It is not a key to which anything can be sealed.
    #[error("is not a public key")]
    NoKey,
}

/// Why a text holds no identities.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// There is none.
    #[error("holds no identity")]
    None,
    /// A line is neither an identity, nor empty, nor a comment.
    #[error("line {0} is no identity, which begins with AGE-SECRET-KEY-PQ-1 or AGE-SECRET-KEY-1")]
    Line(usize),
    /// A letter is another one, or one is missing.
    #[error("line {0} is an identity with a wrong letter, or one too few or too many: its checksum does not hold")]
    Checksum(usize),
    /// A line is the public half of an identity.
    #[error("line {0} is a recipient, the public half of an identity")]
    IsRecipient(usize),
}

/// Why bytes are no passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PassphraseError {
    /// There are none.
    #[error("is empty")]
    Empty,
    /// There are too many.
    #[error("is longer than {} bytes", limits::PASSPHRASE)]
    TooLong,
    /// They are not text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// There is a line end within.
    #[error("has more than one line")]
    MoreThanOneLine,
    /// There is a NUL within, which nobody can type.
    #[error("has a NUL in it")]
    Nul,
}
