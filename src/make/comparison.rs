//! The comparison of a build with the lock of the build before. `plan` and `build` share it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Hex, Sha256};
use crate::kubernetes::{KeyId, PartName, RequiredBinding, Version};
use crate::lock::{
    Change, ChangeId, ChangeKind, Lock, Refusal, Shapes, changes, explain_version, file_changes, foreseen,
};
use crate::plan::{FileOutlines, PartChange, Plan, PreviousBuild, Recipient, part_changes, plan as make_plan};
use crate::profile::Profile;

/// The changes against the lock.
pub struct Comparison {
    /// The values in the head of every record that are others: each with its name, the value before and the value
    /// after.
    pub heads: Vec<(&'static str, String, String)>,
    /// Whether the profile has other bytes than the one in the cluster's part of the lock.
    pub other_profile: bool,
    /// The changes of keys and certificates, ordered by id. Then come changes of files that follow from none of these.
    pub changes: Vec<Change>,
    /// The changes of each part, in the order of the plan. Then come the parts that are gone.
    pub part_changes: Vec<PartChange>,
    /// The bindings on which certificates rely now, and did not rely before.
    pub new_bindings: Vec<RequiredBinding>,
    /// The ids of certificates that may do everything.
    pub break_glass: BTreeSet<KeyId>,
    /// Whether everything that cert-manager has issued stands below a root that the new files no longer trust.
    pub cuts_off_cert_manager: bool,
}

/// A build and the lock of the build before, to be compared.
pub struct Since<'a> {
    pub(super) lock: &'a Lock,
    pub(super) profile: &'a Profile,
    /// The hashes of the records of the parts that were built.
    pub(super) records: BTreeMap<PartName, Sha256>,
    pub(super) is_partial: bool,
    /// The differences between both locks.
    pub(super) changes: Vec<Change>,
}

impl Comparison {
    /// Finds what a whole build would change, as far as names, dates and shapes show. `plan` is that of the profile.
    #[must_use]
    pub fn of_plan(lock: &Lock, profile: &Profile, plan: &Plan<'_>) -> Self {
        let changes = changes(&Shapes::of_lock(lock), &Shapes::of_plan(plan));
        Self::new(lock, profile, plan, changes, outlines_of_lock(lock))
    }

    /// Finds what one phase of a rotation changes against the state before it. `before` and `after` are plans of one
    /// profile in two phases.
    #[must_use]
    pub fn of_phases(before: &Plan<'_>, after: &Plan<'_>) -> Self {
        let mut changes = changes(&Shapes::of_plan(before), &Shapes::of_plan(after));
        let outlines: BTreeMap<_, _> =
            by_part(before).into_iter().map(|(part, who)| (part, Cow::Owned(before.outlines(who)))).collect();
        // What changes of a file beyond keys and certificates is who is trusted in it.
        let ids = |wanted: fn(&Change) -> bool| {
            let wanted = changes.iter().filter(|change| change.kind != ChangeKind::Removed && wanted(change));
            wanted.filter_map(Change::key).collect()
        };
        let previous = PreviousBuild {
            parts: outlines,
            changed: ids(|_| true),
            new_keys: ids(Change::is_of_key),
            other_profile: false,
        };
        let part_changes = part_changes(after, &previous);
        changes.retain(|change| {
            change.key().is_some_and(|id| id.is_ca() || id.trusted().is_some() || *id != *id.derived_as())
        });
        Self {
            heads: Vec::new(),
            other_profile: false,
            changes,
            part_changes,
            new_bindings: Vec::new(),
            break_glass: BTreeSet::new(),
            cuts_off_cert_manager: false,
        }
    }

    /// Finds what a build has changed. `plan` is that of the build.
    ///
    /// For the largest cluster that takes a good part of the memory of the build itself, whose lock may be gone by then.
    #[must_use]
    pub fn of_build(since: Since<'_>, plan: &Plan<'_>) -> Self {
        let Since { lock, profile, records: after, is_partial, changes } = since;
        let before: BTreeMap<_, _> = lock.parts.iter().map(|row| (&row.part, &row.record_sha256)).collect();
        let mut outlines = outlines_of_lock(lock);
        if is_partial {
            // A part that was not built is not gone.
            outlines.retain(|part, _| after.contains_key(part));
        }
        let mut found = Self::new(lock, profile, plan, changes, outlines);
        found.part_changes.retain(|change| before.get(&change.part).copied() != after.get(&change.part));
        if is_partial {
            // These describe the last whole bundle, and this bundle is not whole.
            found.heads.clear();
            found.other_profile = false;
        }
        found
    }

