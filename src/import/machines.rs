//! The machines of the cluster: what every source says of each, put together.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::finding::{Finding, Subject};
use super::hosts::{HostPort, alt_name, is_reachable};
use super::objects::{ListedNode, LocalServer, Objects};
use super::said::{Said, decide};
use super::sources::Sources;
use super::surveyed::{API_SERVER, ETCD, KUBELET, Surveyed};
use super::text::{is_plain, told};
use crate::kubernetes::{Role, is_subdomain};
use crate::x509::{AltName, ReadCertificate};

/// A machine of the cluster.
pub(super) struct Machine<'a> {
    /// The name in comments and lists.
    pub(super) label: String,
    /// The name under which the kubelet registers. `None` when no source says it.
    pub(super) name: Option<Said<String>>,
    /// The role. `None` when no source says it.
    pub(super) role: Option<Said<Role>>,
    /// The addresses, the advertise address first.
    pub(super) addresses: Vec<Said<IpAddr>>,
    /// The addresses of which nobody says that the node is known by them.
    pub(super) candidates: Vec<IpAddr>,
    /// Further DNS names.
    pub(super) dns_names: Vec<Said<String>>,
    pub(super) survey: Option<Surveyed<'a>>,
    pub(super) listed: Option<&'a ListedNode>,
}

impl Machine<'_> {
    pub(super) fn has_role(&self, role: Role) -> bool {
        self.role.as_ref().is_some_and(|found| found.value == role)
    }

    /// Returns whether the machine has all that a `[[node]]` needs.
    pub(super) fn is_whole(&self) -> bool {
        self.name.is_some() && self.role.is_some() && !self.addresses.is_empty()
    }

    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|known| known.value == address)
    }
}

/// Returns the machines whose survey is there, and which have a role.
pub(super) fn surveyed<'m, 'a>(
    machines: &'m [Machine<'a>],
    role: Role,
) -> impl Iterator<Item = (&'m Machine<'a>, &'m Surveyed<'a>)> {
    machines
        .iter()
        .filter(move |machine| machine.has_role(role))
        .filter_map(|machine| Some((machine, machine.survey.as_ref()?)))
}

/// Puts together what the sources say of each machine: control planes first, then members of etcd, then workers.
pub(super) fn of<'a>(sources: &'a Sources, findings: &mut Vec<Finding>) -> Vec<Machine<'a>> {
    let mut machines: Vec<Machine<'a>> = Vec::new();
    // The place of each, by its label.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (file, survey) in &sources.surveys {
        let surveyed = Surveyed { survey, label: file.clone() };
        let name = survey_name(&surveyed);
        let twin = name.as_ref().and_then(|name| machines.get(*places.get(&name.value)?));
        if let (Some(twin), Some(name)) = (twin, &name) {
            if twin.survey.as_ref().is_some_and(|known| known.survey != survey) {
                let text = format!("two surveys of {}: the first one was taken, and {file} was not read", name.value);
                findings.push(Finding::new(Subject::Contradiction, text));
            }
            continue;
        }
        let label = name.as_ref().map_or_else(|| file.clone(), |name| name.value.clone());
        let survey = Surveyed { survey, label: label.clone() };
        places.entry(label.clone()).or_insert(machines.len());
        machines.push(Machine { name, survey: Some(survey), ..Machine::named(label) });
    }
    for listed in &sources.objects.nodes {
        let known = places.get(&listed.name).and_then(|place| machines.get_mut(*place));
        if let Some(machine) = known {
            machine.listed.get_or_insert(listed);
            continue;
        }
        places.insert(listed.name.clone(), machines.len());
        machines.push(Machine {
            name: Some(Said::new(listed.name.clone(), format!("metadata.name in {}", listed.source))),
            listed: Some(listed),
            ..Machine::named(listed.name.clone())
        });
    }
    for server in &sources.objects.servers {
        let Some(name) = &server.node else { continue };
        if !places.contains_key(name) {
            places.insert(name.clone(), machines.len());
            let said = Said::new(name.clone(), format!("kubeadm's configuration in {}", server.source));
            machines.push(Machine { name: Some(said), ..Machine::named(name.clone()) });
        }
    }
    let only_control_plane = machines.len() == 1;
    for machine in &mut machines {
        check_name(machine, findings);
        machine.role = role(machine, &sources.objects, findings);
        addresses(machine, &sources.objects, only_control_plane, findings);
    }
    // `kubeadm init` ran where super-admin.conf is, and the profile's first control plane gets it again.
    let has_super_admin = |machine: &Machine<'_>| {
        machine.survey.as_ref().is_some_and(|survey| survey.kubeconfig("super-admin.conf").is_some())
    };
    machines.sort_by_key(|machine| match machine.role.as_ref().map(|role| role.value) {
        Some(Role::ControlPlane) if has_super_admin(machine) => 0,
        Some(Role::ControlPlane) => 1,
        Some(Role::Etcd) => 2,
        Some(Role::Worker) => 3,
        None => 4,
    });
    for machine in &machines {
        check_whole(machine, findings);
    }
    machines
}

