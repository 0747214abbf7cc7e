//! The text of the profile.

use std::net::IpAddr;

use time::Date;

use super::authorities::{Authorities, LEAF_YEARS};
use super::clients::Client;
use super::cluster::Cluster;
use super::foreign_etcd;
use super::machines::Machine;
use super::names::FurtherNames;
use super::said::Said;
use super::tables;
use super::text::{Text, quoted};
use crate::kubernetes::Role;
use crate::x509::{AltName, MASTERS, ReadCertificate, instant};

const HEAD: &str = "\
# The profile of a cluster that runs, written by `certferry init --from`. Behind each value stands where it comes from.
# What is a comment is for a person to decide; the list beside this file says why. `certferry help profile` has every key.
";

/// Returns the text of the profile.
pub(super) fn profile(
    cluster: &Cluster,
    further: &FurtherNames,
    authorities: &Authorities,
    clients: &[Client],
    machines: &[Machine<'_>],
    issued_at: Date,
) -> String {
    let mut text = Text::new(format!("{HEAD}format = 1\n"));
    text.table("[cluster]");
    write_cluster(&mut text, cluster, further, issued_at);
    write_validity(&mut text, authorities);
    if let Some(algorithm) = &cluster.leaf_algorithm {
        text.table("[keys]");
        text.key("leaf", &quoted(algorithm.value.name()), &algorithm.source);
    }
    if let Some(etcd) = &cluster.foreign_etcd {
        foreign_etcd::write(&mut text, etcd);
    }
    tables::authorities(&mut text, authorities);
    if let Some(bootstraps) = &cluster.bootstraps_serving {
        text.table("[kubelet]");
        let source = match bootstraps.value {
            true => format!("kubelets ask the cluster for theirs: {}", bootstraps.source),
            false => bootstraps.source.clone(),
        };
        text.key("serving", if bootstraps.value { "false" } else { "true" }, &source);
    }
    if cluster.bootstraps_serving.is_none() {
        text.table("[kubelet]");
        text.off("serving", "true", "not known");
    }
    for machine in machines {
        // Somebody else's member gets nothing from here.
        let is_strangers = cluster.foreign_etcd.is_some() && machine.has_role(Role::Etcd);
        write_node(&mut text, machine, is_strangers);
    }
    for member in &cluster.lone_members {
        text.empty_line();
        text.comment(&format!("A member of etcd at {}: {}", member.host.value, member.host.source));
        text.comment("[[node]]");
        text.comment(&format!("name = {}", quoted(member.name.as_deref().unwrap_or_default())));
        text.comment(&format!("role = {}", quoted(member.role.name())));
        let address = match &member.host.value.host {
            AltName::Ip(address) => quoted(&address.to_string()),
            AltName::Dns(_) => String::new(),
        };
        text.comment(&format!("addresses = [{address}]"));
    }
    for client in clients {
        write_client(&mut text, client);
    }
    text.finish()
}

fn write_cluster(text: &mut Text, cluster: &Cluster, further: &FurtherNames, issued_at: Date) {
    text.key("name", &quoted(&cluster.name.value), &cluster.name.source);
    match &cluster.kubernetes {
        Some(version) => text.key("kubernetes", &quoted(&version.value.to_string()), &version.source),
        None => text.off("kubernetes", "\"\"", "not known"),
    }
    text.key("issued_at", &issued_at.to_string(), "the day of this import; validity counts from it");
    if let Some(endpoint) = &cluster.endpoint {
        text.key("control_plane_endpoint", &quoted(&endpoint.value.to_string()), &endpoint.source);
    }
    if let Some(port) = &cluster.api_server_port {
        text.key("api_server_port", &port.value.to_string(), &port.source);
    }
    if let Some(subnets) = &cluster.service_subnets {
        let list: Vec<_> = subnets.value.iter().map(|subnet| quoted(&subnet.to_string())).collect();
        text.key("service_subnets", &format!("[{}]", list.join(", ")), &subnets.source);
    }
    if let Some(domain) = &cluster.dns_domain {
        text.key("dns_domain", &quoted(&domain.value), &domain.source);
    }
    if let Some(etcd) = &cluster.etcd_is_external {
        text.key("etcd", if etcd.value { "\"external\"" } else { "\"stacked\"" }, &etcd.source);
    }
    tables::cluster(text, cluster);
    let texts = |names: &[Said<AltName>]| {
        names.iter().map(|name| Said::new(name.value.to_string(), name.source.clone())).collect::<Vec<_>>()
    };
    text.list("apiserver_cert_sans", &texts(&further.apiserver_cert_sans), &texts(&further.only_wanted));
    text.list("etcd_cert_sans", &texts(&further.etcd_cert_sans), &[]);
}

/// Writes how long leaves live. None may outlive a CA that cannot be renewed here.
fn write_validity(text: &mut Text, authorities: &Authorities) {
    text.table("[validity]");
    text.key("ca", "\"200y\"", "certferry's own; for CAs that are renewed or made");
    let limit = authorities
        .all
        .iter()
        .filter(|authority| authority.ends_early && authority.is_root() == Some(false))
        .filter_map(|authority| {
            let certificate = &authority.certificate.as_ref()?.value;
            let ends = authority.issuers.iter().chain([certificate]).map(ReadCertificate::not_after);
            Some((ends.min()?, authority.table))
        })
        .min();
    match limit {
        Some((end, table)) => {
            text.key(
                "leaf",
                &quoted(&instant(end)),
                &format!("the end of [ca.{table}] or of an issuer of it, which only those above them can renew"),
            );
        }
        None => text.key("leaf", &quoted(&format!("{LEAF_YEARS}y")), "certferry's own"),
    }
}

fn write_node(text: &mut Text, machine: &Machine<'_>, is_strangers: bool) {
    let is_whole = machine.is_whole() && !is_strangers;
    let from = text.len();
    text.table("[[node]]");
    match &machine.name {
        Some(name) => text.key("name", &quoted(&name.value), &name.source),
        None => text.key("name", "\"\"", &format!("not known: {}", machine.label)),
    }
    match &machine.role {
        Some(role) => text.key("role", &quoted(role.value.name()), &role.source),
        None => text.key("role", &quoted(Role::Worker.name()), "not known"),
    }
    let mut sources: Vec<&str> = machine.addresses.iter().map(|address| address.source.as_str()).collect();
    sources.dedup();
    let list = |addresses: &mut dyn Iterator<Item = IpAddr>| {
        let addresses: Vec<_> = addresses.map(|address| quoted(&address.to_string())).collect();
        format!("[{}]", addresses.join(", "))
    };
    if machine.addresses.is_empty() {
        let candidates = list(&mut machine.candidates.iter().copied());
        text.key("addresses", &candidates, "not known; these are of its interfaces");
    } else {
        text.key("addresses", &list(&mut machine.addresses.iter().map(|address| address.value)), &sources.join("; "));
    }
    if !machine.dns_names.is_empty() {
        let names: Vec<_> = machine.dns_names.iter().map(|name| quoted(&name.value)).collect();
        let mut sources: Vec<&str> = machine.dns_names.iter().map(|name| name.source.as_str()).collect();
        sources.dedup();
        text.key("dns_names", &format!("[{}]", names.join(", ")), &sources.join("; "));
    }
    if !is_whole {
        text.comment_out(from);
    }
}

/// Writes a client as a comment.
fn write_client(text: &mut Text, client: &Client) {
    text.empty_line();
    text.comment(&format!("From {}.", client.source));
    text.comment(if client.is_etcds { "[[etcd_client]]" } else { "[[user]]" });
    text.comment(&format!("name = {}", quoted(&client.name)));
    if client.is_etcds {
        return;
    }
    let is_master = |group: &&String| group.as_str() == MASTERS;
    let groups: Vec<_> = client.groups.iter().filter(|group| !is_master(group)).map(|group| quoted(group)).collect();
    text.comment(&format!("groups = [{}]", groups.join(", ")));
    if client.groups.iter().any(|group| group == MASTERS) {
        text.comment("break_glass = true  # the group system:masters: everything, and nothing takes it back");
    }
    if client
        .groups
        .iter()
        .filter(|group| !is_master(group))
        .chain([&client.name])
        .any(|text| text.starts_with("system:"))
    {
        text.comment("allow_system = true  # a name or group of Kubernetes itself");
    }
}
