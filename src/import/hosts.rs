//! Hosts with ports, as URLs and kubeadm's configuration name them.

use std::fmt;
use std::net::IpAddr;

use crate::kubernetes::is_subdomain;
use crate::x509::AltName;

/// A host, and a port if one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) host: AltName,
    pub(super) port: Option<u16>,
}

impl HostPort {
    /// Reads `https://host:port/path`, `host:port`, `[v6]:port`, `host` or a bare address. Returns `None` for what
    /// cannot be the host of an API server.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next()?;
        if let Ok(address) = authority.parse() {
            return Some(Self { host: AltName::Ip(address), port: None });
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed.split_once(']')?;
                let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
                (AltName::Ip(host.parse().ok()?), port)
            }
            None => {
                let (host, port) = match authority.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (authority, None),
                };
                (host_of(host)?, port)
            }
        };
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
            None => None,
        };
        Some(Self { host, port })
    }

    /// Returns whether the host is the machine that asks.
    pub(super) fn is_loopback(&self) -> bool {
        match &self.host {
            AltName::Ip(address) => address.is_loopback(),
            AltName::Dns(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// Returns the host and the port, with a port where none is named.
    pub(super) fn with_port(&self, port: u16) -> Self {
        Self { host: self.host.clone(), port: Some(self.port.unwrap_or(port)) }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            AltName::Ip(IpAddr::V6(address)) => write!(formatter, "[{address}]")?,
            host => host.fmt(formatter)?,
        }
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Returns an address or a DNS name in lower case, or `None` for anything else.
fn host_of(text: &str) -> Option<AltName> {
    if let Ok(address) = text.parse() {
        return Some(AltName::Ip(address));
    }
    let name = text.to_ascii_lowercase();
    let has_letter = name.bytes().any(|byte| byte.is_ascii_lowercase());
    (has_letter && is_subdomain(&name)).then_some(AltName::Dns(name))
}

/// Returns a name that a profile may give a certificate: an address of a host, a DNS name in lower case, or `*.` and such
/// a name. Returns `None` for any other text.
pub(super) fn alt_name(text: &str) -> Option<AltName> {
    match text.strip_prefix("*.") {
        Some(parent) => match host_of(parent)? {
            AltName::Dns(parent) => Some(AltName::Dns(format!("*.{parent}"))),
            AltName::Ip(_) => None,
        },
        None => match host_of(text)? {
            AltName::Ip(address) if !is_host(address) => None,
            name => Some(name),
        },
    }
}

/// Returns whether an address can be that of a host.
fn is_host(address: IpAddr) -> bool {
    let is_mapped = matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    let is_broadcast = address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
    !(address.is_unspecified() || address.is_multicast() || is_mapped || is_broadcast)
}

/// Returns whether other nodes can reach a node at an address.
pub(super) fn is_reachable(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    is_host(address) && !address.is_loopback() && !is_link_local
}

#[cfg(test)]
mod tests {
    use super::{HostPort, alt_name};

    #[test]
    fn hosts_are_read_and_anything_else_is_not() {
        for (text, shown) in [
            ("https://192.168.1.100:6443", "192.168.1.100:6443"),
            ("https://[fd00::1]:6443/x?y", "[fd00::1]:6443"),
            ("K8s.Lab:8443", "k8s.lab:8443"),
            ("k8s.lab", "k8s.lab"),
            ("fd00::1", "[fd00::1]"),
            ("[fd00::1]", "[fd00::1]"),
        ] {
            assert_eq!(HostPort::parse(text).map(|host| host.to_string()).as_deref(), Some(shown), "{text}");
        }
        for text in
            ["", "https://", "a b", "k8s_lab:6443", "k8s:0", "k8s:99999", "k8s:6443x", "10.0.0:6443", "[x]:1", "[::1]1"]
        {
            assert_eq!(HostPort::parse(text), None, "{text}");
        }
        assert!(
            ["::1", "127.0.0.1", "localhost"]
                .iter()
                .all(|host| HostPort::parse(host).is_some_and(|host| host.is_loopback()))
        );
    }

    #[test]
    fn alternative_names_are_those_that_a_profile_takes() {
        for text in ["*.Apps.lab", "k8s", "127.0.0.1", "fd00::1"] {
            assert_eq!(alt_name(text).map(|name| name.to_string()), Some(text.to_ascii_lowercase()), "{text}");
        }
        for text in ["*.10.0.0.1", "*", "a..b", "0.0.0.0", "::", "ff02::1", "::ffff:10.0.0.1", "a\nb", "\"", "_x.lab"] {
            assert_eq!(alt_name(text), None, "{text}");
        }
    }
}
