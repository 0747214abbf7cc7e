//! `plan`: what a build would make, what changes for it since the lock, and what must be started anew.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::args::{OutputFormat, PlanArguments};
use super::failure::Failure;
use super::{build, changes_text, lock_file, plan_json, plan_tree};
use crate::lock::{Change, Lock, changes, of_lock, of_plan};
use crate::plan::{Effect, Plan, effects, plan};

/// More nodes than this are counted, not listed.
const LISTED: usize = 20;

pub(super) fn run(arguments: &PlanArguments) -> Result<String, Failure> {
    let profile = build::read_profile(&arguments.profile)?;
    let lock_path = arguments.lock.clone().unwrap_or_else(|| lock_file::default_path(&arguments.profile));
    let lock = lock_file::read(&lock_path)?;
    let plan = plan(&profile);
    if let Some(lock) = lock.as_ref().filter(|lock| lock.cluster != plan.cluster) {
        return Err(lock_file::other_cluster(lock, &plan.cluster));
    }
    let changes = lock.as_ref().map(|lock| changes(&of_lock(lock), &of_plan(&plan)));
    let effects = changes.as_deref().map(|changes| effects_of(&plan, changes)).unwrap_or_default();
    if arguments.output == OutputFormat::Json {
        return plan_json::render(&plan, changes.as_deref(), &effects);
    }
    let mut text = plan_tree::render(&plan, arguments.verbose);
    match changes.as_deref() {
        None => text += &format!("\nno lock {} yet: a build makes all of this\n", lock_path.display()),
        Some([]) => {
            text += "\nsince the lock: no key and no certificate changes\n";
            if let Some(lock) = lock.filter(|lock| lock.generation != plan.generation) {
                let _ = writeln!(text, "  ~ generation {} -> {}, in every record", lock.generation, plan.generation);
            }
        }
        Some(changes) => {
            text += &changes_text::since_lock(changes);
            text += &generation_note(lock.as_ref(), &plan);
            text += &restarts(&effects);
        }
    }
    Ok(text)
}

/// What the changes mean on nodes that were installed before.
pub(super) fn effects_of(plan: &Plan, changes: &[Change]) -> Vec<Effect> {
    let ids = |wanted: fn(&Change) -> bool| -> BTreeSet<String> {
        changes.iter().filter(|change| wanted(change)).map(|change| change.id().to_owned()).collect()
    };
    let changed = ids(|change| matches!(change, Change::Changed(..)));
    let added = ids(|change| matches!(change, Change::Added(_)));
    effects(plan, &changed, &added)
}

/// What must be started anew, node by node; nodes with the same list share a line.
pub(super) fn restarts(effects: &[Effect]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for effect in effects.iter().filter(|effect| !effect.restarts.is_empty()) {
        let components: Vec<_> = effect.restarts.iter().map(|component| component.name()).collect();
        let components = components.join(", ");
        match groups.iter_mut().find(|(known, _)| *known == components) {
            Some((_, nodes)) => nodes.push(&effect.node),
            None => groups.push((components, vec![&effect.node])),
        }
    }
    let mut text = String::new();
    if !groups.is_empty() {
        text += "\nto restart when it is installed:\n";
    }
    for (components, nodes) in groups {
        let more = nodes.len().saturating_sub(LISTED);
        let listed: Vec<_> = nodes.into_iter().take(LISTED).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {components}  on {}{more}", listed.join(", "));
    }
    text
}

fn generation_note(lock: Option<&Lock>, plan: &Plan) -> String {
    match lock {
        Some(lock) if lock.generation == plan.generation => {
            "\na whole build changes records: raise `generation` in [cluster], or make the new nodes \
             alone with --only\n"
                .to_owned()
        }
        _ => String::new(),
    }
}
