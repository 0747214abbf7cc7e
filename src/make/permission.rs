//! What a build may change against the lock of the build before, and why a build is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use thiserror::Error;

use crate::bundle::Rotating;
use crate::kubernetes::{KeyId, PartName};
use crate::lock::{
    Change, ChangeId, ChangeKind, Lock, LockedPart, Refusal, Shapes, build_changes, changes, compare_generations,
    file_changes, foreseen, merge, refusals, restrict,
};
use crate::plan::{Plan, Recipient, plan as make_plan};
use crate::profile::Profile;

/// What a build may change against the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: the build must be what the lock says.
    Locked,
    /// What the profile says. Each of the following needs its own permission as well.
    Words {
        /// Whether the seed may be another, by which every key becomes another.
        replace_seed: bool,
        /// Whether somebody else may sign the bundle, or the seed's key again.
        replace_signer: bool,
        /// Whether the certificate of a CA may change although its generation and its day of issue did not.
        replace_ca: bool,
        /// Whether records may change at the generation of the lock.
        same_generation: bool,
        /// Whether parts may be sealed to others than before.
        replace_recipients: bool,
    },
}

impl Permission {
    /// What the profile says, and nothing that needs a permission of its own.
    pub const PROFILE: Self = Self::Words {
        replace_seed: false,
        replace_signer: false,
        replace_ca: false,
        same_generation: false,
        replace_recipients: false,
    };

    /// Returns whether a build may do what would be refused without a permission of its own.
    #[must_use]
    pub const fn allows(self, refusal: &Refusal) -> bool {
        let Self::Words { replace_seed, replace_signer, replace_ca, same_generation, replace_recipients } = self else {
            return false;
        };
        match refusal {
            Refusal::OtherCluster { .. } | Refusal::LowerGeneration { .. } | Refusal::RotatesAndChanges { .. } => false,
            Refusal::OtherSeed { .. } => replace_seed,
            Refusal::OtherSigner { .. } => replace_signer,
            Refusal::ChangedAdopted { .. } | Refusal::ChangedAuthorities { .. } => replace_ca,
            Refusal::SameGeneration { .. } => same_generation,
            Refusal::ChangedRecipients { .. } => replace_recipients,
        }
    }

    /// Refuses the first of these changes that is not allowed.
    pub(super) fn refuse(self, found: Vec<Refusal>) -> Result<(), Objection> {
        match found.into_iter().find(|refusal| !self.allows(refusal)) {
            Some(refusal) => Err(Objection::Refused(refusal)),
            None => Ok(()),
        }
    }
}

/// The reason why a build may not follow the one that made the lock.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Objection {
    /// The lock was made by a later version of certferry, under which the same names stand for other bytes.
    #[error("the lock was made with newer formats than this version knows")]
    NewerFormats,
    /// The build needs a permission that was not given, or that is never given.
    #[error("{0}")]
    Refused(Refusal),
    /// A partial build changes what all nodes share.
    #[error("--only, but {0} changes, which all nodes share")]
    Shared(ChangeId),
    /// The build is not what the lock says, and [`Permission::Locked`] allows nothing else.
    #[error("{0}")]
    Differs(Deviation),
}

/// The first difference between a build and the lock.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Deviation {
    /// A key, a certificate or a file differs.
    #[error("{}", change(.0))]
    Change(Change),
    /// A value differs.
    #[error("{what} {locked} became {built}")]
    Value {
        /// The name of the value.
        what: String,
        /// The value in the lock.
        locked: String,
        /// The value of the build.
        built: String,
    },
    /// The seed is another.
    #[error("seed id {locked} became {given}")]
    Seed {
        /// The seed id in the lock.
        locked: String,
        /// The id of the given seed.
        given: String,
    },
    /// The build has something that the lock does not have.
    #[error("{0} is new")]
    New(String),
    /// The lock has something that the build does not have.
    #[error("{0} is gone")]
    Gone(String),
    /// Everything that the lock names is there and the same, but its rows are not.
    #[error("its rows are others, or in another order")]
    Rows,
}

fn change(change: &Change) -> String {
    match change.kind {
        ChangeKind::Added => format!("{} is new", change.id),
        ChangeKind::Removed => format!("{} is gone", change.id),
        ChangeKind::Changed => {
            let reasons: Vec<_> = change.reasons.iter().map(ToString::to_string).collect();
            format!("{} changed: {}", change.id, reasons.join("; "))
        }
    }
}

