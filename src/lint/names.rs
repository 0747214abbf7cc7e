//! Rules about subject alternative names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Check, Facts, Rule, Severity};
use crate::kubernetes::Purpose;
use crate::x509::{AltName, oid};

pub(super) const RULES: [Rule; 6] = [
    Rule {
        id: "alt-name",
        clause: "RFC 6125, section 6.4.4; Go 1.15: the common name is no host name",
        severity: Severity::Error,
        check: Check::Certificate(alt_name),
    },
    Rule {
        id: "kubernetes-service-name",
        clause: "kubeadm v1.20.2, pki_helpers.go GetAPIServerAltNames",
        severity: Severity::Error,
        check: Check::Certificate(kubernetes_service_name),
    },
    Rule {
        id: "service-address",
        clause: "kubeadm v1.20.2, pki_helpers.go GetAPIServerAltNames: the first of the service subnet",
        severity: Severity::Error,
        check: Check::Certificate(service_address),
    },
    Rule {
        id: "endpoint",
        clause: "kubeadm v1.20.2, pki_helpers.go GetAPIServerAltNames: controlPlaneEndpoint",
        severity: Severity::Error,
        check: Check::Certificate(endpoint),
    },
    Rule {
        id: "node-name-and-address",
        clause: "kubeadm v1.20.2, pki_helpers.go: node name and advertise address; KEP-4872 for the kubelet",
        severity: Severity::Error,
        check: Check::Certificate(node_name_and_address),
    },
    Rule {
        id: "etcd-localhost",
        clause: "kubeadm v1.20.2, pki_helpers.go GetEtcdAltNames: localhost, 127.0.0.1, ::1",
        severity: Severity::Error,
        check: Check::Certificate(etcd_localhost),
    },
];

fn alt_name(facts: &Facts<'_>) -> Option<String> {
    ((serves(facts) || facts.purpose.is_server()) && names_nothing(facts))
        .then(|| "is for a server and names no host".to_owned())
}

fn kubernetes_service_name(facts: &Facts<'_>) -> Option<String> {
    if facts.purpose != Purpose::ApiServer || names_nothing(facts) {
        return None;
    }
    let service = "kubernetes.default.svc";
    let mut missing: Vec<_> = ["kubernetes", "kubernetes.default", service]
        .into_iter()
        .filter(|name| !facts.certificate.has_dns(name))
        .collect();
    // The DNS domain of the cluster is not known here, so any will do.
    let in_domain = |name: &AltName| match name {
        AltName::Dns(name) => {
            name.get(..service.len()).is_some_and(|start| start.eq_ignore_ascii_case(service))
                && name.get(service.len()..).is_some_and(|domain| domain.len() > 1 && domain.starts_with('.'))
        }
        AltName::Ip(_) => false,
    };
    if !facts.certificate.alt_names().iter().any(in_domain) {
        missing.push("kubernetes.default.svc.<domain>");
    }
    lacks(&missing, "by which pods call it")
}

/// Checks for the first address of the service subnet.
///
/// When the subnet is not known, an address that could be its first will do. Profiles accept subnets of at least 16
/// addresses, so the last four bits of the first are 0001. An address of the node or of the endpoint, or a loopback
/// address, cannot be in a service subnet.
fn service_address(facts: &Facts<'_>) -> Option<String> {
    if facts.purpose != Purpose::ApiServer || names_nothing(facts) {
        return None;
    }
    let reason = "by which pods call it";
    if let Some(address) = facts.cluster.service_address {
        return if facts.certificate.is_for(&AltName::Ip(address)) { None } else { lacks(&[address], reason) };
    }
    let taken = facts.node.map_or(&[][..], |node| node.addresses);
    let could_be = |name: &AltName| match name {
        AltName::Dns(_) => false,
        AltName::Ip(address) if taken.contains(address) || address.is_loopback() => false,
        AltName::Ip(_) if facts.cluster.endpoint == Some(name) => false,
        AltName::Ip(IpAddr::V4(address)) => address.to_bits() & 15 == 1,
        AltName::Ip(IpAddr::V6(address)) => address.to_bits() & 15 == 1,
    };
    let found = facts.certificate.alt_names().iter().any(could_be);
    if found { None } else { lacks(&["the first address of the service subnet"], reason) }
}

fn endpoint(facts: &Facts<'_>) -> Option<String> {
    let endpoint = facts.cluster.endpoint?;
    let missing = facts.purpose == Purpose::ApiServer && !names_nothing(facts) && !facts.certificate.is_for(endpoint);
    if missing { lacks(&[endpoint], "by which clients call it") } else { None }
}

fn node_name_and_address(facts: &Facts<'_>) -> Option<String> {
    let node = facts.node?;
    if !facts.purpose.is_server_of_node() || names_nothing(facts) {
        return None;
    }
    let name = AltName::Dns(node.name.to_owned());
    // kubeadm knows only the advertise address. The kubelet's certificate is for all addresses.
    let needed = if facts.purpose == Purpose::KubeletServing { node.addresses.len() } else { 1 };
    let addresses = node.addresses.iter().take(needed).copied().map(AltName::Ip);
    let missing: Vec<_> =
        std::iter::once(name).chain(addresses).filter(|name| !facts.certificate.is_for(name)).collect();
    lacks(&missing, "its own node")
}

fn etcd_localhost(facts: &Facts<'_>) -> Option<String> {
    if !matches!(facts.purpose, Purpose::EtcdServer | Purpose::EtcdPeer) || names_nothing(facts) {
        return None;
    }
    let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(AltName::Ip);
    let names = std::iter::once(AltName::Dns("localhost".to_owned())).chain(addresses);
    let missing: Vec<_> = names.filter(|name| !facts.certificate.is_for(name)).collect();
    lacks(&missing, "by which its own node calls it")
}

fn lacks(missing: &[impl ToString], reason: &str) -> Option<String> {
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    (!missing.is_empty()).then(|| format!("lacks {}, {reason}", missing.join(", ")))
}

/// Returns whether there are no alternative names. The rule `alt-name` reports that, and other rules then say nothing
/// more.
pub(super) fn names_nothing(facts: &Facts<'_>) -> bool {
    facts.certificate.alt_names().is_empty()
}

/// Returns whether the certificate is that of a server. The usages of a CA are not its own, but limits on what it
/// signs.
pub(super) fn serves(facts: &Facts<'_>) -> bool {
    !facts.certificate.is_ca() && facts.certificate.usages().contains(&oid::SERVER_AUTH)
}
