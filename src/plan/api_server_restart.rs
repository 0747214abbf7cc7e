//! The files that restart the API server of a control plane, where the profile asks for them.

use std::net::SocketAddr;

use super::file::{PlannedContent, PlannedFile, file};
use super::manifest::{ApiServerRestart, Manifest};
use crate::kubernetes::{API_SERVER_RESTART, Role};
use crate::profile::{Node, Profile};

/// Plans the files for one of the control planes. A node of another role gets none.
pub(super) fn files(profile: &Profile, node: &Node, control_planes: &[&Node]) -> Vec<PlannedFile> {
    if node.role != Role::ControlPlane || !profile.cluster.api_server_restart {
        return Vec::new();
    }
    let index = control_planes.iter().position(|other| other.name == node.name).unwrap_or_default();
    let server = |node: &Node| {
        let address = node.addresses.first()?;
        Some(SocketAddr::new(*address, profile.cluster.api_server_port).to_string())
    };
    let others = control_planes.iter().filter(|other| other.name != node.name).filter_map(|other| server(other));
    let script = ApiServerRestart::Script { own: server(node).unwrap_or_default(), others: others.collect() };
    let timer = ApiServerRestart::Timer { number: index + 1, count: control_planes.len() };
    [("sh", script), ("service", ApiServerRestart::Service), ("timer", timer)]
        .map(|(extension, content)| {
            let path = format!("{API_SERVER_RESTART}.{extension}");
            file(path, PlannedContent::Manifest(Box::new(Manifest::ApiServerRestart(content))))
        })
        .into()
}
