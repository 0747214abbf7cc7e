//! The words for what changes against the lock, why, and what it means. They are the same for `plan` and `build`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::cli::text::changes::{self, Detail};
use crate::cli::text::{bounded, node_names};
use crate::kubernetes::{PartName, is_of_registry};
use crate::lock::{Change, ChangeId, ChangeKind, ChangeReason, KUBERNETES_VERSION};
use crate::make::Comparison;
use crate::plan::{PartChange, PartChangeKind};
use crate::x509::escape_for_terminal;

/// What a new root means for cert-manager, which does nothing about it by itself.
const CUT_OFF: &str = "
nothing that cert-manager has issued is below the new root, and cert-manager issues none of it anew by itself:
  first trust both roots, then apply its new Secret, then renew every certificate: certferry help cert-manager
";

/// The heading of what a build changes.
pub(crate) const SINCE_THE_LOCK: &str = "since the lock";

/// Returns the heading, the changes, what to restart and what to hand out. Returns an empty text when nothing changes.
pub(crate) fn render(comparison: &Comparison, heading: &str, detail: Detail) -> String {
    let mut text = String::new();
    for (what, before, after) in &comparison.heads {
        // Writing to a String cannot fail.
        let (before, after) = (escape_for_terminal(before), escape_for_terminal(after));
        let _ = writeln!(text, "  ~ {what} {before} -> {after}, in every record");
    }
    if comparison.other_profile {
        text += "  ~ the profile, in the part cluster\n";
    }
    for binding in &comparison.new_bindings {
        let _ = writeln!(
            text,
            "  + the ClusterRoleBinding {} is needed now: create it before the new files are installed",
            binding.name
        );
    }
    text += &changes::lines(&comparison.changes, &comparison.break_glass, detail);
    if text.is_empty() {
        return text;
    }
    if comparison.changes.is_empty() {
        text += "  no key, no certificate and no kubeconfig changes\n";
    }
    let part_changes = &comparison.part_changes;
    let mut text = format!("\n{heading}:\n{text}");
    text += &restarts(part_changes);
    text += &gone(part_changes);
    text += &hand_out(comparison);
    if comparison.cuts_off_cert_manager {
        text += CUT_OFF;
    }
    text
}

/// Returns what must be started anew, node by node.
fn restarts(part_changes: &[PartChange]) -> String {
    let names = |change: &PartChange| change.restarts.iter().map(|component| component.name().to_owned()).collect();
    let reloaded = part_changes.iter().filter(|change| change.is_reloaded).filter_map(|change| change.part.node());
    let reloaded = node_names::ranges(reloaded);
    let mut lines = by_node(part_changes, names);
    if !reloaded.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            lines,
            "  nothing  on {}: kube-apiserver reads the two files again within a minute; after install.sh, restart it",
            reloaded.join(", ")
        );
    }
    section("to restart when it is installed", lines)
}

/// Returns the files that nodes no longer get although they stay. Nothing deletes such files there unasked, but for those of
/// registries, which the next generation takes away itself.
fn gone(part_changes: &[PartChange]) -> String {
    let removed = |change: &PartChange| match change.kind {
        PartChangeKind::Changed if change.part != PartName::Cluster => {
            change.removed.iter().filter(|place| !is_of_registry(place)).cloned().collect()
        }
        _ => BTreeSet::new(),
    };
    section("no longer in the bundle, to be deleted where it was installed", by_node(part_changes, removed))
}

/// Returns a line for each set of things that is not empty, with the parts that have it.
fn by_node(part_changes: &[PartChange], things: impl Fn(&PartChange) -> BTreeSet<String>) -> String {
    let mut groups: Vec<(BTreeSet<String>, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<BTreeSet<String>, usize> = BTreeMap::new();
    for change in part_changes {
        let things = things(change);
        if things.is_empty() {
            continue;
        }
        let node = change.part.node().unwrap_or("cluster");
        match known.get(&things).and_then(|place| groups.get_mut(*place)) {
            Some((_, nodes)) => nodes.push(node),
            None => {
                known.insert(things.clone(), groups.len());
                groups.push((things, vec![node]));
            }
        }
    }
    let line = |(things, nodes): (BTreeSet<String>, Vec<&str>)| {
        let things: Vec<_> = things.iter().map(String::as_str).collect();
        let nodes = node_names::ranges(nodes).join(", ");
        format!("  {}\n", escape_for_terminal(&format!("{}  on {nodes}", things.join(", "))))
    };
    bounded::lines(groups.into_iter().map(line))
}

/// Returns the files that people and programs outside the nodes need anew.
///
/// A file in which nothing but the version of Kubernetes is another, as in kubeadm's configuration, is not among them:
/// whoever has the old one upgrades the cluster, and loses nothing.
fn hand_out(comparison: &Comparison) -> String {
    let is_of_version = |reason: &ChangeReason| matches!(reason, ChangeReason::Value { field: KUBERNETES_VERSION, .. });
    let of_version_alone = |change: &&Change| {
        let is_one = !change.reasons.is_empty() && change.reasons.iter().all(is_of_version);
        is_one && change.kind == ChangeKind::Changed
    };
    let unneeded: BTreeSet<&str> = comparison
        .changes
        .iter()
        .filter(of_version_alone)
        .filter_map(|change| match &change.id {
            ChangeId::File(PartName::Cluster, path) => Some(path.as_str()),
            _ => None,
        })
        .chain(["profile.toml"])
        .collect();
    let cluster = comparison
        .part_changes
        .iter()
        .filter(|change| change.part == PartName::Cluster)
        .flat_map(|change| &change.files);
    let files = node_names::ranges(cluster.map(String::as_str).filter(|path| !unneeded.contains(path))).join(", ");
    let lines = if files.is_empty() { files } else { format!("  {}\n", escape_for_terminal(&files)) };
    section("to hand out from the part cluster", lines)
}

fn section(title: &str, lines: String) -> String {
    if lines.is_empty() { lines } else { format!("\n{title}:\n{lines}") }
}
