//! `plan --against` as JSON for programs.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::json;
use crate::import::{Against, ComparedFile, ComparedNode, OldAuthority};
use crate::kubernetes::Component;
use crate::x509::instant;

#[derive(Serialize)]
struct AgainstJson<'a> {
    cluster: &'a str,
    generation: u32,
    nodes: Vec<NodeJson<'a>>,
    /// The nodes of the profile of which nothing was given.
    not_compared: &'a [String],
    /// What was given of nodes that are not in the profile.
    not_in_profile: &'a [String],
}

#[derive(Serialize)]
struct NodeJson<'a> {
    node: &'a str,
    files: Vec<FileJson<'a>>,
    restarts: Vec<&'static str>,
    /// The components that read by themselves what changes, so that none must be restarted.
    reloads: Vec<&'static str>,
    pods: &'a [String],
    old_authorities: Vec<OldAuthorityJson<'a>>,
    by_serial: &'a [String],
}

#[derive(Serialize)]
struct FileJson<'a> {
    path: &'a str,
    fate: &'static str,
    details: &'a [String],
}

#[derive(Serialize)]
struct OldAuthorityJson<'a> {
    path: &'a str,
    authority: String,
    not_after: String,
    ended: bool,
}

/// Prints the document.
pub(crate) fn print(cluster: &str, generation: u32, against: &Against) -> Result<(), Failure> {
    let document = AgainstJson {
        cluster,
        generation,
        nodes: against.nodes.iter().map(node).collect(),
        not_compared: &against.unsurveyed,
        not_in_profile: &against.strangers,
    };
    json::print("plan-against", &document)
}

fn node(node: &ComparedNode) -> NodeJson<'_> {
    NodeJson {
        node: &node.node,
        files: node.files.iter().map(file).collect(),
        restarts: node.restarts.iter().map(|component| component.name()).collect(),
        reloads: node.is_reloaded.then_some(Component::ApiServer.name()).into_iter().collect(),
        pods: &node.pods,
        old_authorities: node.old_authorities.iter().map(old_authority).collect(),
        by_serial: &node.by_serial,
    }
}

fn file(file: &ComparedFile) -> FileJson<'_> {
    FileJson { path: &file.path, fate: file.fate.word(), details: &file.details }
}

fn old_authority(old: &OldAuthority) -> OldAuthorityJson<'_> {
    OldAuthorityJson {
        path: &old.path,
        authority: old.authority.to_string(),
        not_after: instant(old.not_after),
        ended: old.has_ended,
    }
}
