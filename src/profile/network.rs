//! Reads addresses, subnets, alternative names and the endpoint.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::model::Endpoint;
use super::names::{abridged, check_subdomain, subdomain_fault};
use super::problem::Problem;
use super::value::WrittenValue;
use crate::x509::AltName;

/// Ports that a cluster listens on. In an address they are more likely forgotten brackets than a group of its own.
const CLUSTER_PORTS: [u16; 4] = [2379, 2380, 6443, 8443];
/// The first port that is taken for one at the end of an endpoint. Short numbers are as often a host's own.
const FIRST_LIKELY_PORT: u16 = 100;

/// Reads an address at which other nodes can reach a node.
pub(super) fn node_address(value: WrittenValue<'_>) -> Option<IpAddr> {
    let address = check_address(value, value.string()?)?;
    warn_of_cluster_port(value, value.string()?);
    match unreachable_from_elsewhere(address) {
        None => Some(address),
        Some(kind) => value.refuse(
            format!("{address} cannot be a node's address"),
            kind,
            "write an address at which the other nodes reach this one",
        ),
    }
}

/// Returns why other nodes cannot reach an address (kubeadm asks for a global unicast address), or `None` when they
/// can.
pub(super) fn unreachable_from_elsewhere(address: IpAddr) -> Option<&'static str> {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if address.is_loopback() {
        Some("a loopback address")
    } else if link_local {
        Some("a link-local address")
    } else {
        no_host(address)
    }
}

/// Returns why an address cannot be that of a host, or `None` when it can.
fn no_host(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        Some("the unspecified address")
    } else if address.is_multicast() {
        Some("a multicast address")
    } else if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Some("the broadcast address")
    } else if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        Some("an IPv4 address written as IPv6")
    } else {
        None
    }
}

/// Reads a name for a subjectAltName: an address, a DNS name, or `*.` and a DNS name.
pub(super) fn alt_name(value: WrittenValue<'_>) -> Option<AltName> {
    let text = value.string()?;
    match text.strip_prefix("*.") {
        Some(parent) => check_subdomain(value, parent).map(|parent| AltName::Dns(format!("*.{parent}"))),
        None => {
            warn_of_cluster_port(value, text);
            host(value, text)
        }
    }
}

/// Splits `fd00::10:6443`, an IPv6 address and a port without the brackets that would tell them apart.
fn unbracketed(text: &str) -> Option<(&str, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    address.parse::<Ipv6Addr>().ok()?;
    Some((address, canonical::<u16>(port).filter(|port| *port > 0)?))
}

/// Warns of an address whose last group is a port of the cluster. Where no port is allowed, nothing else tells them
/// apart.
fn warn_of_cluster_port(value: WrittenValue<'_>, text: &str) {
    let found = unbracketed(text).filter(|(_, port)| CLUSTER_PORTS.contains(port));
    if let (Some((address, _)), true) = (found, text.parse::<Ipv6Addr>().is_ok()) {
        value.problems.add(
            Problem::warning(format!("all of \"{text}\" is an address"))
                .at(&value.span(), "its last group reads like a port")
                .hint(format!("if it is a port, write \"{address}\": an address stands here without one")),
        );
    }
}

/// Reads `host`, `host:port`, `[v6]:port`, `[v6]` or a bare IPv6 address.
pub(super) fn endpoint(value: WrittenValue<'_>) -> Option<Endpoint> {
    let text = value.string()?;
    let malformed = |reason: &str| {
        value.refuse(
            format!("\"{}\" is not a host and port", abridged(text)),
            reason,
            "write \"k8s.corp.internal:6443\", \"192.168.1.100\" or \"[fd00::100]:6443\"",
        )
    };
    if text.contains('/') {
        return malformed("a URL or a path");
    }
    if let Some((address, port)) = unbracketed(text) {
        let mended = format!("write \"[{address}]:{port}\"");
        if text.parse::<Ipv6Addr>().is_err() {
            let title = format!("\"{}\" is not a host and port", abridged(text));
            return value.refuse(title, "an IPv6 address with a port stands in brackets", mended);
        }
        if port >= FIRST_LIKELY_PORT {
            value.problems.add(
                Problem::warning(format!("\"{text}\" is an address without a port"))
                    .at(&value.span(), "its last group reads like a port")
                    .hint(format!("{mended}; if all of it is the address, \"[{text}]\" says so")),
            );
        }
    }
    let (host_text, port) = if let Some(rest) = text.strip_prefix('[') {
        match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, rest)) if rest.starts_with(':') => (host, rest.strip_prefix(':')),
            _ => return malformed("`[` without `]`, or something else than `:port` behind it"),
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        }
    };
    if text.starts_with('[') && host_text.parse::<Ipv6Addr>().is_err() {
        return malformed("brackets are for IPv6 addresses");
    }
    let port = match port.map(|port| (port, canonical::<u16>(port))) {
        None => None,
        Some((_, Some(port))) if port > 0 => Some(port),
        Some(_) => return malformed("the port is not a number from 1 to 65535"),
    };
    Some(Endpoint { host: host(value, host_text)?, port })
}

