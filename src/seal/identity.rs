//! Who opens what is sealed to a recipient.

use zeroize::Zeroizing;

use super::error::{IdentityError, RecipientError, SealError};
use super::kind::Kind;
use super::recipient::Recipient;
use super::{bech32, hybrid, random, x25519};

/// The secret half of a [`Recipient`]: 32 bytes on the heap, wiped on drop.
pub struct Identity {
    kind: Kind,
    secret: Box<Zeroizing<[u8; 32]>>,
}

impl Identity {
    /// Returns a new identity of the operating system's random bytes.
    ///
    /// # Errors
    /// Returns [`SealError::NoRandomness`] when it gives none.
    pub fn random(kind: Kind) -> Result<Self, SealError> {
        Ok(Self { kind, secret: random::bytes()? })
    }

    /// Reads a file of identities, as `age-keygen` writes one: one a line, with empty lines and comments, which begin with
    /// `#`, between.
    ///
    /// # Errors
    /// Returns the [`IdentityError`] of the first line that is none. It has nothing of the line in it.
    pub fn parse_all(file: &[u8]) -> Result<Vec<Self>, IdentityError> {
        let mut identities = Vec::new();
        for (line, number) in file.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let text = std::str::from_utf8(line).map_err(|_| IdentityError::Line(number))?;
            identities.push(Self::parse(text, number)?);
        }
        if identities.is_empty() { Err(IdentityError::None) } else { Ok(identities) }
    }

    fn parse(text: &str, number: usize) -> Result<Self, IdentityError> {
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        if matches!(Recipient::parse(text), Ok(_) | Err(RecipientError::Checksum)) {
            return Err(IdentityError::IsRecipient(number));
        }
        let prefix = lower.rsplit_once('1').map(|(prefix, _)| prefix);
        let kind = Kind::ALL.into_iter().find(|kind| prefix == Some(kind.identity_prefix()));
        let kind = kind.ok_or(match lower.starts_with("age-secret-key-") {
            true => IdentityError::Checksum(number),
            false => IdentityError::Line(number),
        })?;
        let bytes = bech32::read(kind.identity_prefix(), text).filter(|bytes| bytes.len() == 32);
        let bytes = bytes.ok_or(IdentityError::Checksum(number))?;
        let mut secret = Box::new(Zeroizing::new([0; 32]));
        secret.copy_from_slice(&bytes);
        Ok(Self { kind, secret })
    }

    /// Returns the text of the identity, which is secret, in upper case as age has it.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = bech32::write(self.kind.identity_prefix(), self.secret.as_slice());
        text.make_ascii_uppercase();
        text
    }

    /// Returns the public half.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient::new(
            self.kind,
            match self.kind {
                Kind::Hybrid => hybrid::public_key(&self.secret),
                Kind::X25519 => x25519::public_key(&self.secret).to_vec(),
            },
        )
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}
