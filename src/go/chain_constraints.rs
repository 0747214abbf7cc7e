//! Name constraints as Go applies them from 1.26 on: to whole chains, and by sorted sets.
//!
//! Source: crypto/x509/constraints.go, Go 1.26.10 and 1.27.3.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::certificate::GoCertificate;
use super::constraints::{Constraints, Range, Subtrees, bare_host, is_excluded, is_not_permitted, shown_range};
use super::error::quoted;
use super::extensions::Names;
use super::general_name::{is_domain, mailbox};
use super::{GoError, GoVersion};

/// Checks the names of every certificate of a chain against the constraints of those that stand above it.
pub(super) fn check(chain: &[&GoCertificate], go: GoVersion) -> Result<(), GoError> {
    for (number, certificate) in chain.iter().enumerate() {
        if certificate.extensions.subject_alt_name.is_none() {
            continue;
        }
        let above = chain.iter().skip(number + 1);
        let constraints: Vec<_> = above.filter_map(|above| above.extensions.constraints.as_ref()).collect();
        if constraints.is_empty() {
            continue;
        }
        let names = Checked::read(&certificate.extensions.names, go)?;
        for constraints in constraints {
            names.check(constraints, go)?;
        }
    }
    Ok(())
}

/// The names of a certificate, as they are compared.
struct Checked<'a> {
    names: &'a Names,
    /// Each URI and its host, in lower case.
    uris: Vec<(&'a str, String)>,
    /// The local part, and the domain in lower case.
    mail: Vec<(String, String)>,
}

impl<'a> Checked<'a> {
    fn read(names: &'a Names, go: GoVersion) -> Result<Self, GoError> {
        let mut uris = Vec::new();
        for uri in &names.uris {
            uris.push((uri.as_str(), bare_host(uri).map_err(GoError::NameConstraint)?.to_ascii_lowercase()));
        }
        let mut mail = Vec::new();
        for address in &names.mail {
            let refused = || GoError::NameConstraint(format!("cannot parse rfc822Name {}", quoted(address)));
            let (local, domain) = mailbox(address, go).ok_or_else(refused)?;
            mail.push((local, domain.to_ascii_lowercase()));
        }
        Ok(Self { names, uris, mail })
    }

    fn check(&self, constraints: &Constraints, go: GoVersion) -> Result<(), GoError> {
        let Constraints { permitted, excluded } = constraints;
        let refuse = |text: String| Err(GoError::NameConstraint(text));
        for address in &self.names.addresses {
            let name = address.to_canonical().to_string();
            if let Some(set) = Ranges::new(&permitted.ranges, *address, go) {
                set.find(*address).map_or_else(|| Err(is_not_permitted("IP address", &name)), |_| Ok(()))?;
            }
            if let Some(set) = Ranges::new(&excluded.ranges, *address, go)
                && let Some(range) = set.find(*address)
            {
                return Err(is_excluded("IP address", &name, &shown_range(range)));
            }
        }
        for name in &self.names.dns {
            if !is_domain(name, go) {
                return refuse(format!("x509: cannot parse dnsName {}", quoted(name)));
            }
            domain("DNS name", name, name, &permitted.dns, &excluded.dns)?;
        }
        for (uri, host) in &self.uris {
            if !is_domain(host, go) {
                return refuse(format!("x509: internal error: URI SAN {} failed to parse", quoted(uri)));
            }
            domain("URI", uri, host, &permitted.uris, &excluded.uris)?;
        }
        for mail in &self.mail {
            self::mail(mail, permitted, excluded, go)?;
        }
        Ok(())
    }
}

fn domain(kind: &str, name: &str, domain: &str, permitted: &[String], excluded: &[String]) -> Result<(), GoError> {
    if !permitted.is_empty() && find(permitted, domain, false).is_none() {
        return Err(is_not_permitted(kind, name));
    }
    match find(excluded, domain, true) {
        Some(constraint) => Err(is_excluded(kind, name, &quoted(&constraint))),
        None => Ok(()),
    }
}

fn mail(
    (local, domain): &(String, String),
    permitted: &Subtrees,
    excluded: &Subtrees,
    go: GoVersion,
) -> Result<(), GoError> {
    let (kind, name) = ("email address", format!("{local}@{domain}"));
    let find = |constraints: &[String], is_excluded: bool| {
        let (whole, domains): (Vec<_>, Vec<_>) = constraints.iter().cloned().partition(|one| one.contains('@'));
        let is_it = |constraint: &String| {
            let wanted = mailbox(constraint, go);
            wanted.is_some_and(|(wanted, at)| wanted == *local && at.eq_ignore_ascii_case(domain))
        };
        if whole.iter().any(is_it) { Some(name.clone()) } else { find(&domains, domain, is_excluded) }
    };
    if !permitted.mail.is_empty() && find(&permitted.mail, false).is_none() {
        return Err(is_not_permitted(kind, &name));
    }
    match find(&excluded.mail, true) {
        Some(constraint) => Err(is_excluded(kind, &name, &quoted(&constraint))),
        None => Ok(()),
    }
}