/// Refuses the lock of another cluster or of a later version, in which nothing can be compared.
///
/// # Errors
/// Returns the [`Objection`]. Nothing has been derived by then.
pub fn check_lock(lock: &Lock, cluster: &str, permission: Permission) -> Result<(), Objection> {
    let is_locked = permission == Permission::Locked;
    if lock.formats.are_newer() && !is_locked {
        return Err(Objection::NewerFormats);
    }
    let (locked, built) = (lock.cluster.clone(), cluster.to_owned());
    match lock.cluster == cluster {
        true => Ok(()),
        false if is_locked => Err(Objection::Differs(Deviation::Value { what: "cluster".to_owned(), locked, built })),
        false => Err(Objection::Refused(Refusal::OtherCluster { locked, built })),
    }
}

/// Refuses a seed that is not the one of the lock.
pub(super) fn check_seed(lock: &Lock, given: String, permission: Permission) -> Result<(), Objection> {
    if lock.seed_id == given {
        return Ok(());
    }
    let locked = lock.seed_id.clone();
    match permission {
        Permission::Locked => Err(Objection::Differs(Deviation::Seed { locked, given })),
        words => words.refuse(vec![Refusal::OtherSeed { locked, given }]),
    }
}

/// Refuses what a plan already shows to be forbidden. `plan` is that of the profile, or a part of it. `is_same_seed`
/// says whether the seed is that of the lock. With another seed, and under [`Permission::Locked`], nothing is refused
/// here.
pub(super) fn check_plan(
    lock: &Lock,
    plan: &Plan<'_>,
    is_partial: bool,
    is_same_seed: bool,
    permission: Permission,
) -> Result<(), Objection> {
    if permission == Permission::Locked || !is_same_seed {
        return Ok(());
    }
    let shapes = Shapes::of_plan(plan);
    if is_partial {
        let planned = |change: &Change| change.key().is_some_and(|id| shapes.get(id).is_some());
        let changes: Vec<_> = changes(&Shapes::of_lock(lock), &shapes).into_iter().filter(planned).collect();
        refuse_shared(&changes)?;
    }
    let parts: Vec<_> = plan.recipients.iter().map(Recipient::part).collect();
    let parts = parts.iter().map(|part| (part, false));
    permission.refuse(foreseen(lock, &shapes, plan.generation, parts))
}

/// Refuses the phase of a rotation that changes anything but trust. The seed must be that of the lock.
///
/// `profile` is in a phase. `is_begun` says whether the lock is one of the same rotation: then everything else must be as
/// in the lock, and before it, as in the lock before the rotation.
pub(super) fn check_rotation(
    lock: &Lock,
    profile: &Profile,
    is_begun: bool,
    is_partial: bool,
) -> Result<(), Objection> {
    let profile = match (profile.phase, is_begun) {
        (1, false) => profile.before_rotation(),
        (3, true) => profile.clone(),
        _ => return Ok(()),
    };
    let plan = make_plan(&profile);
    let mut found = changes(&Shapes::of_lock(lock), &Shapes::of_plan(&plan));
    let outlines = lock.parts.iter().map(|row| (row.part.clone(), Cow::Borrowed(&*row.files))).collect();
    let now = plan.recipients.iter().map(|recipient| (recipient.part(), plan.outlines(*recipient)));
    let of_files = file_changes(&outlines, now, &found);
    found.extend(of_files);
    // The script of a phase comes and goes with the rotation itself.
    found.retain(|change| !matches!(&change.id, ChangeId::File(_, path) if path.starts_with("rotation/")));
    // A node can be added in the midst of a rotation, by itself.
    found.retain(|change| !(is_partial && is_begun && change.kind == ChangeKind::Added));
    match found.first() {
        Some(first) => Err(Objection::Refused(Refusal::RotatesAndChanges { what: change(first) })),
        None => Ok(()),
    }
}

