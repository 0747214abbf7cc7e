//! `plan`: says what a build would make, what changes in it since the lock, and what must be started anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::cli::args::{OutputFormat, PlanArguments};
use crate::cli::command::sealing::was_sealed;
use crate::cli::command::{build, help};
use crate::cli::failure::Failure;
use crate::cli::input::adopted_files::{self, Keys};
use crate::cli::input::cluster_sources;
use crate::cli::input::{lock_file, recipients};
use crate::cli::notice::Notice;
use crate::cli::text::against as against_text;
use crate::cli::text::against_json;
use crate::cli::text::changes::Detail;
use crate::cli::text::plan_json;
use crate::cli::text::plan_tree;
use crate::cli::text::sealing;
use crate::cli::text::{adoption, bindings, branches, comparison, foreign_etcd, registries, signer};
use crate::import::{self, Beside};
use crate::kubernetes::PartName;
use crate::lock::{Change, Lock, LockedPart, Refusal};
use crate::make::{Comparison, Permission, check_lock, recipient_changes, recipient_refusal, rotation_refusal};
use crate::plan::{Plan, Recipient, plan};
use crate::profile::Profile;
use crate::x509::escape_for_terminal;

pub(crate) fn run(arguments: &PlanArguments) -> Result<String, Failure> {
    let profile = build::read_profile(&arguments.profile)?;
    let (written, _) = adopted_files::read(profile, &arguments.profile, Keys::IfThere, None)?;
    let is_rotating = !written.rotating().is_empty();
    // The lock of a rotation has what its last phase leads to.
    let profile = if is_rotating { written.in_phase(3) } else { written.clone() };
    let lock_path = lock_file::path(arguments.lock.as_deref(), &arguments.profile)?;
    let lock = lock_file::read(&lock_path)?;
    let plan = plan(&profile);
    if !arguments.against.is_empty() {
        return against(arguments, &plan, lock.as_ref());
    }
    if let Some(lock) = &lock {
        let checked = check_lock(lock, &plan.cluster, Permission::PROFILE);
        checked.map_err(|objection| Failure::objection(&objection, &lock_path))?;
    }
    let since = lock.as_ref().map(|lock| (lock, Comparison::of_plan(lock, &profile, &plan)));
    let refusal = since.as_ref().and_then(|(lock, comparison)| comparison.refusal(lock, &plan));
    // What a rotation changes on purpose is no reason; what it may not change is.
    let refusal = match &lock {
        Some(lock) if is_rotating => {
            let refusal = refusal.filter(|refusal| {
                !matches!(refusal, Refusal::ChangedAdopted { .. } | Refusal::ChangedAuthorities { .. })
            });
            rotation_refusal(lock, &written).or(refusal)
        }
        _ => refusal,
    };
    let phases = phases(&written);
    let sealed = recipients::planned(&arguments.profile, &profile)?;
    let changes = recipient_changes(lock.as_ref(), &sealed.fingerprints);
    let refusal = lock.as_ref().and_then(|lock| recipient_refusal(lock, &sealed.fingerprints)).or(refusal);
    if arguments.output == OutputFormat::Json {
        let since = since.as_ref().map(|(lock, since)| (*lock, since));
        let refused = refusal.as_ref().map(|refusal| {
            let hints = since.map(|(lock, since)| new_node(lock, since, &plan)).into_iter().flatten();
            (refusal, Failure::refusal(refusal).hints().iter().cloned().chain(hints).collect())
        });
        let sealed = (&*changes, &*sealed.without);
        return plan_json::print(&profile, &plan, since, refused, sealed, &phases).map(|()| String::new());
    }
    let detail = if arguments.verbose { Detail::Full } else { Detail::Folded };
    // First: one line of it may be somebody's who should not open anything.
    let mut text = sealing::changes(&changes, lock.is_some()) + &sealing::without(&sealed.without);
    if lock.as_ref().is_some_and(was_sealed) && !profile.asks_for_seal() {
        text += sealing::NO_LONGER;
    }
    if !arguments.changes {
        text += &branches::drawn(plan_tree::render(&plan, detail), help::screen().lines);
        text += &signer::told(&profile);
        text += &foreign_etcd::told(&profile);
        text += &registries::told(&profile);
        text += &adoption::renewed(&plan, lock.as_ref());
        text += &adoption::intermediate(&profile, &plan);
        text += &bindings::required(&plan);
    }
    for (number, comparison) in (1..).zip(&phases) {
        text += &comparison::render(comparison, &format!("phase {number}, {}", PHASES[number - 1]), detail);
    }
    match &since {
        None => {
            let path = escape_for_terminal(&lock_path.display().to_string());
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\nno lock {path} yet: a build makes all of this");
        }
        Some((lock, since)) => {
            let changes = comparison::render(since, comparison::SINCE_THE_LOCK, detail);
            text += if changes.is_empty() { "\nsince the lock: nothing changes\n" } else { &changes };
            if let Some(refusal) = &refusal {
                let _ = write!(text, "\na build would be refused:\n{}", Failure::refusal(refusal).text());
                text.extend(new_node(lock, since, &plan).map(|hint| format!("hint: {hint}\n")));
            }
        }
    }
    Ok(text)
}

