//! What a build may change against the lock of the build before, and why a build is refused.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::lock::{
    Change, ChangeId, ChangeKind, Lock, Refusal, build_changes, changes, foreseen, merge, refusals, restrict,
    shapes_of_lock, shapes_of_plan,
};
use crate::plan::Plan;

/// What a build may change against the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: the build must be what the lock says.
    Locked,
    /// What the profile says. Each of the following needs its own permission as well.
    Words {
        /// Whether the seed may be another, by which every key becomes another.
        replace_seed: bool,
        /// Whether the certificate of a CA may change although its generation and its day of issue did not.
        replace_ca: bool,
        /// Whether records may change at the generation of the lock.
        same_generation: bool,
    },
}

impl Permission {
    /// What the profile says, and nothing that needs a permission of its own.
    pub const PROFILE: Self = Self::Words { replace_seed: false, replace_ca: false, same_generation: false };

    const fn allows(self, refusal: &Refusal) -> bool {
        let Self::Words { replace_seed, replace_ca, same_generation } = self else { return false };
        match refusal {
            Refusal::OtherCluster { .. } | Refusal::LowerGeneration { .. } => false,
            Refusal::OtherSeed { .. } => replace_seed,
            Refusal::ChangedAuthorities { .. } => replace_ca,
            Refusal::SameGeneration { .. } => same_generation,
        }
    }

    /// Refuses the first of these changes that is not allowed.
    fn refuse(self, found: Vec<Refusal>) -> Result<(), Objection> {
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
    plan: &Plan,
    is_partial: bool,
    is_same_seed: bool,
    permission: Permission,
) -> Result<(), Objection> {
    if permission == Permission::Locked || !is_same_seed {
        return Ok(());
    }
    let shapes = shapes_of_plan(plan);
    if is_partial {
        let planned = |change: &Change| change.key().is_some_and(|id| shapes.contains_key(id));
        let changes: Vec<_> = changes(&shapes_of_lock(lock), &shapes).into_iter().filter(planned).collect();
        refuse_shared(&changes)?;
    }
    let parts: Vec<_> = plan.parts.iter().map(|part| part.recipient.part()).collect();
    let parts = parts.iter().map(|part| (part, false));
    permission.refuse(foreseen(lock, &shapes, plan.generation, parts))
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
    permission.refuse(refusals(old, new))?;
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
    let change = changes(&shapes_of_lock(old), &shapes_of_lock(new)).into_iter().next().map(Deviation::Change);
    // By then every value has been compared by its name.
    let is_other = || new.parts != old.parts || new.keys != old.keys || new.certificates != old.certificates;
    let rest = || is_other().then_some(Deviation::Rows);
    change.or_else(|| value_deviation(old, new)).or_else(rest)
}

fn value_deviation(old: &Lock, new: &Lock) -> Option<Deviation> {
    let (old, new) = (values(old), values(new));
    let by_name = |values: &[(String, String)]| values.iter().cloned().collect::<BTreeMap<_, _>>();
    let (locked, built) = (by_name(&old), by_name(&new));
    let changed = new.into_iter().find_map(|(what, built)| match locked.get(&what) {
        None => Some(Deviation::New(what)),
        Some(locked) if *locked == built => None,
        Some(locked) => Some(Deviation::Value { what, locked: locked.clone(), built }),
    });
    changed
        .or_else(|| old.into_iter().find(|(what, _)| !built.contains_key(what)).map(|(what, _)| Deviation::Gone(what)))
}

/// Returns every value that no change of the shape of a key or certificate explains. The hashes of the whole come last,
/// because they change with everything else.
fn values(lock: &Lock) -> Vec<(String, String)> {
    let head = [
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
    ];
    let keys = lock.keys.iter().map(|row| (format!("public key of {}", row.id), row.spki_sha256.clone()));
    let certificates = lock.certificates.iter().flat_map(|row| {
        let serial = (format!("serial of {}", row.id), row.serial.clone());
        [serial, (format!("certificate of {}", row.id), row.certificate_sha256.clone())]
    });
    let records = lock.parts.iter().flat_map(|row| {
        let part = &row.part;
        let files = row.files.iter().map(move |(path, outline)| (format!("{path} of {part}"), outline.clone()));
        let record = (format!("record of {part}"), row.record_sha256.clone());
        // A part that is new or gone is reported before its files.
        let generation = (format!("generation of {part}"), row.generation.to_string());
        [(format!("part {part}"), String::new())].into_iter().chain(files).chain([record, generation])
    });
    let whole = [("content", lock.content_sha256.clone()), ("bundle", lock.bundle_sha256.clone())];
    let named = |(name, value): (&str, String)| (name.to_owned(), value);
    let head = head.into_iter().map(named);
    head.chain(keys).chain(certificates).chain(records).chain(whole.into_iter().map(named)).collect()
}
