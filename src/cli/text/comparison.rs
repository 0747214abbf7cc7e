//! The words for what changes against the lock, why, and what it means. They are the same for `plan` and `build`.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::cli::text::changes;
use crate::kubernetes::PartName;
use crate::make::Comparison;
use crate::plan::{Effect, EffectKind};

/// The most nodes or files that are listed. The others are counted.
const LISTED: usize = 20;

/// Returns a heading, a line for each change, what to restart and what to hand out. Returns an empty text when nothing
/// changes.
pub(crate) fn render(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (what, before, after) in &comparison.heads {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  ~ {what} {before} -> {after}, in every record");
    }
    if comparison.other_profile {
        text += "  ~ the profile, in the part cluster\n";
    }
    text += &changes::lines(&comparison.changes);
    if text.is_empty() {
        return text;
    }
    if comparison.changes.is_empty() {
        text += "  no key, no certificate and no kubeconfig changes\n";
    }
    let effects = &comparison.effects;
    format!("\nsince the lock:\n{text}") + &restarts(effects) + &gone(effects) + &hand_out(effects)
}

/// Returns what must be started anew, node by node.
fn restarts(effects: &[Effect]) -> String {
    let names = |effect: &Effect| effect.restarts.iter().map(|component| component.name().to_owned()).collect();
    section("to restart when it is installed", by_node(effects, names))
}

/// Returns the files that nodes no longer get although they stay. Nothing deletes such files there unasked.
fn gone(effects: &[Effect]) -> String {
    let removed = |effect: &Effect| match effect.kind {
        EffectKind::Changed if effect.part != PartName::Cluster => effect.removed.iter().cloned().collect(),
        _ => BTreeSet::new(),
    };
    section("no longer in the bundle, to be deleted where it was installed", by_node(effects, removed))
}

/// Returns a line for each set of things that is not empty, with the parts that have it.
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

/// Returns the files that people and programs outside the nodes need anew.
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