/// Reads a DNS name or an address. A text that looks like an address is never accepted as a name.
fn host(value: WrittenValue<'_>, text: &str) -> Option<AltName> {
    let has_no_letter = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'/'));
    if has_no_letter || text.contains(':') {
        check_address(value, text).map(AltName::Ip)
    } else {
        check_subdomain(value, text).map(AltName::Dns)
    }
}

fn check_address(value: WrittenValue<'_>, text: &str) -> Option<IpAddr> {
    let title = || format!("\"{}\" is not an address of a host", abridged(text));
    if let Some(host) = host_of_url(text) {
        return value.refuse(title(), "a URL", format!("write \"{host}\""));
    }
    if let Some(alone) = without_port(text) {
        return value.refuse(title(), "no port and no brackets stand here", format!("write \"{alone}\""));
    }
    let reason = match text.parse() {
        Ok(address) => match no_host(address) {
            None => return Some(address),
            Some(kind) => kind,
        },
        Err(_) if text.contains("://") => "a URL",
        Err(_) if text.contains('%') => "a zone means something on one host only",
        Err(_) if text.contains('/') => "an address stands without its prefix length",
        Err(_) if has_leading_zero(text) => "a number with a leading zero is decimal here and octal there",
        Err(_) => "neither IPv4 nor IPv6",
    };
    value.refuse(title(), reason, "write an address such as \"192.168.1.11\" or \"fd00::11\"")
}

/// Returns the host that a URL names, when a host could have that name or address.
fn host_of_url(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = without_port(authority).unwrap_or(authority);
    (host.parse::<IpAddr>().is_ok() || subdomain_fault(host).is_none()).then_some(host)
}

/// Returns the host of a text that is a host and a port, or an address in brackets. Returns `None` for an address.
fn without_port(text: &str) -> Option<&str> {
    if text.parse::<IpAddr>().is_ok() {
        return None;
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
        None => text.rsplit_once(':').map(|(host, port)| (host, Some(port)))?,
    };
    let is_port = port.is_none_or(|port| canonical::<u16>(port).is_some());
    let is_host = host.parse::<IpAddr>().is_ok() || subdomain_fault(host).is_none();
    (is_port && is_host).then_some(host)
}

fn has_leading_zero(text: &str) -> bool {
    text.split('.').any(|number| number.len() > 1 && number.starts_with('0'))
}

/// Reads a service subnet of a size that kubeadm and kube-apiserver accept: at least 10 addresses (kubeadm's
/// `MinimumAddressesInServiceSubnet`), at most 2^20 (kubeadm's `MaximumBitsForServiceSubnet`).
pub(super) fn service_subnet(value: WrittenValue<'_>) -> Option<IpNet> {
    let subnet = subnet(value)?;
    let host_bits = subnet.max_prefix_len() - subnet.prefix_len();
    if !(4..=20).contains(&host_bits) {
        let width = subnet.max_prefix_len();
        return value.refuse(
            format!("{subnet} is too {} for services", if host_bits > 20 { "large" } else { "small" }),
            format!("kubeadm takes /{} to /{}", width - 20, width - 4),
            "services of most clusters fit in \"10.96.0.0/12\" or \"fd00:96::/112\"",
        );
    }
    Some(subnet)
}

/// Reads an address range: an address and a prefix length beyond which no bit is set.
pub(super) fn subnet(value: WrittenValue<'_>) -> Option<IpNet> {
    let text = value.string()?;
    let hint = "write an address and a prefix length, as in \"10.96.0.0/12\" or \"fd00:96::/112\"";
    let Some((address, length)) = text.split_once('/') else {
        return value.refuse(format!("\"{}\" is not a subnet", abridged(text)), "no prefix length", hint);
    };
    let address = check_address(value, address)?;
    let Some(subnet) = canonical(length).and_then(|length| IpNet::new(address, length).ok()) else {
        return value.refuse(
            format!("\"{}\" is not a subnet", abridged(text)),
            "not a prefix length of this address family",
            hint,
        );
    };
    if subnet.addr() != subnet.network() {
        return value.refuse(
            format!("{subnet} is an address within a subnet"),
            "bits beyond the prefix length are set",
            format!("write \"{}\"", subnet.trunc()),
        );
    }
    Some(subnet)
}

/// Reads a decimal number in its only spelling: digits, no sign, no leading zero.
fn canonical<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|number| number.to_string() == text)
}

/// Returns "IPv4" or "IPv6".
pub(super) fn family(is_ipv4: bool) -> &'static str {
    if is_ipv4 { "IPv4" } else { "IPv6" }
}
