//! Names for a subjectAltName extension.

use std::fmt;
use std::net::IpAddr;

/// A name for a subjectAltName extension (RFC 5280, section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AltName {
    /// A lower-case RFC 1123 subdomain, or one behind `*.`.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl AltName {
    /// `DNS:cp-1` or `IP:10.96.0.1`.
    #[must_use]
    pub fn labelled(&self) -> String {
        match self {
            Self::Dns(name) => format!("DNS:{name}"),
            Self::Ip(address) => format!("IP:{address}"),
        }
    }
}

impl fmt::Display for AltName {
    /// `k8s.corp.internal`, `192.168.1.100`, `fd00::100`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => name.fmt(formatter),
            Self::Ip(address) => address.fmt(formatter),
        }
    }
}
