//! Where etcd runs.

use super::finding::{Finding, Subject};
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

/// Returns whether etcd runs on machines of its own, and the members of which only the host is known.
pub(super) fn find(
    sources: &Sources,
    machines: &[Machine<'_>],
    findings: &mut Vec<Finding>,
) -> (Option<Said<bool>>, Vec<Said<HostPort>>) {
    let mut claims = Vec::new();
    let mut servers: Vec<Said<HostPort>> = Vec::new();
    for (machine, survey) in surveyed(machines, Role::ControlPlane) {
        let has_member = survey.survey.program(ETCD).is_some()
            || survey.survey.file(&format!("{}/etcd/server.crt", survey.pki())).is_some();
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
        let endpoints = cluster.external_etcd.iter().flatten().filter_map(|endpoint| HostPort::parse(endpoint));
        servers.extend(endpoints.map(|host| Said::new(host, source.clone())));
    }
    let word = |is_external: &bool| if *is_external { "external" } else { "stacked" }.to_owned();
    let decided = decide("etcd", claims, word, findings);
    if decided.is_none() {
        unknown(
            findings,
            "`etcd` in [cluster]: no source says where etcd runs; kubeadm's own is \"stacked\"".to_owned(),
        );
    }
    let mut lone: Vec<Said<HostPort>> = Vec::new();
    if decided.as_ref().is_some_and(|decided| decided.value) {
        for server in servers {
            let is_known = machines.iter().any(|machine| is_at(machine, &server.value.host));
            if !is_known && lone.iter().all(|known| known.value.host != server.value.host) {
                unknown(
                    findings,
                    format!(
                        "the member of etcd at {} ({}): its name; a survey of it says that, and its [[node]] is a comment until then",
                        server.value, server.source,
                    ),
                );
                lone.push(server);
            }
        }
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
