//! The nodes of a profile, for programs that reach many of them.
//!
//! They stand in the order in which they change: members of an external etcd first, control planes, workers; within a
//! role as in the profile. Names are RFC 1123 names and addresses have no other letters than those of addresses, so none of
//! them needs an escape in CSV or within double quotes of YAML.

use std::fmt::Write;
use std::net::IpAddr;

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::json;
use crate::kubernetes::Role;
use crate::profile::{Node, Profile};

/// The roles in the order in which their nodes change, each with its group. No name of a node has an underscore, so no
/// group has the name of a host.
const ROLES: [(Role, &str); 3] = [
    (Role::Etcd, "certferry_etcd"),
    (Role::ControlPlane, "certferry_control_planes"),
    (Role::Worker, "certferry_workers"),
];

/// What means every host to Ansible, or every host without a group.
const RESERVED: [&str; 2] = ["all", "ungrouped"];

/// Returns a node's name that Ansible does not take as that of a host, if there is one.
pub(crate) fn reserved(profile: &Profile) -> Option<&str> {
    profile.nodes.iter().map(|node| node.name.as_str()).find(|name| RESERVED.contains(name))
}

/// Returns an inventory for Ansible, in YAML: a group for each role, also one without hosts.
pub(crate) fn ansible(profile: &Profile) -> String {
    let cluster = &profile.cluster;
    let mut text = format!(
        "# The nodes of {name}, in the order in which they change: `certferry inventory` writes it from the profile.\n\
         # Your own variables, such as ansible_user, belong into a folder group_vars beside it.\n---\n\
         certferry_nodes:\n  vars:\n    certferry_cluster: \"{name}\"\n    certferry_generation: {generation}\n    \
         certferry_api_server_port: {port}\n{folder}  children:\n",
        name = cluster.name,
        generation = cluster.generation,
        port = cluster.api_server_port,
        folder = match &cluster.certificates_dir {
            folder if folder.is_default() => String::new(),
            folder => format!("    certferry_certificates_dir: \"{folder}\"\n"),
        },
    );
    for (role, group) in ROLES {
        let mut nodes = of_role(profile, role).peekable();
        let hosts = if nodes.peek().is_some() { "" } else { " {}" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {group}:\n      hosts:{hosts}");
        for node in nodes {
            let address = node.addresses.first().map(IpAddr::to_string).unwrap_or_default();
            let _ = writeln!(
                text,
                "        \"{}\": {{ansible_host: \"{address}\", certferry_address: \"{address}\", certferry_role: \"{}\"}}",
                node.name,
                role.name()
            );
        }
    }
    text
}

/// Returns one line for each node, below the names of the columns. More than one value in a field has a blank between.
pub(crate) fn csv(profile: &Profile) -> String {
    let mut text = "name,role,addresses,dns_names\n".to_owned();
    for node in in_order(profile) {
        let addresses: Vec<_> = node.addresses.iter().map(IpAddr::to_string).collect();
        let (addresses, dns_names) = (addresses.join(" "), node.dns_names.join(" "));
        let _ = writeln!(text, "{},{},{addresses},{dns_names}", node.name, node.role.name());
    }
    text
}

#[derive(Serialize)]
struct JsonInventory<'a> {
    cluster: &'a str,
    generation: u32,
    kubernetes: String,
    api_server_port: u16,
    nodes: Vec<JsonNode<'a>>,
}

#[derive(Serialize)]
struct JsonNode<'a> {
    name: &'a str,
    role: &'static str,
    addresses: &'a [IpAddr],
    dns_names: &'a [String],
}

/// Returns one JSON document.
pub(crate) fn json(profile: &Profile) -> Result<String, Failure> {
    let cluster = &profile.cluster;
    json::document(
        "inventory",
        &JsonInventory {
            cluster: &cluster.name,
            generation: cluster.generation,
            kubernetes: cluster.kubernetes.to_string(),
            api_server_port: cluster.api_server_port,
            nodes: in_order(profile).map(JsonNode::from).collect(),
        },
    )
}

impl<'a> From<&'a Node> for JsonNode<'a> {
    fn from(node: &'a Node) -> Self {
        Self { name: &node.name, role: node.role.name(), addresses: &node.addresses, dns_names: &node.dns_names }
    }
}

fn in_order(profile: &Profile) -> impl Iterator<Item = &Node> {
    ROLES.into_iter().flat_map(|(role, _)| of_role(profile, role))
}

fn of_role(profile: &Profile, role: Role) -> impl Iterator<Item = &Node> {
    profile.nodes.iter().filter(move |node| node.role == role)
}
