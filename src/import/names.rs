//! The names in serving certificates that certferry would not put there by itself.

use std::net::IpAddr;

use super::cluster::Cluster;
use super::finding::{Finding, Subject};
use super::hosts::{alt_name, is_reachable};
use super::machines::Machine;
use super::objects::Objects;
use super::said::Said;
use super::surveyed::{API_SERVER, ETCD, Surveyed};
use super::text::told;
use crate::kubernetes::Role;
use crate::x509::AltName;

/// The lists of further names in `[cluster]`.
#[derive(Default)]
pub(super) struct FurtherNames {
    pub(super) apiserver_cert_sans: Vec<Said<AltName>>,
    /// Names that kubeadm's configuration asks for, and no certificate has.
    pub(super) only_wanted: Vec<Said<AltName>>,
    pub(super) etcd_cert_sans: Vec<Said<AltName>>,
}

/// A serving certificate of a machine.
struct Server {
    machine: usize,
    label: String,
    names: Vec<AltName>,
    /// The certificates: what each is, and its names. Of a member of etcd there may be two.
    certificates: Vec<(&'static str, Vec<AltName>)>,
    /// The names that certferry puts there by itself.
    automatic: Vec<AltName>,
}

/// Sorts every name of a serving certificate: to `[cluster]` when all such certificates have it, else to its node.
pub(super) fn of(
    machines: &mut [Machine<'_>],
    cluster: &Cluster,
    objects: &Objects,
    findings: &mut Vec<Finding>,
) -> FurtherNames {
    let mut further = FurtherNames::default();
    let api_servers = servers(machines, cluster, Kind::ApiServer, findings);
    further.apiserver_cert_sans = sort(machines, &api_servers, Kind::ApiServer, findings);
    // The names of somebody else's members are not in the profile.
    let is_etcd_own = cluster.foreign_etcd.is_none();
    let members = if is_etcd_own { servers(machines, cluster, Kind::Etcd, findings) } else { Vec::new() };
    further.etcd_cert_sans = sort(machines, &members, Kind::Etcd, findings);
    for configuration in &objects.clusters {
        let source = format!("apiServer.certSANs in {}", configuration.source);
        wanted(
            &configuration.cert_sans,
            &source,
            &api_servers,
            &mut further.apiserver_cert_sans,
            &mut further.only_wanted,
            findings,
        );
        if !is_etcd_own {
            continue;
        }
        let source = format!("the certSANs of etcd.local in {}", configuration.source);
        let mut only_wanted = Vec::new();
        wanted(
            &configuration.etcd_cert_sans,
            &source,
            &members,
            &mut further.etcd_cert_sans,
            &mut only_wanted,
            findings,
        );
    }
    further
}

/// The certificates in words.
const API_SERVERS: &str = "the API server's certificate";
const ETCD_SERVERS: &str = "etcd's server certificate";
const ETCD_PEERS: &str = "etcd's peer certificate";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ApiServer,
    Etcd,
}

impl Kind {
    const fn what(self) -> &'static str {
        match self {
            Self::ApiServer => API_SERVERS,
            Self::Etcd => "etcd's certificates",
        }
    }

    const fn all(self) -> &'static str {
        match self {
            Self::ApiServer => "every API server's certificate that was surveyed",
            Self::Etcd => "the certificates of every member of etcd that was surveyed",
        }
    }
}

