//! What changes against the lock, why, and what it means: the same for `plan` and `build`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::bundle::Hex;
use crate::cli::command::build::Built;
use crate::cli::text::changes;
use crate::kubernetes::PartName;
use crate::kubernetes::Version;
use crate::lock::{
    Change, ChangeId, ChangeKind, Lock, Outlines, changes, explain_version, file_changes, of_lock, of_plan,
    outlines_of_lock, outlines_of_plan,
};
use crate::plan::{Before, Effect, EffectKind, Plan, effects, plan};
use crate::profile::Profile;

/// More nodes or files than this are counted, not listed.
const LISTED: usize = 20;

/// What changes against the lock.
pub(crate) struct SinceLock {
    /// What the head of every record says of the whole bundle, where it is another: what, before, after.
    heads: Vec<(&'static str, String, String)>,
    /// Whether the profile has other bytes than that in the cluster's part.
    other_profile: bool,
    /// By id; then those of files that no key and no certificate tells.
    pub(crate) changes: Vec<Change>,
    /// By part, in the order of the plan; then the parts that are gone.
    pub(crate) effects: Vec<Effect>,
}

impl SinceLock {
    /// What a whole build would change, as far as names, dates and shapes tell.
    pub(crate) fn of_plan(lock: &Lock, profile: &Profile, plan: &Plan) -> Self {
        let changes = changes(&of_lock(lock), &of_plan(plan));
        Self::new(lock, profile, plan, changes, outlines_of_lock(lock))
    }

    /// What a build has changed; `new` is its own lock.
    pub(crate) fn of_build(lock: &Lock, new: &Lock, built: &Built<'_>, changes: Vec<Change>) -> Self {
        let records = |lock: &Lock| -> BTreeMap<PartName, String> {
            lock.parts.iter().map(|row| (row.part.clone(), row.record_sha256.clone())).collect()
        };
        let (before, after) = (records(lock), records(new));
        let mut outlines = outlines_of_lock(lock);
        if built.is_partial {
            // What was not built is not gone.
            outlines.retain(|part, _| after.contains_key(part));
        }
        let mut since = Self::new(lock, built.profile, built.plan, changes, outlines);
        since.effects.retain(|effect| before.get(&effect.part) != after.get(&effect.part));
        if built.is_partial {
            // They are of the last whole bundle, and this is none.
            since.heads.clear();
            since.other_profile = false;
        }
        since
    }

    fn new(lock: &Lock, profile: &Profile, plan: &Plan, mut changes: Vec<Change>, before: Outlines) -> Self {
        let heads = [
            ("generation", lock.generation.to_string(), plan.generation.to_string()),
            ("Kubernetes", lock.kubernetes.clone(), plan.kubernetes.to_string()),
        ];
        let after = outlines_of_plan(plan);
        let mut of_files = file_changes(&before, &after, &changes);
        if let Some(with_old) = version_before(lock, profile) {
            let (old, new) = (with_old.kubernetes.to_string(), plan.kubernetes.to_string());
            let (shapes, old_shapes) = (of_plan(plan), of_plan(&with_old));
            let old_outlines = outlines_of_plan(&with_old);
            let outline = |outlines: &Outlines, part: &PartName, path: &String| outlines.get(part)?.get(path).cloned();
            let gives_another = |id: &ChangeId| match id {
                ChangeId::Key(id) => old_shapes.get(id) != shapes.get(id),
                ChangeId::File(part, path) => outline(&old_outlines, part, path) != outline(&after, part, path),
            };
            explain_version(&mut changes, &old, &new, gives_another);
            explain_version(&mut of_files, &old, &new, gives_another);
        }
        let other_profile = lock.profile_of_cluster() != Hex(profile.sha256).to_string();
        let ids = |wanted: fn(&Change) -> bool| {
            let wanted = changes.iter().filter(|change| change.kind != ChangeKind::Removed && wanted(change));
            wanted.filter_map(|change| change.key().cloned()).collect()
        };
        let before = Before { parts: before, touched: ids(|_| true), new_keys: ids(Change::is_of_key), other_profile };
        let effects = effects(plan, &before);
        changes.extend(of_files);
        Self {
            heads: heads.into_iter().filter(|(_, before, after)| before != after).collect(),
            other_profile,
            changes,
            effects,
        }
    }

    /// Whether the record of a part is known to change but for the bundle's generation.
    pub(crate) fn touches(&self, part: &PartName) -> bool {
        self.effects.iter().any(|effect| effect.part == *part)
    }

    /// A heading, a line for each change, what to restart and what to hand out; nothing when nothing changes.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for (what, before, after) in &self.heads {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  ~ {what} {before} -> {after}, in every record");
        }
        if self.other_profile {
            text += "  ~ the profile, in the part cluster\n";
        }
        text += &changes::lines(&self.changes);
        if text.is_empty() {
            return text;
        }
        if self.changes.is_empty() {
            text += "  no key, no certificate and no kubeconfig changes\n";
        }
        format!("\nsince the lock:\n{text}")
            + &restarts(&self.effects)
            + &gone(&self.effects)
            + &hand_out(&self.effects)
    }
}

/// What the profile gave under the Kubernetes version of the lock, when that is another.
fn version_before(lock: &Lock, profile: &Profile) -> Option<Plan> {
    let version = Version::parse(&lock.kubernetes)?;
    (version != profile.cluster.kubernetes).then(|| plan(&profile.with_kubernetes(version)))
}

/// What must be started anew, node by node.
fn restarts(effects: &[Effect]) -> String {
    let names = |effect: &Effect| effect.restarts.iter().map(|component| component.name().to_owned()).collect();
    section("to restart when it is installed", by_node(effects, names))
}

/// What nodes that stay no longer get; nothing deletes it there unasked.
fn gone(effects: &[Effect]) -> String {
    let removed = |effect: &Effect| match effect.kind {
        EffectKind::Changed if effect.part != PartName::Cluster => effect.removed.iter().cloned().collect(),
        _ => BTreeSet::new(),
    };
    section("no longer in the bundle, to be deleted where it was installed", by_node(effects, removed))
}

/// A line for each set of things that is not empty, with the parts that have it.
fn by_node(effects: &[Effect], things: impl Fn(&Effect) -> BTreeSet<String>) -> String {
    let mut groups: Vec<(BTreeSet<String>, Vec<&str>)> = Vec::new();
    for effect in effects {
        let things = things(effect);
        let node = match &effect.part {
            PartName::Node(name) => name.as_str(),
            PartName::Cluster => "cluster",
        };
        match groups.iter_mut().find(|(known, _)| *known == things) {
            _ if things.is_empty() => {}
            Some((_, nodes)) => nodes.push(node),
            None => groups.push((things, vec![node])),
        }
    }
    let line = |(things, nodes): (BTreeSet<String>, Vec<&str>)| {
        let things: Vec<_> = things.iter().map(String::as_str).collect();
        format!("  {}  on {}\n", things.join(", "), listed(&nodes))
    };
    groups.into_iter().map(line).collect()
}

/// What people and programs outside the nodes need anew.
fn hand_out(effects: &[Effect]) -> String {
    let cluster = effects.iter().filter(|effect| effect.part == PartName::Cluster).flat_map(|effect| &effect.files);
    let files: Vec<_> = cluster.map(String::as_str).filter(|path| *path != "profile.toml").collect();
    let lines = if files.is_empty() { String::new() } else { format!("  {}\n", listed(&files)) };
    section("to hand out from the part cluster", lines)
}

fn section(title: &str, lines: String) -> String {
    if lines.is_empty() { lines } else { format!("\n{title}:\n{lines}") }
}

fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