/// Returns the constraint that a domain meets: the widest, where there are several. Source: `dnsConstraints.query`.
fn find(constraints: &[String], domain: &str, is_excluded: bool) -> Option<String> {
    if constraints.iter().any(String::is_empty) {
        return Some(String::new());
    }
    let widest = |among: &mut dyn Iterator<Item = &String>| -> Option<String> {
        among.min_by_key(|constraint| constraint.len()).cloned()
    };
    let met = widest(&mut constraints.iter().filter(|constraint| has_suffix(domain, constraint)));
    if met.is_some() || !is_excluded || !domain.starts_with('*') {
        return met;
    }
    // A wildcard is excluded with any of the hosts that it stands for. A constraint within another one is not kept.
    let is_kept = |one: &String| !constraints.iter().any(|other| other.len() < one.len() && has_suffix(one, other));
    let parent = |name: &str| name.find('.').and_then(|dot| name.get(dot..)).unwrap_or_default().to_ascii_lowercase();
    let wanted = parent(domain);
    let mut kept: Vec<_> = constraints.iter().filter(|one| is_kept(one) && parent(one) == wanted).collect();
    kept.sort_by_key(|constraint| sorted_as(constraint));
    kept.last().filter(|_| !wanted.is_empty()).map(|constraint| constraint.to_ascii_lowercase())
}

/// Source: `dnsCompare`. From the end, without case, a dot before everything else.
fn sorted_as(domain: &str) -> Vec<u8> {
    domain.bytes().rev().map(|octet| if octet == b'.' { 0 } else { octet.to_ascii_lowercase() }).collect()
}

/// Source: `dnsHasSuffix`.
fn has_suffix(domain: &str, constraint: &str) -> bool {
    let Some(split) = domain.len().checked_sub(constraint.len()) else { return false };
    let (Some(before), Some(end)) = (domain.as_bytes().get(..split), domain.as_bytes().get(split..)) else {
        return false;
    };
    end.eq_ignore_ascii_case(constraint.as_bytes())
        && (constraint.starts_with('.') || before.last().is_none_or(|octet| *octet == b'.'))
}

/// Networks, sorted by their addresses, without those that the one before holds.
struct Ranges(Vec<Range>);

impl Ranges {
    /// The networks of an address's size; `None` without any constraint of addresses.
    fn new(ranges: &[Range], of: IpAddr, go: GoVersion) -> Option<Self> {
        if ranges.is_empty() {
            return None;
        }
        let length = octets(of).len();
        let mut sorted: Vec<Range> = ranges.iter().filter(|(network, _)| network.len() == length).cloned().collect();
        if go.is_at_least(27) {
            for (network, mask) in &mut sorted {
                network.iter_mut().zip(mask).for_each(|(octet, mask)| *octet &= *mask);
            }
        }
        sorted.sort();
        sorted.dedup_by(|next, kept| {
            let (network, mask) = &*next;
            let last: Vec<u8> = network.iter().zip(mask).map(|(octet, mask)| octet | !mask).collect();
            contains(kept, network) && contains(kept, &last)
        });
        Some(Self(sorted))
    }

    /// Returns the network that is nearest to an address if it holds it. Before Go 1.27, where the octets of a network
    /// were compared as they stand, the nearest may not be the right one.
    fn find(&self, address: IpAddr) -> Option<&Range> {
        let octets = octets(address);
        let position = self.0.binary_search_by(|(network, _)| network.cmp(&octets));
        let position = match position {
            Ok(_) => self.0.partition_point(|(network, _)| network.cmp(&octets) == Ordering::Less),
            Err(position) => position.saturating_sub(1),
        };
        self.0.get(position).filter(|range| range.0 == octets || contains(range, &octets))
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Source: net/ip.go `IPNet.Contains`. An IPv4 address within IPv6 is one of IPv4.
fn contains((network, mask): &Range, octets: &[u8]) -> bool {
    let bare = |octets: &[u8]| match octets {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, rest @ ..] => rest.to_vec(),
        _ => octets.to_vec(),
    };
    let (network, octets) = (bare(network), bare(octets));
    let mask = mask.get(mask.len().saturating_sub(network.len())..).unwrap_or_default();
    network.len() == octets.len()
        && network.iter().zip(&octets).zip(mask).all(|((network, octet), mask)| network & mask == octet & mask)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Ranges, find};
    use crate::go::GoVersion;

    #[test]
    fn the_widest_constraint_is_named() {
        let constraints = ["a.example.com", "Example.COM", ".example.com", "org"].map(str::to_owned);
        assert_eq!(find(&constraints, "a.example.com", true).as_deref(), Some("Example.COM"));
        assert_eq!(find(&constraints, "badexample.com", true), None);
        assert_eq!(find(&[".a.b".to_owned()], "a.b", true), None);
        assert_eq!(find(&["x.a.b".to_owned()], "*.a.B", true).as_deref(), Some("x.a.b"));
        assert_eq!(find(&["x.a.b".to_owned()], "*.a.B", false), None);
        assert_eq!(find(&["x".to_owned(), String::new()], "a", true).as_deref(), Some(""));
    }

    #[test]
    fn networks_are_sorted_by_what_they_say() {
        let host = IpAddr::from([10, 0, 0, 1]);
        let ranges = [(vec![10, 0, 0, 99], vec![255, 255, 255, 0]), (vec![9, 0, 0, 0], vec![255, 0, 0, 0])];
        let found = |go| Ranges::new(&ranges, host, go).is_some_and(|ranges| ranges.find(host).is_some());
        assert!(!found(GoVersion(26, 10)) && found(GoVersion(27, 3)));
        assert!(Ranges::new(&[], host, GoVersion(27, 3)).is_none());
    }
}
