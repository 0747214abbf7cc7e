//! The state of a node, in words and in JSON.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::drift::JsonDrift;
use crate::cli::text::{json, restart};
use crate::node::{Drift, Installed, Previous, Status};
use crate::x509::escape_for_terminal;

/// Returns the text for people.
pub(crate) fn text(status: &Status) -> String {
    let installed = match &status.installed {
        Some(installed) => describe(installed),
        None => "nothing by certferry".to_owned(),
    };
    let previous = match &status.previous {
        Previous::None => "none".to_owned(),
        Previous::Foreign => "what certferry did not install; `certferry rollback` brings it back".to_owned(),
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
    format!("installed    {installed}\nprevious     {previous}\n{kept}{interrupted}{unfinished}")
}

fn describe(installed: &Installed) -> String {
    escape_for_terminal(&format!(
        "{}, generation {}, Kubernetes {}, node {}",
        installed.cluster, installed.generation, installed.kubernetes, installed.node
    ))
}

#[derive(Serialize)]
struct JsonStatus<'a> {
    drift: Option<JsonDrift>,
    installed: Option<JsonInstalled>,
    interrupted: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    kept: &'a [String],
    previous: Option<JsonPrevious>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<JsonRestart>,
}

/// A restart that was interrupted.
#[derive(Serialize)]
struct JsonRestart {
    components: Vec<&'static str>,
    manifests_away: Vec<&'static str>,
}

#[derive(Serialize)]
struct JsonInstalled {
    cluster: String,
    cluster_id: String,
    generation: u32,
    kubernetes: String,
    node: String,
    record_sha256: String,
    signer: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum JsonPrevious {
    Foreign(&'static str),
    Installed(JsonInstalled),
}

/// Returns one JSON document with an indent of two spaces, for programs.
pub(crate) fn json(status: &Status, drift: Option<&Drift>) -> Result<String, Failure> {
    let status = JsonStatus {
        drift: drift.map(JsonDrift::from),
        installed: status.installed.as_ref().map(JsonInstalled::from),
        interrupted: status.is_interrupted,
        kept: &status.kept,
        previous: match &status.previous {
            Previous::None => None,
            Previous::Foreign => Some(JsonPrevious::Foreign("foreign")),
            Previous::Installed(previous) => Some(JsonPrevious::Installed(previous.into())),
        },
        restart: (!status.unfinished.is_empty()).then(|| JsonRestart {
            components: status.unfinished.restarts.iter().map(|component| component.name()).collect(),
            manifests_away: status.unfinished.away.iter().map(|component| component.name()).collect(),
        }),
    };
    json::document(&status)
}

impl From<&Installed> for JsonInstalled {
    fn from(installed: &Installed) -> Self {
        Self {
            cluster: installed.cluster.clone(),
            cluster_id: installed.cluster_id.to_string(),
            generation: installed.generation,
            kubernetes: installed.kubernetes.clone(),
            node: installed.node.clone(),
            record_sha256: installed.record.to_string(),
            signer: installed.signer.to_string(),
        }
    }
}
