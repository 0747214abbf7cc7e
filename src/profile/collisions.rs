//! Refuses names, addresses and service subnets that collide, and names that are too long for the archive.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use super::cluster::ClusterDraft;
use super::names::{abridged, warn_long_common_name};
use super::node::NodeRow;
use super::problem::{Problem, Problems};
use crate::kubernetes::Role;
use crate::x509::AltName;

/// The most bytes of a node's name: the longest file name made of it, `<name>.json.sig`, must fit in ustar's name field
/// of 100 bytes.
const NODE_NAME_BYTES: usize = 91;
/// The size of ustar's prefix field, which must hold `<top folder>/nodes/<name>`.
const PREFIX_BYTES: usize = 155;

/// Reports each setting that collides once, with the first node that it concerns.
pub(super) fn check(cluster: &ClusterDraft, rows: &[NodeRow], problems: &Problems) {
    check_names(rows, problems);
    check_record_names(rows, problems);
    check_addresses(rows, problems);
    check_service_subnets(cluster, rows, problems);
    for row in rows {
        check_name_lengths(cluster, row, problems);
    }
}

fn check_names(rows: &[NodeRow], problems: &Problems) {
    let mut seen = BTreeMap::<&str, Option<&Range<usize>>>::new();
    for row in rows {
        let mut twin = None;
        for name in &row.names {
            if let Some(first) = seen.insert(name, row.named_at.as_ref()) {
                twin = twin.or(Some((name, first)));
            }
        }
        if let Some((name, first)) = twin {
            problems.add(
                Problem::error(format!("two nodes are called \"{}\"", abridged(name)))
                    .at_if(row.named_at.as_ref(), "again here")
                    .related(first, "first here")
                    .hint("the kubelet registers this name: give each node one of its own"),
            );
        }
    }
}

/// Refuses a node whose folder in the archive would have the name of another node's record `<name>.json` or of its
/// signature `<name>.json.sig`, which lie beside the folders.
fn check_record_names(rows: &[NodeRow], problems: &Problems) {
    let mut named_at = BTreeMap::<&str, Option<&Range<usize>>>::new();
    for row in rows {
        named_at.extend(row.names.iter().map(|name| (name.as_str(), row.named_at.as_ref())));
    }
    for row in rows {
        let twin = row.names.iter().find_map(|name| {
            let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".json.sig"))?;
            Some((name, named_at.get_key_value(stem)?))
        });
        if let Some((name, (stem, place))) = twin {
            problems.add(
                Problem::error(format!("the node \"{}\" would take the place of a record", abridged(name)))
                    .at_if(
                        row.named_at.as_ref(),
                        format!("the archive has a file of this name for \"{}\"", abridged(stem)),
                    )
                    .related(*place, "that node")
                    .hint("give one of the two nodes another name"),
            );
        }
    }
}

fn check_addresses(rows: &[NodeRow], problems: &Problems) {
    let mut seen = BTreeMap::<IpAddr, (&str, Option<&Range<usize>>)>::new();
    for row in rows {
        for first in &row.first_addresses {
            let mut twin = None;
            for (index, name) in row.names.iter().enumerate() {
                let Some(address) = NodeRow::address(first, index) else { continue };
                if let Some((other, place)) = seen.insert(address, (name, first.set_at.as_ref())) {
                    twin = twin.or(Some((address, name, other, place)));
                }
            }
            if let Some((address, name, other, place)) = twin {
                let label = if name.as_str() == other {
                    format!("node \"{}\" has it already", abridged(name))
                } else {
                    format!("node \"{}\" would have it, as node \"{}\" has", abridged(name), abridged(other))
                };
                problems.add(
                    Problem::error(format!("the address {address} is given twice"))
                        .at_if(first.set_at.as_ref(), label)
                        .related(place, "first here")
                        .hint("an address belongs to one node"),
                );
            }
        }
    }
}

/// Refuses addresses of hosts within a service subnet: kube-proxy takes the traffic to them, so it never leaves the
/// node.
fn check_service_subnets(cluster: &ClusterDraft, rows: &[NodeRow], problems: &Problems) {
    let endpoint = cluster.control_plane_endpoint.iter().filter_map(|setting| match &setting.value.as_ref()?.host {
        AltName::Ip(address) => Some((*address, setting.set_at.as_ref())),
        AltName::Dns(_) => None,
    });
    let sans = cluster.apiserver_cert_sans.iter().chain(&cluster.etcd_cert_sans);
    let sans = sans.filter_map(|setting| match setting.value {
        AltName::Ip(address) => Some((address, setting.set_at.as_ref())),
        AltName::Dns(_) => None,
    });
    let nodes = rows.iter().flat_map(|row| row.first_addresses.iter().map(move |first| (first, row.names.len())));
    let nodes = nodes.filter_map(|(first, count)| {
        let mut addresses = (0..count.max(1)).filter_map(|index| NodeRow::address(first, index));
        let taken = addresses.find(|address| cluster.service_subnets.iter().any(|net| net.value.contains(address)))?;
        Some((taken, first.set_at.as_ref()))
    });
    for (address, place) in endpoint.chain(sans).chain(nodes) {
        let Some(subnet) = cluster.service_subnets.iter().find(|subnet| subnet.value.contains(&address)) else {
            continue;
        };
        problems.add(
            Problem::error(format!("the address {address} is in a service subnet"))
                .at_if(place, format!("within {}, whose addresses are those of services", subnet.value))
                .related(subnet.set_at.as_ref(), "the service subnet")
                .hint("move one of them; the API servers' own service address needs no mention"),
        );
    }
}

fn check_name_lengths(cluster: &ClusterDraft, row: &NodeRow, problems: &Problems) {
    // All names of a row have one length.
    let Some(name) = row.names.first() else { return };
    if let (Some(cluster_name), Some(generation)) = (&cluster.name, cluster.generation) {
        let top = format!("{cluster_name}-g{generation}").len();
        let limit = NODE_NAME_BYTES.min(PREFIX_BYTES.saturating_sub(top + "/nodes/".len()));
        if name.len() > limit {
            problems.add(
                Problem::error("a node's name is too long for the archive")
                    .at_if(row.named_at.as_ref(), format!("{} characters; at most {limit} in this cluster", name.len()))
                    .hint("tar's older form (ustar), which every system reads, has short paths: use a shorter name"),
            );
        }
    }
    let prefix = if row.has_role(Role::Etcd) { "" } else { "system:node:" };
    warn_long_common_name(&format!("{prefix}{name}"), row.named_at.as_ref(), problems);
}
