//! To whom each part of a bundle is sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use thiserror::Error;

use crate::bundle::{Hex, Sha256};
use crate::kubernetes::PartName;
use crate::seal::{Form, Kind, Recipient, SealTo, Sealer};

/// The recipients of each part. Only [`Self::new`] makes one, so that every part can be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelopes(BTreeMap<PartName, Vec<Recipient>>);

/// Why parts cannot be sealed so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvelopesError {
    /// Nobody could open these parts.
    #[error("there is no recipient for {}", list(.0))]
    NoRecipient(Vec<PartName>),
    /// A part has recipients of both kinds, and the weaker one would decide.
    #[error("{0} has recipients age1pq1... and age1...: a computer that breaks X25519 would open it")]
    BothKinds(PartName),
}

fn list(parts: &[PartName]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Envelopes {
    /// Takes the recipients of these parts, each once.
    ///
    /// # Errors
    /// Returns the [`EnvelopesError`] that says which parts nobody could open, or how one could be opened too easily.
    pub fn new(parts: impl IntoIterator<Item = (PartName, Vec<Recipient>)>) -> Result<Self, EnvelopesError> {
        let mut envelopes = BTreeMap::new();
        for (part, named) in parts {
            let mut recipients: Vec<Recipient> = Vec::new();
            for recipient in named {
                if !recipients.contains(&recipient) {
                    recipients.push(recipient);
                }
            }
            envelopes.insert(part, recipients);
        }
        let without: Vec<_> = envelopes.iter().filter(|(_, to)| to.is_empty()).map(|(part, _)| part.clone()).collect();
        if !without.is_empty() {
            return Err(EnvelopesError::NoRecipient(without));
        }
        let is_mixed = |to: &Vec<Recipient>| to.iter().any(|one| Some(one.kind()) != to.first().map(Recipient::kind));
        match envelopes.iter().find(|(_, to)| is_mixed(to)) {
            Some((part, _)) => Err(EnvelopesError::BothKinds(part.clone())),
            None => Ok(Self(envelopes)),
        }
    }

    /// Returns the recipients of each part.
    pub fn parts(&self) -> impl Iterator<Item = (&PartName, &[Recipient])> {
        self.0.iter().map(|(part, to)| (part, to.as_slice()))
    }

    /// Returns the fingerprints of the recipients of each part.
    #[must_use]
    pub fn fingerprints(&self) -> BTreeMap<PartName, BTreeSet<Sha256>> {
        let fingerprints = |to: &[Recipient]| to.iter().map(|recipient| Hex(recipient.sha256())).collect();
        self.parts().map(|(part, to)| (part.clone(), fingerprints(to))).collect()
    }

    /// Returns the recipients of a part, none if it has no envelope.
    #[must_use]
    pub fn of(&self, part: &PartName) -> &[Recipient] {
        self.0.get(part).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns whether a part is sealed with X25519 alone, which a quantum computer of later may open.
    #[must_use]
    pub fn is_classical(&self, part: &PartName) -> bool {
        self.of(part).iter().any(|recipient| recipient.kind() == Kind::X25519)
    }

    /// Seals the slice of a part, as a binary file of age.
    ///
    /// # Errors
    /// Fails when the part has no recipient, and when the operating system gives no random bytes.
    pub fn seal(&self, part: &PartName, slice: &[u8]) -> io::Result<Vec<u8>> {
        let to = SealTo::Recipients(self.of(part));
        // A stanza of a hybrid recipient has 1.6 KB, a tag 16 bytes for each 64 KiB.
        let capacity = slice.len() + slice.len() / 4096 + 2048 * (1 + self.of(part).len());
        let mut sealer = Sealer::new(Vec::with_capacity(capacity), to, Form::Binary).map_err(io::Error::other)?;
        sealer.write_all(slice)?;
        sealer.finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use super::{Envelopes, EnvelopesError};
    use crate::kubernetes::PartName;
    use crate::seal::{Identity, Kind, Recipient};

    fn recipient(kind: Kind) -> Recipient {
        Identity::random(kind).unwrap().recipient()
    }

    #[test]
    fn every_part_has_recipients_of_one_kind() {
        let node = |name: &str| PartName::Node(name.to_owned());
        let (strong, weak) = (recipient(Kind::Hybrid), recipient(Kind::X25519));
        let made = Envelopes::new([
            (node("a"), vec![strong.clone(), strong.clone()]),
            (PartName::Cluster, vec![weak.clone()]),
        ])
        .unwrap();
        assert_eq!(made.of(&node("a")).len(), 1, "the same one counts once");
        assert_eq!((made.is_classical(&node("a")), made.is_classical(&PartName::Cluster)), (false, true));
        assert!(made.of(&node("b")).is_empty());
        let refused =
            Envelopes::new([(node("a"), vec![]), (node("b"), vec![]), (PartName::Cluster, vec![weak.clone()])]);
        let refused = refused.unwrap_err();
        assert_eq!(refused, EnvelopesError::NoRecipient(vec![node("a"), node("b")]));
        assert_eq!(refused.to_string(), "there is no recipient for node/a, node/b");
        let refused = Envelopes::new([(node("a"), vec![strong, weak])]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "node/a has recipients age1pq1... and age1...: a computer that breaks X25519 would open it"
        );
    }
}