fn servers(machines: &[Machine<'_>], cluster: &Cluster, kind: Kind, findings: &mut Vec<Finding>) -> Vec<Server> {
    let mut servers = Vec::new();
    for (index, machine) in machines.iter().enumerate() {
        let Some(survey) = &machine.survey else { continue };
        let is_one = match kind {
            Kind::ApiServer => machine.has_role(Role::ControlPlane),
            Kind::Etcd => machine.has_role(Role::ControlPlane) || machine.has_role(Role::Etcd),
        };
        let places = match kind {
            Kind::ApiServer => {
                vec![(API_SERVERS, survey.place(API_SERVER, "tls-cert-file", "apiserver.crt"))]
            }
            Kind::Etcd => vec![
                (ETCD_SERVERS, survey.place(ETCD, "cert-file", "etcd/server.crt")),
                (ETCD_PEERS, survey.place(ETCD, "peer-cert-file", "etcd/peer.crt")),
            ],
        };
        if !is_one {
            continue;
        }
        let (mut names, mut certificates): (Vec<AltName>, Vec<_>) = (Vec::new(), Vec::new());
        for (what, place) in &places {
            let Some(certificate) = survey.certificate(place) else {
                if kind == Kind::ApiServer || machine.has_role(Role::Etcd) || survey.has_member() {
                    findings.push(Finding::new(Subject::Unknown, unreadable(kind, what, place, survey)));
                }
                continue;
            };
            let mut its = Vec::new();
            for name in certificate.alt_names() {
                match alt_name(&name.to_string()) {
                    Some(name) => its.push(name),
                    None => findings.push(Finding::new(
                        Subject::Otherwise,
                        format!(
                            "{} of {} is for \"{name}\", which no profile can name: it is left out",
                            kind.what(),
                            machine.label
                        ),
                    )),
                }
            }
            for name in &its {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            certificates.push((*what, its));
        }
        if certificates.is_empty() {
            continue;
        }
        find_differences(&certificates, &machine.label, findings);
        servers.push(Server {
            machine: index,
            label: machine.label.clone(),
            names,
            certificates,
            automatic: automatic(machine, cluster, kind),
        });
    }
    servers
}

/// Returns what cannot be known of a machine without a certificate.
fn unreadable(kind: Kind, what: &str, place: &str, survey: &Surveyed<'_>) -> String {
    let why = survey.why_unread(place).unwrap_or("the survey does not have it");
    let missing = match kind {
        Kind::ApiServer => {
            "the names and addresses under which clients reach this API server; those beyond the automatic ones belong \
             in `apiserver_cert_sans`, or in `dns_names` and `addresses` of its [[node]]"
        }
        Kind::Etcd => {
            "the names and addresses for which it is; those beyond the automatic ones belong in `etcd_cert_sans`, or in \
             `dns_names` and `addresses` of its [[node]]"
        }
    };
    format!("{what} of {}, {place} ({why}): {missing}", survey.label)
}

/// Lists names that one of two certificates of a member of etcd has alone.
fn find_differences(certificates: &[(&'static str, Vec<AltName>)], label: &str, findings: &mut Vec<Finding>) {
    let [(one, names), (other, others)] = certificates else { return };
    for (what, names, others, lacks) in [(one, names, others, other), (other, others, names, one)] {
        let alone: Vec<_> = names.iter().filter(|name| !others.contains(name)).map(AltName::labelled).collect();
        if !alone.is_empty() {
            let text = format!(
                "{what} of {label} alone is for {}: a bundle gives server and peer the same names, so that {lacks} gets them, too",
                alone.join(", ")
            );
            findings.push(Finding::new(Subject::Otherwise, text));
        }
    }
}

/// Returns in words the certificates of these servers that have a name.
fn of_which(name: &AltName, servers: &[&Server], kind: Kind) -> &'static str {
    let has = |wanted: &str| {
        let mut certificates = servers.iter().flat_map(|server| &server.certificates);
        certificates.any(|(what, names)| *what == wanted && names.contains(name))
    };
    match (has(ETCD_SERVERS), has(ETCD_PEERS)) {
        (true, false) => ETCD_SERVERS,
        (false, true) => ETCD_PEERS,
        _ => kind.what(),
    }
}

/// Returns the names that certferry puts into a certificate by itself.
fn automatic(machine: &Machine<'_>, cluster: &Cluster, kind: Kind) -> Vec<AltName> {
    let dns = |name: &str| AltName::Dns(name.to_owned());
    let mut names: Vec<_> = machine.name.iter().map(|name| AltName::Dns(name.value.clone())).collect();
    names.extend(machine.dns_names.iter().map(|name| AltName::Dns(name.value.clone())));
    names.extend(machine.addresses.iter().map(|address| AltName::Ip(address.value)));
    match kind {
        Kind::ApiServer => {
            names.extend(["kubernetes", "kubernetes.default", "kubernetes.default.svc"].map(dns));
            let domain = cluster.dns_domain.as_ref().map_or("cluster.local", |domain| domain.value.as_str());
            names.push(AltName::Dns(format!("kubernetes.default.svc.{domain}")));
            names.extend(cluster.endpoint.as_ref().map(|endpoint| endpoint.value.host.clone()));
            let subnet = cluster.service_subnets.as_ref().and_then(|subnets| subnets.value.first());
            // The first address is the service's.
            let service = subnet.and_then(|subnet| match subnet.network() {
                IpAddr::V4(network) => network.to_bits().checked_add(1).map(|bits| IpAddr::V4(bits.into())),
                IpAddr::V6(network) => network.to_bits().checked_add(1).map(|bits| IpAddr::V6(bits.into())),
            });
            names.extend(service.map(AltName::Ip));
        }
        Kind::Etcd => {
            names.push(dns("localhost"));
            names.extend(["127.0.0.1", "::1"].iter().filter_map(|address| address.parse().ok()).map(AltName::Ip));
        }
    }
    names
}

/// Returns the names for all, and gives those of single nodes to their machines.
fn sort(
    machines: &mut [Machine<'_>],
    servers: &[Server],
    kind: Kind,
    findings: &mut Vec<Finding>,
) -> Vec<Said<AltName>> {
    let mut for_all: Vec<Said<AltName>> = Vec::new();
    let mut seen: Vec<&AltName> = Vec::new();
    for name in servers.iter().flat_map(|server| server.names.iter().filter(|name| !server.automatic.contains(name))) {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let (with, without): (Vec<_>, Vec<_>) = servers.iter().partition(|server| server.names.contains(name));
        if without.is_empty() {
            let source = match servers {
                [only] => format!("{} of {}", of_which(name, &with, kind), only.label),
                _ if of_which(name, &with, kind) == kind.what() => kind.all().to_owned(),
                _ => format!("{} of every member that was surveyed", of_which(name, &with, kind)),
            };
            for_all.push(Said::new(name.clone(), source));
            continue;
        }
        let labels: Vec<_> = with.iter().map(|server| server.label.as_str()).collect();
        let source = format!("{} of {}", of_which(name, &with, kind), labels.join(", "));
        let needy: Vec<_> =
            with.iter().filter(|server| !server.automatic.contains(name)).map(|server| server.machine).collect();
        if give(machines, &needy, name, &source) {
            continue;
        }
        let text = format!("{name} is in {source}, and cannot be that of a node: the profile gives it to all of them");
        findings.push(Finding::new(Subject::Otherwise, text));
        for_all.push(Said::new(name.clone(), source));
    }
    for server in servers {
        let missing = server.automatic.iter().filter(|name| !server.names.contains(name));
        let missing: Vec<_> = missing.map(AltName::labelled).collect();
        if !missing.is_empty() {
            let text =
                format!("{} of {} gets names that it does not have: {}", kind.what(), server.label, missing.join(", "));
            findings.push(Finding::new(Subject::Otherwise, text));
        }
    }
    for_all
}

/// Gives a name to the machines that have it. Returns `false` when it cannot be that of a single node.
fn give(machines: &mut [Machine<'_>], needy: &[usize], name: &AltName, source: &str) -> bool {
    match name {
        AltName::Dns(name) if name.starts_with("*.") => return false,
        AltName::Dns(_) => {}
        AltName::Ip(address) => {
            let is_anothers = machines.iter().any(|machine| machine.has_address(*address));
            // Two nodes cannot have one address.
            if !is_reachable(*address) || is_anothers || needy.len() > 1 {
                return false;
            }
        }
    }
    for index in needy {
        let Some(machine) = machines.get_mut(*index) else { continue };
        match name {
            AltName::Dns(name) if machine.dns_names.iter().all(|known| known.value != *name) => {
                machine.dns_names.push(Said::new(name.clone(), source));
            }
            AltName::Dns(_) => {}
            AltName::Ip(address) => machine.addresses.push(Said::new(*address, source)),
        }
    }
    true
}

/// Looks at the names that kubeadm's configuration asks for. Where no certificate was surveyed they count, and else they
/// are what kubeadm would add when it makes the certificates anew.
fn wanted(
    names: &[String],
    source: &str,
    servers: &[Server],
    for_all: &mut Vec<Said<AltName>>,
    only_wanted: &mut Vec<Said<AltName>>,
    findings: &mut Vec<Finding>,
) {
    for text in names {
        let Some(name) = alt_name(text) else {
            findings.push(Finding::new(
                Subject::Otherwise,
                format!("{source} asks for {}, which no profile can name", told(text)),
            ));
            continue;
        };
        let is_known = for_all.iter().chain(only_wanted.iter()).any(|known| known.value == name);
        if is_known || servers.iter().any(|server| server.names.contains(&name)) {
            continue;
        }
        if servers.is_empty() {
            for_all.push(Said::new(name, source));
        } else {
            let text =
                format!("{source} asks for {name}, and no certificate that was surveyed is for it: it is left out");
            findings.push(Finding::new(Subject::Contradiction, text));
            only_wanted.push(Said::new(name, source));
        }
    }
}