impl Machine<'_> {
    fn named(label: String) -> Self {
        Self {
            label,
            name: None,
            role: None,
            addresses: Vec::new(),
            candidates: Vec::new(),
            dns_names: Vec::new(),
            survey: None,
            listed: None,
        }
    }
}

/// Returns the name under which a surveyed node registers: that in the kubelet's certificate, or the kubelet's own; of a
/// member of etcd without a kubelet that in its certificate, too.
fn survey_name(survey: &Surveyed<'_>) -> Option<Said<String>> {
    let node = &survey.survey.node;
    let said = |name: &Option<String>, what: &str| {
        let name = name.clone()?;
        let source = format!("{what} of {name}");
        Some(Said::new(name, source))
    };
    let certified = said(&node.node_name, "the kubelet's client certificate");
    let of_etcd = || {
        let certificate = survey.certificate(&survey.place(ETCD, "cert-file", "etcd/server.crt"))?;
        let name = certificate.common_name()?;
        let source = format!("etcd's server certificate of {name}");
        is_subdomain(&name).then(|| Said::new(name, source))
    };
    certified.or_else(|| said(&node.host_name, "the host's name")).or_else(of_etcd)
}

fn check_name(machine: &mut Machine<'_>, findings: &mut Vec<Finding>) {
    let Some(name) = &machine.name else { return };
    if !is_subdomain(&name.value) {
        let text =
            format!("the name of a node, {} ({}), is none that a kubelet registers", told(&name.value), name.source);
        findings.push(Finding::new(Subject::Unknown, text));
        if !is_plain(&name.value) {
            machine.label = format!("a node of {}", name.source);
        }
        machine.name = None;
    }
}

fn role(machine: &Machine<'_>, objects: &Objects, findings: &mut Vec<Finding>) -> Option<Said<Role>> {
    let mut claims = Vec::new();
    if let Some(survey) = &machine.survey
        && let Some(role) = survey.survey.node.role()
    {
        claims.push(Said::new(role, survey.of("role in the survey")));
    }
    // Of a member of etcd without a kubelet the list of nodes says nothing.
    if let Some(listed) = machine.listed {
        let role = if listed.is_control_plane { Role::ControlPlane } else { Role::Worker };
        claims.push(Said::new(role, format!("the labels of {} in {}", listed.name, listed.source)));
    }
    for server in objects.servers.iter().filter(|server| server.node.as_ref() == Some(&machine.label)) {
        let role = if server.is_control_plane { Role::ControlPlane } else { Role::Worker };
        claims.push(Said::new(role, format!("kubeadm's configuration in {}", server.source)));
    }
    decide(&format!("role of {}", machine.label), claims, |role| role.name().to_owned(), findings)
}

