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

/// Returns the parts that would be sealed to others than those of the lock. A part that was never sealed is among them, a new
/// one, too.
#[must_use]
pub fn recipient_changes(lock: &Lock, planned: &BTreeMap<PartName, BTreeSet<Sha256>>) -> Vec<RecipientChange> {
    let locked: BTreeMap<_, _> = lock.parts.iter().map(|row| (&row.part, &row.sealed_to)).collect();
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

/// Refuses recipients that are others than those of the lock. Parts that were never sealed have none there.
pub(super) fn check(lock: &Lock, envelopes: Option<&Envelopes>, permission: Permission) -> Result<(), Objection> {
    let Some(envelopes) = envelopes else { return Ok(()) };
    let planned = envelopes.fingerprints();
    let was_sealed: BTreeSet<_> =
        lock.parts.iter().filter(|row| !row.sealed_to.is_empty()).map(|row| &row.part).collect();
    let mut changes = recipient_changes(lock, &planned);
    changes.retain(|change| was_sealed.contains(&change.part));
    let Some(first) = changes.first() else { return Ok(()) };
    if permission == Permission::Locked {
        let list = |all: Vec<Sha256>| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let locked = lock.parts.iter().find(|row| row.part == first.part).map(|row| row.sealed_to.clone());
        return Err(Objection::Differs(Deviation::Value {
            what: format!("recipients of {}", first.part),
            locked: list(locked.unwrap_or_default()),
            built: list(fingerprints(envelopes.of(&first.part)).into_iter().collect()),
        }));
    }
    permission
        .refuse(vec![Refusal::ChangedRecipients { parts: changes.into_iter().map(|change| change.part).collect() }])
}

/// What becomes of the recipients in a lock.
#[derive(Clone, Copy)]
pub(super) struct Pins<'a>(Option<&'a Envelopes>);

impl<'a> Pins<'a> {
    /// A rebuild that is to be what the lock says leaves its recipients as they are: whether it is sealed, too, does not
    /// matter to what is in it.
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