/// What each phase of a rotation is for.
const PHASES: [&str; 3] = ["every node trusts the new one, too", "every node uses the new one", "the old one ends"];

/// Returns what each phase of a rotation changes against the state before it. There is nothing without one.
fn phases(profile: &Profile) -> Vec<Comparison> {
    if profile.rotating().is_empty() {
        return Vec::new();
    }
    let states = [0, 1, 2, 3].map(|number| profile.in_phase(number));
    let plans = states.each_ref().map(plan);
    plans.iter().zip(plans.iter().skip(1)).map(|(before, after)| Comparison::of_phases(before, after)).collect()
}

/// Compares with what is on the nodes.
fn against(arguments: &PlanArguments, plan: &Plan<'_>, lock: Option<&Lock>) -> Result<String, Failure> {
    let mut sources = cluster_sources::read(&arguments.against)?;
    sources.set_aside_unreadable();
    if sources.surveys.is_empty() {
        return Err(Failure::cannot_run("--against was given no node to compare with")
            .hint("give surveys (`certferry survey`), roots or tar archives of nodes, or folders of these"));
    }
    let keys = lock.iter().flat_map(|lock| &lock.keys).map(|key| (key.id.clone(), key.spki_sha256.0)).collect();
    for (file, reason) in &sources.unused {
        Notice::new(format!("{file} was not used: {reason}")).give();
    }
    let by_lock = lock.map(brought).unwrap_or_default();
    let beside = Beside { by_root: sources.installed, by_lock, pods: sources.pods };
    let compared = import::against(plan, &keys, &sources.surveys, &beside);
    if arguments.output == OutputFormat::Json {
        return against_json::print(&plan.cluster, plan.generation, &compared).map(|()| String::new());
    }
    Ok(against_text::render(&compared, arguments.verbose).trim_start().to_owned())
}

/// Returns the files of each node that the last builds brought.
fn brought(lock: &Lock) -> BTreeMap<String, BTreeSet<String>> {
    let files = |row: &LockedPart| row.files.keys().map(|path| path.to_string()).collect();
    lock.parts.iter().filter_map(|row| Some((row.part.node()?.to_owned(), files(row)))).collect()
}

/// Returns a hint that no refusal gives: nodes that were never built can be built beside those that were.
fn new_node(lock: &Lock, since: &Comparison, plan: &Plan<'_>) -> Option<String> {
    // What all nodes share changes for all of them or for none.
    if since.changes.iter().any(Change::is_shared) {
        return None;
    }
    let locked: BTreeSet<_> = lock.parts.iter().map(|row| &row.part).collect();
    let is_new = |part: &PartName| !locked.contains(part);
    let mut parts = plan.recipients.iter().map(Recipient::part).filter(is_new);
    let hint = |name: &str| format!("a new node needs no new generation when it is built alone: --only {name}");
    parts.find_map(|part| part.node().map(hint))
}
