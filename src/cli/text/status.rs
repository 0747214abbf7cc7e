//! The state of a node, in words and in JSON.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::drift::JsonDrift;
use crate::cli::text::{json, restart};
use crate::node::{Drift, Installed, Previous, Status};
use crate::x509::escape_for_terminal;

/// What was on the node before certferry.
pub(crate) const FOREIGN: &str = "what certferry did not install";

/// Returns the text for people.
pub(crate) fn text(status: &Status) -> String {
    let installed = match &status.installed {
        Some(installed) => describe(installed),
        None => "nothing by certferry".to_owned(),
    };
    let previous = match &status.previous {
        Previous::None => "none".to_owned(),
        Previous::Foreign => format!("{FOREIGN}; `certferry rollback` brings it back"),
        Previous::Installed(previous) => format!("{}; `certferry rollback` brings it back", describe(previous)),
    };
    let what = |place: &String| match (place.ends_with("/original"), escape_for_terminal(place)) {
        (true, place) => format!("original     what certferry did not install: {place}, until a person removes it\n"),
        (false, place) => format!("repaired     what the last repair replaced: {place}, until a person removes it\n"),
    };
    let kept: String = status.kept.iter().map(what).collect();
    let interrupted = if status.is_interrupted {
        "interrupted  a run was cut short: the next `certferry apply` or `certferry rollback` brings it to its end first\n"
    } else {
        ""
    };
    let unfinished = restart::unfinished(&status.unfinished);
    let rotation = rotation(status.installed.as_ref());
    format!("installed    {installed}\n{rotation}previous     {previous}\n{kept}{interrupted}{unfinished}")
}

/// Returns the lines about files that would be accepted as taken away.
pub(crate) fn would_accept(places: &[String]) -> String {
    let lines: String = places.iter().map(|place| format!("  {}\n", escape_for_terminal(place))).collect();
    format!("would be noted as taken away for good; nothing was changed:\n{lines}")
}

pub(crate) fn describe(installed: &Installed) -> String {
    escape_for_terminal(&format!(
        "{}, {}, Kubernetes {}, node {}",
        installed.cluster,
        generation(installed),
        installed.kubernetes,
        installed.node
    ))
}

/// Returns the generation, and the phase of a rotation where it is of one: `generation 2, phase 1 of 3`.
pub(crate) fn generation(installed: &Installed) -> String {
    let phase = if installed.phase == 0 { String::new() } else { format!(", phase {} of 3", installed.phase) };
    format!("generation {}{phase}", installed.generation)
}

/// Returns the lines about a rotation: what rotates, and what comes next.
fn rotation(installed: Option<&Installed>) -> String {
    let Some(installed) = installed.filter(|installed| installed.phase != 0) else { return String::new() };
    let rotating = escape_for_terminal(&installed.rotating.join(", "));
    let next = match installed.phase {
        1 => "phase 2, once every node has phase 1 and rotation/phase-1.sh of the part cluster says that it is done",
        2 => "phase 3, once every node has phase 2 and rotation/phase-2.sh of the part cluster says that it is done",
        _ => {
            "rotation/phase-3.sh of the part cluster, once every node has phase 3; then the profile without `previous`"
        }
    };
    format!("rotating     {rotating}\nnext         {next}\n")
}

#[derive(Serialize)]
struct StatusJson<'a> {
    changed: bool,
    dry_run: bool,
    drift: Option<JsonDrift>,
    installed: Option<InstalledJson>,
    interrupted: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    kept: &'a [String],
    previous: Option<PreviousJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<RestartJson>,
}

/// A restart that was interrupted.
#[derive(Serialize)]
struct RestartJson {
    components: Vec<&'static str>,
    manifests_away: Vec<&'static str>,
}

/// A generation on a node.
#[derive(Serialize)]
pub(crate) struct InstalledJson {
    cluster: String,
    cluster_id: String,
    generation: u32,
    #[serde(skip_serializing_if = "is_none")]
    phase: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rotating: Vec<String>,
    kubernetes: String,
    node: String,
    role: Option<&'static str>,
    record_sha256: String,
    signer: String,
}

/// Returns whether it is the phase of what is not of a rotation.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_none(phase: &u32) -> bool {
    *phase == 0
}

/// The generation that a rollback brings back.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum PreviousJson {
    Foreign(&'static str),
    Installed(InstalledJson),
}

/// Returns one JSON document with an indent of two spaces, for programs.
pub(crate) fn json(changed: bool, dry_run: bool, status: &Status, drift: Option<&Drift>) -> Result<String, Failure> {
    let status = StatusJson {
        changed,
        dry_run,
        drift: drift.map(JsonDrift::from),
        installed: status.installed.as_ref().map(InstalledJson::from),
        interrupted: status.is_interrupted,
        kept: &status.kept,
        previous: PreviousJson::of(&status.previous),
        restart: (!status.unfinished.is_empty()).then(|| RestartJson {
            components: status.unfinished.restarts.iter().map(|component| component.name()).collect(),
            manifests_away: status.unfinished.away.iter().map(|component| component.name()).collect(),
        }),
    };
    json::document("status", &status)
}

impl PreviousJson {
    pub(crate) fn of(previous: &Previous) -> Option<Self> {
        match previous {
            Previous::None => None,
            Previous::Foreign => Some(Self::Foreign("foreign")),
            Previous::Installed(previous) => Some(Self::Installed(previous.as_ref().into())),
        }
    }
}

impl From<&Installed> for InstalledJson {
    fn from(installed: &Installed) -> Self {
        Self {
            cluster: installed.cluster.clone(),
            cluster_id: installed.cluster_id.to_string(),
            generation: installed.generation,
            phase: installed.phase,
            rotating: installed.rotating.clone(),
            kubernetes: installed.kubernetes.clone(),
            node: installed.node.clone(),
            role: installed.role.map(|role| role.name()),
            record_sha256: installed.record.to_string(),
            signer: installed.signer.to_string(),
        }
    }
}
