//! Rules about subject alternative names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Facts, Purpose, Rule, Severity};
use crate::x509::{AltName, oid};

pub(super) const RULES: [Rule; 6] = [
    Rule {
        id: "alt-name",
        clause: "RFC 6125, section 6.4.4; Go 1.15: the common name is no host name",
        severity: Severity::Error,
        check: alt_name,
    },
    Rule {
        id: "kubernetes-service-name",
        clause: "kubeadm v1.20.2, pki_helpers.go GetAPIServerAltNames",
        severity: Severity::Error,
        check: kubernetes_service_name,
    },
    Rule {
        id: "service-address",
        clause: "kubeadm v1.20.2, pki_helpers.go GetAPIServerAltNames: in-cluster clients call it",
        severity: Severity::Error,
        check: service_address,
    },
    Rule {
        id: "endpoint",
        clause: "kubeadm v1.20.2, pki_helpers.go GetAPIServerAltNames: controlPlaneEndpoint",
        severity: Severity::Error,
        check: endpoint,
    },
    Rule {
        id: "node-name-and-address",
        clause: "kubeadm v1.20.2, pki_helpers.go: node name and advertise address; KEP-4872 for the kubelet",
        severity: Severity::Error,
        check: node_name_and_address,
    },
    Rule {
        id: "etcd-localhost",
        clause: "kubeadm v1.20.2, pki_helpers.go GetEtcdAltNames: localhost, 127.0.0.1, ::1",
        severity: Severity::Error,
        check: etcd_localhost,
    },
];

fn alt_name(facts: &Facts<'_>) -> Option<String> {
    let serves = facts.certificate.usages().contains(&oid::SERVER_AUTH);
    (serves && facts.certificate.alt_names().is_empty()).then(|| "is for a server and names no host".to_owned())
}

fn kubernetes_service_name(facts: &Facts<'_>) -> Option<String> {
    let missing = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        .into_iter()
        .find(|name| facts.purpose == Purpose::ApiServer && !has_dns(facts, name));
    missing.map(|name| format!("lacks the name {name}"))
}

/// Without the subnet, an address that could be the first of one will do: profiles take subnets of at least 16
/// addresses, so the last four bits of the first are 0001.
fn service_address(facts: &Facts<'_>) -> Option<String> {
    if facts.purpose != Purpose::ApiServer {
        return None;
    }
    if let Some(address) = facts.cluster.service_address {
        return (!has_address(facts, address)).then(|| format!("lacks the service address {address}"));
    }
    let nodes = facts.node?.addresses;
    let could_be = |name: &AltName| match name {
        AltName::Dns(_) => false,
        AltName::Ip(address) if nodes.contains(address) || facts.cluster.endpoint == Some(name) => false,
        AltName::Ip(IpAddr::V4(address)) => address.to_bits() & 15 == 1,
        AltName::Ip(IpAddr::V6(address)) => address.to_bits() & 15 == 1,
    };
    let found = facts.certificate.alt_names().iter().any(could_be);
    (!found).then(|| "lacks the first address of the service subnet".to_owned())
}

fn endpoint(facts: &Facts<'_>) -> Option<String> {
    let endpoint = facts.cluster.endpoint?;
    let missing = facts.purpose == Purpose::ApiServer && !covers(facts, endpoint);
    missing.then(|| format!("lacks the control plane endpoint {endpoint}"))
}

fn node_name_and_address(facts: &Facts<'_>) -> Option<String> {
    let node = facts.node?;
    if !matches!(facts.purpose, Purpose::ApiServer | Purpose::EtcdServer | Purpose::EtcdPeer | Purpose::KubeletServing)
    {
        return None;
    }
    if !has_dns(facts, node.name) {
        return Some(format!("lacks the node's name {}", node.name));
    }
    // kubeadm knows the advertise address alone; the kubelet's certificate is for all.
    let needed = if facts.purpose == Purpose::KubeletServing { node.addresses.len() } else { 1 };
    let missing = node.addresses.iter().take(needed).find(|address| !has_address(facts, **address));
    missing.map(|address| format!("lacks the node's address {address}"))
}

fn etcd_localhost(facts: &Facts<'_>) -> Option<String> {
    if !matches!(facts.purpose, Purpose::EtcdServer | Purpose::EtcdPeer) {
        return None;
    }
    if !has_dns(facts, "localhost") {
        return Some("lacks the name localhost".to_owned());
    }
    [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
        .into_iter()
        .find(|address| !has_address(facts, *address))
        .map(|address| format!("lacks the address {address}"))
}

fn has_dns(facts: &Facts<'_>, wanted: &str) -> bool {
    facts.certificate.alt_names().iter().any(|name| matches!(name, AltName::Dns(name) if name == wanted))
}

fn has_address(facts: &Facts<'_>, wanted: IpAddr) -> bool {
    facts.certificate.alt_names().contains(&AltName::Ip(wanted))
}

/// A wildcard stands for exactly one label (RFC 6125, section 6.4.3).
fn covers(facts: &Facts<'_>, wanted: &AltName) -> bool {
    let AltName::Dns(host) = wanted else { return facts.certificate.alt_names().contains(wanted) };
    let parent = host.split_once('.').map(|(_, parent)| parent);
    has_dns(facts, host) || parent.is_some_and(|parent| has_dns(facts, &format!("*.{parent}")))
}
