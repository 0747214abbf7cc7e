//! What `rollback` brings back, in words and in JSON.

use std::fmt::Write;

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::apply::{Command, told, update_trust};
use crate::cli::text::apply_json::CommandJson;
use crate::cli::text::restart_json::{Failed, Recorder, RestartJson, StepJson, in_cluster};
use crate::cli::text::status::{FOREIGN, InstalledJson, PreviousJson, describe};
use crate::cli::text::{json, restart, status};
use crate::node::restart::Effect;
use crate::node::{Previous, RollbackForeseen, RolledBack, Status};
use crate::x509::escape_for_terminal;

/// Returns the text of what was done.
pub(crate) fn done(done: &RolledBack) -> String {
    let first = if done.has_recovered { "an interrupted run was brought to its end first\n" } else { "" };
    let taken_away = taken_away("taken away, because the generation before has none:", &done.taken_away);
    let restarts = restart::restarts(&done.effect, &done.restarted_by);
    let commands = told(&commands(&done.effect));
    let in_cluster = untrusted(&done.effect) + &restart::in_cluster(&done.effect);
    format!("{first}{taken_away}{}{restarts}{commands}{in_cluster}", status::text(&done.status))
}

/// Returns the text of what would be done.
pub(crate) fn dry_run(foreseen: &RollbackForeseen) -> String {
    let RollbackForeseen { status, effect, restarted_by, taken_away } = foreseen;
    let waits = if status.is_interrupted {
        "an interrupted run waits: `certferry rollback` brings it to its end first, and looks at the rest only then\n"
    } else {
        ""
    };
    let back = match &status.previous {
        Previous::Installed(previous) => describe(previous),
        Previous::Foreign | Previous::None => FOREIGN.to_owned(),
    };
    let from = status.installed.as_ref().map_or_else(|| FOREIGN.to_owned(), describe);
    let taken_away = self::taken_away("would be taken away, because the generation before has none:", taken_away);
    let restarts = restart::restarts(effect, restarted_by);
    let (commands, in_cluster) = (told(&commands(effect)), untrusted(effect) + &restart::in_cluster(effect));
    format!(
        "{waits}would bring back  {back}\nin the place of   {from}\n{taken_away}{restarts}{commands}{in_cluster}nothing was \
         changed\n"
    )
}

/// Returns the commands that a person runs on the node after this.
fn commands(effect: &Effect) -> Vec<Command> {
    let why = "to let this system take note of the roots that it trusts (certferry help tls)";
    update_trust(effect, why).into_iter().collect()
}

/// Returns the line about a cluster that went on in its rotation without this node.
fn untrusted(effect: &Effect) -> String {
    let places: Vec<_> = effect.breaches.iter().map(|breach| escape_for_terminal(breach.place())).collect();
    if places.is_empty() {
        return String::new();
    }
    format!(
        "the cluster no longer takes what comes back, nor the other way round: {}; `certferry apply --catch-up` brings this node \
         to where the others are\n",
        places.join(", ")
    )
}

fn taken_away(head: &str, places: &[String]) -> String {
    let mut text = String::new();
    for (number, place) in places.iter().enumerate() {
        if number == 0 {
            text.extend([head, "\n"]);
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}", escape_for_terminal(place));
    }
    text
}

#[derive(Serialize)]
struct RollbackJson<'a> {
    changed: bool,
    dry_run: bool,
    before: Option<InstalledJson>,
    after: Option<InstalledJson>,
    /// What a further rollback brings back.
    previous: Option<PreviousJson>,
    interrupted: bool,
    removed: &'a [String],
    kept: &'a [String],
    restart: RestartJson,
    commands: Vec<CommandJson>,
    in_cluster: Vec<StepJson>,
    /// The files by which the cluster and this node no longer know each other.
    untrusted: Vec<String>,
}

fn untrusted_places(effect: &Effect) -> Vec<String> {
    effect.breaches.iter().map(|breach| breach.place().to_owned()).collect()
}

/// Returns the document of what was done.
pub(crate) fn done_json(done: &RolledBack, recorder: Recorder) -> Result<String, Failure> {
    let RolledBack { status, effect, restarted_by, has_recovered, taken_away } = done;
    let document = RollbackJson {
        changed: true,
        dry_run: false,
        before: installed(&status.previous),
        after: status.installed.as_ref().map(InstalledJson::from),
        previous: PreviousJson::of(&status.previous),
        interrupted: *has_recovered,
        removed: taken_away,
        kept: &status.kept,
        restart: RestartJson::new(effect, restarted_by, recorder.steps),
        commands: commands(effect).into_iter().map(CommandJson::from).collect(),
        in_cluster: in_cluster(effect),
        untrusted: untrusted_places(effect),
    };
    json::document("rollback", &document)
}

/// Returns the document of what would be done.
pub(crate) fn dry_run_json(foreseen: &RollbackForeseen) -> Result<String, Failure> {
    let RollbackForeseen { status, effect, restarted_by, taken_away } = foreseen;
    let now = status.installed.as_ref();
    let document = RollbackJson {
        changed: true,
        dry_run: true,
        before: now.map(InstalledJson::from),
        after: installed(&status.previous),
        previous: Some(now.map_or(PreviousJson::Foreign("foreign"), |now| PreviousJson::Installed(now.into()))),
        interrupted: status.is_interrupted,
        removed: taken_away,
        kept: &status.kept,
        restart: RestartJson::new(effect, restarted_by, Vec::new()),
        commands: commands(effect).into_iter().map(CommandJson::from).collect(),
        in_cluster: in_cluster(effect),
        untrusted: untrusted_places(effect),
    };
    json::document("rollback", &document)
}

/// Returns the document of a run that failed in its restart. `before` and `now` are the states before and after it.
pub(crate) fn failed_json(
    failed: &Failed,
    before: &Status,
    now: &Status,
    recorder: Recorder,
) -> Result<String, Failure> {
    let document = RollbackJson {
        changed: failed.changed || recorder.has_put_back,
        dry_run: false,
        before: before.installed.as_ref().map(InstalledJson::from),
        after: now.installed.as_ref().map(InstalledJson::from),
        previous: PreviousJson::of(&now.previous),
        interrupted: before.is_interrupted,
        removed: &[],
        kept: &now.kept,
        restart: RestartJson::failed(&recorder.effect, failed, recorder.steps),
        commands: Vec::new(),
        in_cluster: in_cluster(&Effect::default()),
        untrusted: Vec::new(),
    };
    json::document("rollback", &document)
}

fn installed(previous: &Previous) -> Option<InstalledJson> {
    match previous {
        Previous::Installed(previous) => Some(previous.as_ref().into()),
        Previous::Foreign | Previous::None => None,
    }
}