/// Finds the addresses: first that at which others reach the API server or etcd, then those that the kubelet has.
fn addresses(machine: &mut Machine<'_>, objects: &Objects, is_only: bool, findings: &mut Vec<Finding>) {
    let mut first: Vec<Said<IpAddr>> = Vec::new();
    let mut further: Vec<Said<IpAddr>> = Vec::new();
    let mut add = |list: &mut Vec<Said<IpAddr>>, text: &str, source: String| match text.trim().parse::<IpAddr>() {
        Ok(address) if is_reachable(address) => list.push(Said::new(address, source)),
        // The flags of kubeadm's own have these for "any".
        Ok(address) if address.is_unspecified() || address.is_loopback() => {}
        _ => findings.push(Finding::new(
            Subject::Unknown,
            format!("an address of {}, {} ({source}), is none at which others reach a node", machine.label, told(text)),
        )),
    };
    let is_control_plane = machine.has_role(Role::ControlPlane);
    let is_etcd = machine.has_role(Role::Etcd);
    if let Some(survey) = &machine.survey {
        if let Some(setting) = survey.setting(API_SERVER, "advertise-address").filter(|_| is_control_plane) {
            add(&mut first, setting.value, setting.source);
        }
        for flag in ["advertise-client-urls", "initial-advertise-peer-urls"] {
            let Some(setting) = survey.setting(ETCD, flag).filter(|_| is_etcd) else { continue };
            for host in setting.value.split(',').filter_map(HostPort::parse) {
                if let AltName::Ip(address) = host.host {
                    add(&mut first, &address.to_string(), setting.source.clone());
                }
            }
        }
    }
    let is_its = |server: &&LocalServer| match &server.node {
        Some(node) => *node == machine.label,
        None => is_only && is_control_plane,
    };
    for server in objects.servers.iter().filter(is_its) {
        if let Some(address) = server.advertise_address.as_deref().filter(|_| is_control_plane) {
            add(&mut first, address, format!("localAPIEndpoint in {}", server.source));
        }
    }
    if let Some(survey) = &machine.survey
        && let Some(setting) = survey.setting(KUBELET, "node-ip")
    {
        for address in setting.value.split(',') {
            add(&mut further, address, setting.source.clone());
        }
    }
    for server in objects.servers.iter().filter(is_its) {
        for address in server.node_ip.iter().flat_map(|addresses| addresses.split(',')) {
            add(&mut further, address, format!("node-ip in {}", server.source));
        }
    }
    if let Some(listed) = machine.listed {
        for address in &listed.addresses {
            add(&mut further, address, format!("InternalIP of {} in {}", listed.name, listed.source));
        }
    }
    let what = format!("advertise address of {}", machine.label);
    // etcd may have several of its own.
    let chosen =
        if is_control_plane { decide(&what, first, IpAddr::to_string, findings).into_iter().collect() } else { first };
    let mut found: Vec<Said<IpAddr>> = Vec::new();
    for address in chosen.into_iter().chain(further) {
        if found.iter().all(|known| known.value != address.value) {
            found.push(address);
        }
    }
    if let Some(survey) = &machine.survey {
        for name in serving_names(survey) {
            match name.value {
                AltName::Ip(address) if is_reachable(address) && found.iter().all(|known| known.value != address) => {
                    found.push(Said::new(address, name.source));
                }
                AltName::Dns(dns) if dns != machine.label => machine.dns_names.push(Said::new(dns, name.source)),
                _ => {}
            }
        }
    }
    if let Some(survey) = &machine.survey
        && found.is_empty()
    {
        let of_host = survey.survey.node.addresses.iter().filter_map(|address| address.parse().ok());
        let of_host: Vec<IpAddr> = of_host.filter(|address| is_reachable(*address)).collect();
        let ipv4 = of_host.iter().filter(|address| address.is_ipv4()).count();
        if ipv4 <= 1 && of_host.len() - ipv4 <= 1 {
            let source = survey.of("the only address of the host's interfaces, in the survey");
            found.extend(of_host.into_iter().map(|address| Said::new(address, source.clone())));
        } else {
            machine.candidates = of_host;
        }
    }
    machine.addresses = found;
}

/// Returns the names in the certificate of the kubelet's server, unless the kubelet made it itself.
fn serving_names(survey: &Surveyed<'_>) -> Vec<Said<AltName>> {
    let place = survey.named(KUBELET, "tls-cert-file").unwrap_or_else(|| "var/lib/kubelet/pki/kubelet.crt".to_owned());
    let is_of_node =
        |certificate: &ReadCertificate| certificate.common_name().is_some_and(|name| name.starts_with("system:node:"));
    let Some(certificate) = survey.certificate(&place).filter(is_of_node) else { return Vec::new() };
    let source = survey.of(&place);
    let names = certificate.alt_names().iter().filter_map(|name| alt_name(&name.to_string()));
    names.map(|name| Said::new(name, source.clone())).collect()
}

/// Lists what a `[[node]]` lacks.
fn check_whole(machine: &Machine<'_>, findings: &mut Vec<Finding>) {
    let mut unknown = |text: String| findings.push(Finding::new(Subject::Unknown, text));
    let label = &machine.label;
    if machine.name.is_none() {
        unknown(format!("{label}: the name under which its kubelet registers; its [[node]] is a comment until then"));
    }
    if machine.role.is_none() {
        unknown(format!("{label}: its role; its [[node]] is a comment until then"));
    }
    if machine.addresses.is_empty() {
        let candidates: Vec<_> = machine.candidates.iter().map(IpAddr::to_string).collect();
        let among = if candidates.is_empty() { String::new() } else { format!(": one of {}", candidates.join(", ")) };
        unknown(format!("{label}: the address at which others reach it{among}; its [[node]] is a comment until then"));
    }
    // Settings name keys that are elsewhere, and files that only a joining node has; a certificate is needed.
    let is_certificate = |path: &str| path.ends_with(".crt") || path.ends_with(".pem");
    let unread = machine.survey.iter().flat_map(|survey| &survey.survey.unread);
    for unread in unread.filter(|unread| !unread.is_missing() || is_certificate(&unread.path)) {
        unknown(format!("{} of {label}: {}", unread.path, unread.reason));
    }
}
