//! Names for a subjectAltName extension.

use std::fmt;
use std::net::IpAddr;

/// A name for a subjectAltName extension (RFC 5280, section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AltName {
    /// A lower-case RFC 1123 subdomain, or `*.` and such a subdomain.
    Dns(String),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
}

impl AltName {
    /// Reads the host of a URL such as `https://[fd00::1]:6443`, or of `host:port`. Returns `None` when there is no
    /// host.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split('/').next()?;
        let host = match authority.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?.0,
            None => authority.rsplit_once(':').map_or(authority, |(host, _port)| host),
        };
        (!host.is_empty()).then(|| host.parse().map_or_else(|_| Self::Dns(host.to_owned()), Self::Ip))
    }

    /// Returns the name with its kind: `DNS:cp-1` or `IP:10.96.0.1`.
    #[must_use]
    pub fn labelled(&self) -> String {
        match self {
            Self::Dns(name) => format!("DNS:{name}"),
            Self::Ip(address) => format!("IP:{address}"),
        }
    }
}

impl fmt::Display for AltName {
    /// Writes the name without its kind: `k8s.corp.internal`, `192.168.1.100`, `fd00::100`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => name.fmt(formatter),
            Self::Ip(address) => address.fmt(formatter),
        }
    }
}