    fn new(
        lock: &Lock,
        profile: &Profile,
        plan: &Plan<'_>,
        mut changes: Vec<Change>,
        before: BTreeMap<PartName, Cow<'_, FileOutlines>>,
    ) -> Self {
        let heads = [
            ("generation", lock.generation.to_string(), plan.generation.to_string()),
            ("Kubernetes", lock.kubernetes.clone(), plan.kubernetes.to_string()),
        ];
        let recipients = by_part(plan);
        // The cluster's part comes first.
        let (cluster, nodes): (Vec<_>, Vec<_>) = recipients.iter().partition(|(part, _)| **part == PartName::Cluster);
        let after = cluster.into_iter().chain(nodes).map(|(part, recipient)| (part.clone(), plan.outlines(*recipient)));
        let mut of_files = file_changes(&before, after, &changes);
        let mut new_bindings = Vec::new();
        if let Some(profile) = version_before(lock, profile) {
            let with_old = make_plan(&profile);
            let bindings = plan.required_bindings.iter().copied();
            new_bindings.extend(bindings.filter(|binding| !with_old.required_bindings.contains(binding)));
            let (old, new) = (with_old.kubernetes.to_string(), plan.kubernetes.to_string());
            let (shapes, old_shapes) = (Shapes::of_plan(plan), Shapes::of_plan(&with_old));
            let old_recipients = by_part(&with_old);
            let gives_another = |id: &ChangeId| match id {
                ChangeId::Key(id) => old_shapes.get(id) != shapes.get(id),
                ChangeId::File(part, path) => {
                    let before = old_recipients.get(part).and_then(|who| outline(&with_old, *who, path));
                    before != recipients.get(part).and_then(|who| outline(plan, *who, path))
                }
            };
            explain_version(&mut changes, &old, &new, gives_another);
            explain_version(&mut of_files, &old, &new, gives_another);
        }
        let other_profile = lock.profile_of_cluster() != Hex(profile.sha256).to_string();
        let ids = |wanted: fn(&Change) -> bool| {
            let wanted = changes.iter().filter(|change| change.kind != ChangeKind::Removed && wanted(change));
            wanted.filter_map(Change::key).collect()
        };
        let before =
            PreviousBuild { parts: before, changed: ids(|_| true), new_keys: ids(Change::is_of_key), other_profile };
        let part_changes = part_changes(plan, &before);
        // The intermediate must have been there before, and the root's key be another.
        let changed =
            |id: &KeyId| changes.iter().find(|change| change.key() == Some(id) && change.kind == ChangeKind::Changed);
        let cuts_off_cert_manager =
            changed(&KeyId::ca("tls")).is_some_and(Change::is_of_key) && changed(&KeyId::ca("cert-manager")).is_some();
        changes.extend(of_files);
        Self {
            heads: heads.into_iter().filter(|(_, before, after)| before != after).collect(),
            other_profile,
            changes,
            part_changes,
            new_bindings,
            break_glass: plan.break_glass().map(|certificate| certificate.key.clone()).collect(),
            cuts_off_cert_manager,
        }
    }

    /// Returns whether a build would make anything else than the lock says.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.heads.is_empty() || self.other_profile || !self.changes.is_empty() || !self.part_changes.is_empty()
    }

    /// Returns why a whole build of the plan, with the seed of the lock and
    /// [`Permission::PROFILE`](super::Permission::PROFILE), would be refused, as far as the plan shows.
    #[must_use]
    pub fn refusal(&self, lock: &Lock, plan: &Plan<'_>) -> Option<Refusal> {
        // The parts whose record is known to change for another reason than the generation of the bundle.
        let changing: BTreeSet<_> = self.part_changes.iter().map(|change| &change.part).collect();
        let mut parts: Vec<_> = plan.recipients.iter().map(Recipient::part).collect();
        parts.sort_unstable();
        let parts = parts.iter().map(|part| (part, changing.contains(part)));
        foreseen(lock, &Shapes::of_plan(plan), plan.generation, parts).into_iter().next()
    }
}

fn outlines_of_lock(lock: &Lock) -> BTreeMap<PartName, Cow<'_, FileOutlines>> {
    lock.parts.iter().map(|part| (part.part.clone(), Cow::Borrowed(&*part.files))).collect()
}

fn by_part<'a>(plan: &Plan<'a>) -> BTreeMap<PartName, Recipient<'a>> {
    plan.recipients.iter().map(|recipient| (recipient.part(), *recipient)).collect()
}

/// Returns the outline of one file of a recipient.
fn outline(plan: &Plan<'_>, recipient: Recipient<'_>, path: &str) -> Option<String> {
    let files = plan.files(recipient);
    files.iter().find(|file| file.path == path).map(|file| file.content.outline())
}

/// Returns the profile under the Kubernetes version of the lock. Returns `None` when the version is the same.
fn version_before(lock: &Lock, profile: &Profile) -> Option<Profile> {
    let version = Version::parse(&lock.kubernetes)?;
    (version != profile.cluster.kubernetes).then(|| profile.with_kubernetes(version))
}
