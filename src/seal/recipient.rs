//! To whom something is sealed. A recipient is no secret, but whoever can put another in its place can open what follows.

use std::fmt::{Display, Formatter, Result as FormatResult};

use sha2::{Digest, Sha256};

use super::error::RecipientError;
use super::kind::Kind;
use super::{bech32, hybrid, x25519};

/// A public key to which files are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    kind: Kind,
    key: Vec<u8>,
}

impl Recipient {
    pub(super) fn new(kind: Kind, key: Vec<u8>) -> Self {
        Self { kind, key }
    }

    /// Reads the text of a recipient: `age1pq1...` or `age1...`.
    ///
    /// # Errors
    /// Returns the [`RecipientError`] that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("age-secret-key-") {
            return Err(RecipientError::IsIdentity);
        }
        if lower.starts_with("ssh-") || lower.starts_with("ecdsa-") || lower.starts_with("sk-") {
            return Err(RecipientError::OtherKind);
        }
        // The prefix ends at the last 1: the letters behind it have none (BIP 173).
        let (prefix, _) = lower.rsplit_once('1').ok_or(RecipientError::NoRecipient)?;
        let Some(kind) = Kind::ALL.into_iter().find(|kind| prefix == kind.recipient_prefix()) else {
            // A plugin's prefix is `age1` and its name.
            let is_plugins = prefix.starts_with("age1") && !prefix.starts_with("age1pq");
            return Err(match (is_plugins, lower.starts_with("age1")) {
                (true, _) => RecipientError::OtherKind,
                (false, true) => RecipientError::Checksum,
                (false, false) => RecipientError::NoRecipient,
            });
        };
        let key = bech32::read(kind.recipient_prefix(), text).ok_or(RecipientError::Checksum)?;
        let (length, is_key): (usize, fn(&[u8]) -> bool) = match kind {
            Kind::Hybrid => (hybrid::PUBLIC_KEY, hybrid::is_public_key),
            Kind::X25519 => (x25519::KEY, x25519::is_public_key),
        };
        if key.len() != length {
            return Err(RecipientError::Length(kind));
        }
        if is_key(&key) { Ok(Self::new(kind, key.to_vec())) } else { Err(RecipientError::NoKey) }
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the SHA-256 of its text, by which people compare it: the text of the hybrid kind is too long for paper.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.to_string()).into()
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }
}

impl Display for Recipient {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        formatter.write_str(&bech32::write(self.kind.recipient_prefix(), &self.key))
    }
}
