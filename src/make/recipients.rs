//! What a lock keeps of the recipients of parts, and what a build may change about them.

use std::collections::{BTreeMap, BTreeSet};

use super::envelopes::Envelopes;
use super::permission::{Deviation, Objection, Permission};
use crate::bundle::{Hex, Sha256};
use crate::kubernetes::PartName;
use crate::lock::{Lock, LockedPart, Refusal};
use crate::seal::Recipient;

/// A part that is sealed to others than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientChange {
    /// The part.
    pub part: PartName,
    /// The fingerprints of the recipients that the lock does not have.
    pub added: Vec<Sha256>,
    /// Those that only the lock has.
    pub removed: Vec<Sha256>,
}

/// Returns the parts that would be sealed to others than those of the lock. A part that was never sealed is among them,
/// a new one, too, and without a lock all of them.
#[must_use]
pub fn recipient_changes(lock: Option<&Lock>, planned: &BTreeMap<PartName, BTreeSet<Sha256>>) -> Vec<RecipientChange> {
    let rows = lock.into_iter().flat_map(|lock| &lock.parts);
    let locked: BTreeMap<_, _> = rows.map(|row| (&row.part, &row.sealed_to)).collect();
    let change = |(part, planned): (&PartName, &BTreeSet<Sha256>)| {
        let before: BTreeSet<_> = locked.get(part).into_iter().flat_map(|row| row.iter().copied()).collect();
        let added: Vec<_> = planned.difference(&before).copied().collect();
        let removed: Vec<_> = before.difference(planned).copied().collect();
        let is_change = !added.is_empty() || !removed.is_empty();
        is_change.then(|| RecipientChange { part: part.clone(), added, removed })
    };
    planned.iter().filter_map(change).collect()
}

/// Returns the fingerprints of a part's recipients.
fn fingerprints(recipients: &[Recipient]) -> BTreeSet<Sha256> {
    recipients.iter().map(|recipient| Hex(recipient.sha256())).collect()
}

/// Returns the parts that were sealed to others before. One that was never sealed is not among them.
fn replaced(lock: &Lock, planned: &BTreeMap<PartName, BTreeSet<Sha256>>) -> Vec<PartName> {
    let was_sealed: BTreeSet<_> =
        lock.parts.iter().filter(|row| !row.sealed_to.is_empty()).map(|row| &row.part).collect();
    let changes = recipient_changes(Some(lock), planned).into_iter().map(|change| change.part);
    changes.filter(|part| was_sealed.contains(part)).collect()
}

/// Returns the refusal of a build that seals parts to others than those of the lock.
#[must_use]
pub fn recipient_refusal(lock: &Lock, planned: &BTreeMap<PartName, BTreeSet<Sha256>>) -> Option<Refusal> {
    let parts = replaced(lock, planned);
    (!parts.is_empty()).then_some(Refusal::ChangedRecipients { parts })
}

/// Refuses recipients that are others than those of the lock. Parts that were never sealed have none there.
pub(super) fn check(lock: &Lock, envelopes: Option<&Envelopes>, permission: Permission) -> Result<(), Objection> {
    let Some(envelopes) = envelopes else { return Ok(()) };
    let parts = replaced(lock, &envelopes.fingerprints());
    let Some(first) = parts.first() else { return Ok(()) };
    if permission == Permission::Locked {
        let list = |all: Vec<Sha256>| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let locked = lock.parts.iter().find(|row| row.part == *first).map(|row| row.sealed_to.clone());
        return Err(Objection::Differs(Deviation::Value {
            what: format!("recipients of {first}"),
            locked: list(locked.unwrap_or_default()),
            built: list(fingerprints(envelopes.of(first)).into_iter().collect()),
        }));
    }
    permission.refuse(vec![Refusal::ChangedRecipients { parts }])
}

/// What becomes of the recipients in a lock.
#[derive(Clone, Copy)]
pub(super) struct Pins<'a>(Option<&'a Envelopes>);

impl<'a> Pins<'a> {
    /// A rebuild that is to be what the lock says leaves its recipients as they are: whether it is sealed, too, does
    /// not matter to what is in it.
    pub(super) fn new(envelopes: Option<&'a Envelopes>, permission: Permission) -> Self {
        Self(envelopes.filter(|_| permission != Permission::Locked))
    }

