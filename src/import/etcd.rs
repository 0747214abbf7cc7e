//! Where etcd runs.

use super::finding::{Finding, Subject};
use super::foreign_etcd::ForeignEtcd;
use super::hosts::HostPort;
use super::machines::{Machine, surveyed};
use super::said::{Said, decide};
use super::sources::Sources;
use super::surveyed::{API_SERVER, ETCD};
use crate::kubernetes::Role;
use crate::x509::AltName;

fn unknown(findings: &mut Vec<Finding>, text: String) {
    findings.push(Finding::new(Subject::Unknown, text));
}

/// A member of etcd that no other source has.
pub(super) struct LoneMember {
    pub(super) host: Said<HostPort>,
    /// The member's name, which kubeadm makes of the node's.
    pub(super) name: Option<String>,
    pub(super) role: Role,
}

/// Returns whether etcd runs on machines of its own, and the members of which nothing else is known. Of an etcd of somebody
/// else nothing more is looked for.
pub(super) fn find(
    sources: &Sources,
    machines: &[Machine<'_>],
    foreign: Option<&ForeignEtcd>,
    findings: &mut Vec<Finding>,
) -> (Option<Said<bool>>, Vec<LoneMember>) {
    if let Some(ForeignEtcd { files: [ca, ..], .. }) = foreign {
        return (Some(Said::new(true, format!("{} is in none of the folders of a bundle", ca.source))), Vec::new());
    }
    let mut claims = Vec::new();
    let mut servers: Vec<Said<HostPort>> = Vec::new();
    for (machine, survey) in surveyed(machines, Role::ControlPlane) {
        let has_member = survey.has_member();
        let hosts: Option<Vec<_>> = survey.setting(API_SERVER, "etcd-servers").map(|setting| {
            let hosts = setting.value.split(',').filter_map(HostPort::parse);
            hosts.map(|host| Said::new(host, setting.source.clone())).collect()
        });
        let source = match &hosts {
            Some(hosts) => hosts.first().map(|host| host.source.clone()),
            None => has_member.then(|| survey.of("the files of etcd")),
        };
        let is_own = |host: &Said<HostPort>| host.value.is_loopback() || is_at(machine, &host.value.host);
        let is_external = hosts.as_ref().is_some_and(|hosts| !hosts.iter().any(is_own)) && !has_member;
        claims.extend(source.map(|source| Said::new(is_external, source)));
        servers.extend(hosts.into_iter().flatten());
    }
    for cluster in &sources.objects.clusters {
        claims.push(Said::new(cluster.external_etcd.is_some(), format!("etcd in {}", cluster.source)));
        let source = format!("etcd.external.endpoints in {}", cluster.source);
        let endpoints = cluster.external_etcd.iter().flat_map(|etcd| &etcd.endpoints);
        let endpoints = endpoints.filter_map(|endpoint| HostPort::parse(endpoint));
        servers.extend(endpoints.map(|host| Said::new(host, source.clone())));
    }
    let word = |is_external: &bool| if *is_external { "external" } else { "stacked" }.to_owned();
    let decided = decide("etcd", claims, word, findings);
    if decided.is_none() {
        unknown(
            findings,
            "`etcd` in [cluster]: no source says where etcd runs; without it a profile means \"stacked\", on the control planes".to_owned(),
        );
    }
    let is_external = decided.as_ref().is_some_and(|decided| decided.value);
    let role = if is_external { Role::Etcd } else { Role::ControlPlane };
    let mut lone: Vec<LoneMember> = Vec::new();
    for (name, host) in named_members(machines) {
        let is_known = machines.iter().any(|machine| machine.label == name || is_at(machine, &host.value.host));
        if !is_known && lone.iter().all(|known| known.host.value.host != host.value.host) {
            unknown(
                findings,
                format!(
                    "the member of etcd {name} at {} ({}): no survey and no list of nodes has it; a survey of it says the \
                     rest, and its [[node]] is a comment until then",
                    host.value, host.source,
                ),
            );
            lone.push(LoneMember { host, name: Some(name), role });
        }
    }
    for server in servers.into_iter().filter(|_| is_external) {
        let is_known = machines.iter().any(|machine| is_at(machine, &server.value.host));
        if !is_known && lone.iter().all(|known| known.host.value.host != server.value.host) {
            unknown(
                findings,
                format!(
                    "the member of etcd at {} ({}): its name; a survey of it says that, and its [[node]] is a comment until then",
                    server.value, server.source,
                ),
            );
            lone.push(LoneMember { host: server, name: None, role });
        }
    }
    if is_external && !lone.is_empty() {
        unknown(
            findings,
            "whose etcd it is: with members of yours, survey them, and bring the key of etcd's CA; with those of somebody else, \
             name the three files of the API server's --etcd-cafile, --etcd-certfile and --etcd-keyfile in [etcd], and the profile \
             has nothing else of it (`certferry help existing-clusters`)"
                .to_owned(),
        );
    }
    (decided, lone)
}

/// Returns whether a host is a machine of the cluster.
fn is_at(machine: &Machine<'_>, host: &AltName) -> bool {
    match host {
        AltName::Ip(address) => machine.has_address(*address) || machine.candidates.contains(address),
        AltName::Dns(name) => machine.label == *name,
    }
}

/// Returns the members that etcd itself is told of: the name and the host of each.
fn named_members(machines: &[Machine<'_>]) -> Vec<(String, Said<HostPort>)> {
    let mut members = Vec::new();
    for survey in machines.iter().filter_map(|machine| machine.survey.as_ref()) {
        let Some(setting) = survey.setting(ETCD, "initial-cluster") else { continue };
        let pairs = setting.value.split(',').filter_map(|member| member.split_once('='));
        let pairs = pairs.filter_map(|(name, url)| Some((name.trim().to_owned(), HostPort::parse(url.trim())?)));
        members.extend(pairs.map(|(name, host)| (name, Said::new(host, setting.source.clone()))));
    }
    members
}
