//! Names of subjectAltName and of name constraints.

use std::net::IpAddr;

use super::GoError;
use super::der::{Der, SEQUENCE};
use super::error::malformed;

/// The numbers of the kinds of GeneralName that Go knows: RFC 5280, section 4.2.1.6.
pub(super) const MAIL: u8 = 1;
pub(super) const DNS: u8 = 2;
pub(super) const URI: u8 = 6;
pub(super) const ADDRESS: u8 = 7;

/// Returns every name of subjectAltName: the number of its kind, and its octets.
pub(super) fn each_name(value: &[u8]) -> Result<Vec<(u8, &[u8])>, GoError> {
    let mut list = Der(value).read(SEQUENCE).ok_or_else(|| malformed("invalid subject alternative names"))?;
    let mut names = Vec::new();
    while !list.is_empty() {
        let name = list.any().ok_or_else(|| malformed("invalid subject alternative name"))?;
        names.push((name.tag ^ 0x80, name.content));
    }
    Ok(names)
}

/// Returns whether a text is a domain to Go. Source: crypto/x509/verify.go `domainToReverseLabels`.
pub(super) fn is_domain(domain: &str) -> bool {
    domain.is_empty()
        || domain.split('.').all(|label| !label.is_empty() && label.chars().all(|letter| letter.is_ascii_graphic()))
}

/// Returns the host of a URI, or `None` when it has none.
pub(super) fn uri_host(uri: &str) -> Option<String> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// Returns an address of 4 or 16 octets.
pub(super) fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    v4().or_else(|| <[u8; 16]>::try_from(octets).ok().map(IpAddr::from))
}