    /// Returns the fingerprints for the row of a part, of which this was the one before.
    pub(super) fn of(self, part: &PartName, before: Option<&LockedPart>) -> Vec<Sha256> {
        match self.0 {
            Some(envelopes) => fingerprints(envelopes.of(part)).into_iter().collect(),
            None => before.map(|row| row.sealed_to.clone()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use super::{Permission, Pins, RecipientChange, check, recipient_changes, recipient_refusal};
    use crate::bundle::{Hex, Sha256};
    use crate::kubernetes::PartName;
    use crate::lock::{Formats, Lock, LockedPart, Refusal};
    use crate::make::{Deviation, Envelopes, Objection};
    use crate::seal::{Identity, Kind, Recipient};

    fn node(name: &str) -> PartName {
        PartName::Node(name.to_owned())
    }

    fn row(part: PartName, sealed_to: Vec<Sha256>) -> LockedPart {
        let record_sha256 = Hex([0x66; 32]);
        LockedPart { part, generation: 1, record_sha256, profile_sha256: None, sealed_to, files: Arc::default() }
    }

    fn lock(parts: Vec<LockedPart>) -> Lock {
        Lock {
            format: 1,
            made_with: String::new(),
            cluster: String::new(),
            cluster_id: String::new(),
            seed_id: String::new(),
            signer: String::new(),
            generation: 1,
            kubernetes: String::new(),
            profile_sha256: String::new(),
            content_sha256: String::new(),
            bundle_sha256: String::new(),
            formats: Formats::CURRENT,
            adopted: Vec::new(),
            rotation: Vec::new(),
            phases: Vec::new(),
            parts,
            keys: Vec::new(),
            certificates: Vec::new(),
        }
    }

    fn recipient() -> (Recipient, Sha256) {
        let recipient = Identity::random(Kind::X25519).unwrap().recipient();
        let digest = Hex(recipient.sha256());
        (recipient, digest)
    }

    #[test]
    fn others_than_before_want_a_word_and_a_first_time_does_not() {
        let ((old, old_digest), (new, new_digest)) = (recipient(), recipient());
        let before = lock(vec![row(node("a"), vec![old_digest]), row(node("b"), vec![])]);
        let to = |recipient: &Recipient| {
            let parts = ["a", "b", "c"].map(|name| (node(name), vec![recipient.clone()]));
            Envelopes::new(parts).unwrap()
        };
        let (same, other) = (to(&old), to(&new));
        let all =
            |part: &str, removed: Vec<Sha256>| RecipientChange { part: node(part), added: vec![new_digest], removed };
        assert_eq!(
            recipient_changes(Some(&before), &other.fingerprints()),
            [all("a", vec![old_digest]), all("b", vec![]), all("c", vec![])]
        );
        assert_eq!(recipient_changes(None, &other.fingerprints()), ["a", "b", "c"].map(|part| all(part, vec![])));
        let refusal = Refusal::ChangedRecipients { parts: vec![node("a")] };
        assert_eq!(recipient_refusal(&before, &other.fingerprints()), Some(refusal.clone()));
        assert_eq!(recipient_refusal(&before, &same.fingerprints()), None);
        assert_eq!(check(&before, None, Permission::Locked), Ok(()));
        assert_eq!(check(&before, Some(&same), Permission::Locked), Ok(()));
        assert_eq!(check(&before, Some(&other), Permission::PROFILE), Err(Objection::Refused(refusal)));
        let differs = Deviation::Value {
            what: "recipients of node/a".to_owned(),
            locked: old_digest.to_string(),
            built: new_digest.to_string(),
        };
        assert_eq!(check(&before, Some(&other), Permission::Locked), Err(Objection::Differs(differs)));
        // What the lock keeps: the new ones, but after a rebuild and in the clear the old ones.
        let pins = |envelopes, permission| Pins::new(envelopes, permission).of(&node("a"), before.parts.first());
        assert_eq!(pins(Some(&other), Permission::PROFILE), [new_digest]);
        assert_eq!(pins(Some(&same), Permission::Locked), [old_digest]);
        assert_eq!(pins(None, Permission::PROFILE), [old_digest]);
    }

    #[test]
    fn a_refusal_names_a_few_and_counts_the_rest() {
        let parts: Vec<_> = (1..=7).map(|number| node(&format!("n-{number}"))).collect();
        assert_eq!(
            Refusal::ChangedRecipients { parts }.to_string(),
            "node/n-1, node/n-2, node/n-3, node/n-4, node/n-5, 2 more would be sealed to others than the lock has"
        );
        assert!(recipient_changes(Some(&lock(vec![])), &BTreeMap::from([(node("a"), BTreeSet::new())])).is_empty());
    }
}
