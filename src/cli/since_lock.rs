//! What changes against the lock, why, and what it means: the same for `plan` and `build`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::build::Built;
use super::changes_text;
use crate::bundle::Hex;
use crate::lock::{Change, ChangeKind, Lock, changes, explain_version, of_lock, of_plan};
use crate::plan::{Before, Effect, Plan, effects, plan};
use crate::profile::{Profile, Version};

/// More nodes or files than this are counted, not listed.
const LISTED: usize = 20;

/// What changes against the lock.
pub(super) struct SinceLock {
    /// What the head of every record says of the whole bundle, where it is another: what, before, after.
    heads: Vec<(&'static str, String, String)>,
    /// Whether the profile has other bytes than that of the last whole bundle.
    other_profile: bool,
    /// By id.
    pub(super) changes: Vec<Change>,
    /// By part, in the order of the plan.
    pub(super) effects: Vec<Effect>,
}

impl SinceLock {
    /// What a whole build would change, as far as names, dates and shapes tell.
    pub(super) fn of_plan(lock: &Lock, profile: &Profile, plan: &Plan) -> Self {
        let changes = changes(&of_lock(lock), &of_plan(plan));
        Self::new(lock, profile, plan, changes, |_| true)
    }

    /// What a build has changed; `new` is its own lock.
    pub(super) fn of_build(lock: &Lock, new: &Lock, built: &Built<'_>, changes: Vec<Change>) -> Self {
        let records = |lock: &Lock| -> BTreeMap<String, String> {
            lock.parts.iter().map(|row| (row.part.clone(), row.record_sha256.clone())).collect()
        };
        let (before, after) = (records(lock), records(new));
        let is_another = |part: &str| before.get(part) != after.get(part);
        let mut since = Self::new(lock, built.profile, built.plan, changes, is_another);
        if built.is_partial {
            // They are of the last whole bundle, and this is none.
            since.heads.clear();
            since.other_profile = false;
        }
        since
    }

    fn new(
        lock: &Lock,
        profile: &Profile,
        plan: &Plan,
        mut changes: Vec<Change>,
        is_another: impl Fn(&str) -> bool,
    ) -> Self {
        let heads = [
            ("generation", lock.generation.to_string(), plan.generation.to_string()),
            ("Kubernetes", lock.kubernetes.clone(), plan.kubernetes.to_string()),
        ];
        let before_version = version_before(lock, profile);
        if let Some(before) = &before_version {
            let (old, new) = (before.kubernetes.to_string(), plan.kubernetes.to_string());
            explain_version(&mut changes, (&old, &of_plan(before)), (&new, &of_plan(plan)));
        }
        let other_profile = lock.profile_sha256 != Hex(profile.sha256).to_string();
        let ids = |wanted: fn(&Change) -> bool| {
            let wanted = changes.iter().filter(|change| change.kind != ChangeKind::Removed && wanted(change));
            wanted.map(|change| change.id.clone()).collect()
        };
        let before = Before {
            parts: lock.parts.iter().map(|row| row.part.clone()).filter(|part| is_another(part)).collect(),
            touched: ids(|_| true),
            new_keys: ids(Change::is_of_key),
            other_profile,
            plan: before_version,
        };
        let effects = effects(plan, &before);
        Self {
            heads: heads.into_iter().filter(|(_, before, after)| before != after).collect(),
            other_profile,
            changes,
            effects,
        }
    }

    /// Whether the record of a part, `node/<name>` or `cluster`, is known to change but for the bundle's generation.
    pub(super) fn touches(&self, part: &str) -> bool {
        self.effects.iter().any(|effect| effect.part == part)
    }

    /// A heading, a line for each change, what to restart and what to hand out; nothing when nothing changes.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        for (what, before, after) in &self.heads {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  ~ {what} {before} -> {after}, in every record");
        }
        if self.other_profile {
            text += "  ~ the profile, in the part cluster\n";
        }
        text += &changes_text::lines(&self.changes);
        if text.is_empty() {
            return text;
        }
        if self.changes.is_empty() {
            text += "  no key and no certificate changes\n";
        }
        let mut text = format!("\nsince the lock:\n{text}");
        if self.other_profile {
            text += "\nthe lock does not hold the servers in kubeconfigs: another endpoint, port or first address \
                     changes those files too\n";
        }
        text + &restarts(&self.effects) + &hand_out(&self.effects)
    }
}

/// What the profile gave under the Kubernetes version of the lock, when that is another.
fn version_before(lock: &Lock, profile: &Profile) -> Option<Plan> {
    let version = Version::parse(&lock.kubernetes)?;
    (version != profile.cluster.kubernetes).then(|| plan(&profile.with_kubernetes(version)))
}

/// What must be started anew, node by node; nodes with the same list share a line.
fn restarts(effects: &[Effect]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for effect in effects.iter().filter(|effect| !effect.restarts.is_empty()) {
        let components: Vec<_> = effect.restarts.iter().map(|component| component.name()).collect();
        let components = components.join(", ");
        let node = effect.part.strip_prefix("node/").unwrap_or(&effect.part);
        match groups.iter_mut().find(|(known, _)| *known == components) {
            Some((_, nodes)) => nodes.push(node),
            None => groups.push((components, vec![node])),
        }
    }
    let lines = groups.into_iter().map(|(components, nodes)| format!("  {components}  on {}\n", listed(&nodes)));
    section("to restart when it is installed", lines.collect())
}

/// What people and programs outside the nodes need anew.
fn hand_out(effects: &[Effect]) -> String {
    let cluster = effects.iter().filter(|effect| effect.part == "cluster").flat_map(|effect| &effect.files);
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