/// Returns why the rotation of a profile would be refused, with the seed of the lock, as far as names, dates and shapes
/// show. The profile must be in no phase.
#[must_use]
pub fn rotation_refusal(lock: &Lock, profile: &Profile) -> Option<Refusal> {
    let rotating = profile.rotating();
    if rotating.is_empty() {
        return None;
    }
    let plan = make_plan(profile);
    let (locked, planned) = (Shapes::of_lock(lock), Shapes::of_plan(&plan));
    let is_begun = lock.rotation.iter().map(|row| &row.authority).eq(&rotating)
        && rotating.iter().all(|id| locked.get(id) == planned.get(id));
    let number = if is_begun { 3 } else { 1 };
    match check_rotation(lock, &profile.in_phase(number), is_begun, false) {
        Err(Objection::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

/// Refuses the finished bundle of phase 1 or 2 when it is older than the lock, another at the same generation, or phase 1
/// changes more than trust.
pub(super) fn check_phase(
    old: &Lock,
    new: &Lock,
    number: u32,
    is_same_seed: bool,
    permission: Permission,
) -> Result<(), Objection> {
    let is_begun = old.rotation == new.rotation;
    let before = old.phases.iter().find(|row| row.number == number).filter(|_| is_begun);
    if permission == Permission::Locked {
        let differs = |what: &str, locked: String, built: String| {
            Err(Objection::Differs(Deviation::Value { what: format!("{what} of phase {number}"), locked, built }))
        };
        let Some(before) = before else { return Err(Objection::Differs(Deviation::New(format!("phase {number}")))) };
        for row in &new.parts {
            match before.records.get(&row.part.to_string()) {
                Some(locked) if *locked == row.record_sha256 => {}
                Some(locked) => {
                    let what = format!("record of {}", row.part);
                    return differs(&what, locked.to_string(), row.record_sha256.to_string());
                }
                None => return Err(Objection::Differs(Deviation::New(format!("{} of phase {number}", row.part)))),
            }
        }
        return Ok(());
    }
    let is_entry = number == 1 && !is_begun && is_same_seed;
    if is_entry && !new.parts.is_empty() && new.rotation.iter().all(|row| row.authority.trusted().is_some()) {
        let is_of_lock = |id: &KeyId| *id.derived_as() == *id;
        let mut own = new.clone();
        own.keys.retain(|row| is_of_lock(&row.id));
        own.certificates.retain(|row| is_of_lock(&row.id));
        let is_changed = |found: &Change| found.kind == ChangeKind::Changed;
        if let Some(first) = build_changes(old, &own).iter().find(|found| is_changed(found)) {
            return Err(Objection::Refused(Refusal::RotatesAndChanges { what: change(first) }));
        }
    }
    let locked: BTreeMap<_, _> = old.parts.iter().map(|row| (&row.part, row.generation)).collect();
    let refused = new.parts.iter().find_map(|row| {
        let changes = before.is_none_or(|before| before.records.get(&row.part.to_string()) != Some(&row.record_sha256));
        compare_generations(&row.part, *locked.get(&row.part)?, row.generation, changes)
    });
    permission.refuse(refused.into_iter().collect())
}

/// Leaves out of the refusals what a rotation is there for.
fn without_rotating(found: Vec<Refusal>, rotation: &[Rotating]) -> Vec<Refusal> {
    let is_other = |id: &KeyId| rotation.iter().all(|row| row.authority != *id);
    let others = |ids: Vec<KeyId>| ids.into_iter().filter(is_other).collect::<Vec<_>>();
    let of = |refusal| match refusal {
        Refusal::ChangedAdopted { ids } => Some(Refusal::ChangedAdopted { ids: others(ids) }).filter(has_ids),
        Refusal::ChangedAuthorities { ids } => Some(Refusal::ChangedAuthorities { ids: others(ids) }).filter(has_ids),
        other => Some(other),
    };
    found.into_iter().filter_map(of).collect()
}

fn has_ids(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::ChangedAdopted { ids } | Refusal::ChangedAuthorities { ids } if ids.is_empty())
}

/// Refuses a finished build that needs a permission that was not given. Returns the lock to write when it is not `new`
/// itself, and the changes since the lock before.
pub(super) fn check_built(
    whole: &Lock,
    new: &Lock,
    is_partial: bool,
    permission: Permission,
) -> Result<(Option<Lock>, Vec<Change>), Objection> {
    let restricted = is_partial.then(|| restrict(whole, new));
    let old = restricted.as_ref().unwrap_or(whole);
    let changes = build_changes(old, new);
    if permission == Permission::Locked {
        let merged = is_partial.then(|| merge(old, new.clone()));
        return match deviation(old, merged.as_ref().unwrap_or(new)) {
            Some(deviation) => Err(Objection::Differs(deviation)),
            None => Ok((None, changes)),
        };
    }
    if is_partial {
        refuse_shared(&changes)?;
    }
    permission.refuse(without_rotating(refusals(old, new), &new.rotation))?;
    Ok((is_partial.then(|| merge(whole, new.clone())), changes))
}

/// Refuses a change of what all nodes share, because it must not change for some of them only.
fn refuse_shared(changes: &[Change]) -> Result<(), Objection> {
    match changes.iter().find(|change| change.is_shared()) {
        Some(change) => Err(Objection::Shared(change.id.clone())),
        None => Ok(()),
    }
}

/// Returns the first difference, the most telling one first. `made_with` never counts.
fn deviation(old: &Lock, new: &Lock) -> Option<Deviation> {
    if let Some(change) = changes(&Shapes::of_lock(old), &Shapes::of_lock(new)).into_iter().next() {
        return Some(Deviation::Change(change));
    }
    // By then every value has been compared by its name.
    let is_other = new.parts != old.parts || new.keys != old.keys || new.certificates != old.certificates;
    compare_values(old, new).err().or(is_other.then_some(Deviation::Rows))
}

/// Compares every value that no change of the shape of a key or certificate explains. The hashes of the whole come
/// last, because they change with everything else.
fn compare_values(old: &Lock, new: &Lock) -> Result<(), Deviation> {
    let head = |lock: &Lock| {
        [
            ("seed id", lock.seed_id.clone()),
            ("cluster", lock.cluster.clone()),
            ("cluster id", lock.cluster_id.clone()),
            ("signer", lock.signer.clone()),
            ("generation", lock.generation.to_string()),
            ("kubernetes", lock.kubernetes.clone()),
            ("profile format", lock.formats.profile.to_string()),
            ("derivation format", lock.formats.derivation.to_string()),
            ("certificate format", lock.formats.certificate.to_string()),
            ("bundle format", lock.formats.bundle.to_string()),
            ("profile", lock.profile_sha256.clone()),
        ]
    };
    for ((what, locked), (_, built)) in head(old).iter().zip(head(new)) {
        compare(|| (*what).to_owned(), Some(locked), &built)?;
    }
    let locked: BTreeMap<&KeyId, _> = old.keys.iter().map(|row| (&row.id, row)).collect();
    for row in &new.keys {
        let before = locked.get(&row.id).map(|before| &before.spki_sha256);
        compare(|| format!("public key of {}", row.id), before, &row.spki_sha256)?;
    }
    let locked: BTreeMap<&KeyId, _> = old.certificates.iter().map(|row| (&row.id, row)).collect();
    for row in &new.certificates {
        let before = locked.get(&row.id);
        if let Some(serial) = &row.serial {
            compare(|| format!("serial of {}", row.id), before.and_then(|before| before.serial.as_ref()), serial)?;
        }
        let before = before.map(|before| &before.certificate_sha256);
        compare(|| format!("certificate of {}", row.id), before, &row.certificate_sha256)?;
    }
    let (locked, built) = (parts(old), parts(new));
    for row in &new.parts {
        let part = &row.part;
        let before = *locked.get(part).ok_or_else(|| Deviation::New(format!("part {part}")))?;
        for (path, outline) in &*row.files {
            compare(|| format!("{path} of {part}"), before.files.get(path), outline)?;
        }
        compare(|| format!("record of {part}"), Some(&before.record_sha256), &row.record_sha256)?;
        compare(|| format!("generation of {part}"), Some(&before.generation), &row.generation)?;
    }
    // Whoever signs elsewhere may sign with randomness, so that only what is signed is the same each time.
    if !new.has_own_signer() {
        compare(|| "content".to_owned(), Some(&old.content_sha256), &new.content_sha256)?;
        compare(|| "bundle".to_owned(), Some(&old.bundle_sha256), &new.bundle_sha256)?;
    }
    // No key and no certificate is gone, because that is a change.
    for row in &old.parts {
        let part = &row.part;
        let after = *built.get(part).ok_or_else(|| Deviation::Gone(format!("part {part}")))?;
        if let Some(path) = row.files.keys().find(|path| !after.files.contains_key(*path)) {
            return Err(Deviation::Gone(format!("{path} of {part}")));
        }
    }
    Ok(())
}

/// Returns the rows of the parts by name, so that a part that is new or gone is reported before its files.
fn parts(lock: &Lock) -> BTreeMap<&PartName, &LockedPart> {
    lock.parts.iter().map(|row| (&row.part, row)).collect()
}

fn compare<V: PartialEq + Display>(what: impl Fn() -> String, locked: Option<&V>, built: &V) -> Result<(), Deviation> {
    match locked {
        None => Err(Deviation::New(what())),
        Some(locked) if locked == built => Ok(()),
        Some(locked) => Err(Deviation::Value { what: what(), locked: locked.to_string(), built: built.to_string() }),
    }
}
