//! Name constraints as Go reads and applies them.

use std::net::IpAddr;

use super::der::{Der, SEQUENCE, constructed};
use super::error::{malformed, quoted};
use super::general_name::{
    ADDRESS, DNS, MAIL, URI, address, each_name, is_constraint, is_domain, labels, mailbox, uri_host,
};
use super::{GoError, GoVersion};

/// The names that a CA permits and excludes.
#[derive(Clone, Debug, Default)]
pub(super) struct Constraints {
    pub(super) permitted: Subtrees,
    pub(super) excluded: Subtrees,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Subtrees {
    pub(super) dns: Vec<String>,
    pub(super) mail: Vec<String>,
    pub(super) uris: Vec<String>,
    pub(super) ranges: Vec<Range>,
}

/// The octets of an address and of a mask, of the same length.
pub(super) type Range = (Vec<u8>, Vec<u8>);

impl Constraints {
    /// Reads nameConstraints, and returns whether Go knows every kind of name in it. Source: crypto/x509/parser.go
    /// `parseNameConstraintsExtension`.
    pub(super) fn read(value: &[u8], go: GoVersion) -> Result<(Self, bool), GoError> {
        let broken = || malformed("invalid NameConstraints extension");
        let mut outer = Der(value);
        let mut fields = outer.read(SEQUENCE).filter(|_| outer.is_empty()).ok_or_else(broken)?;
        let permitted = fields.optional(constructed(0)).ok_or_else(broken)?;
        let excluded = fields.optional(constructed(1)).ok_or_else(broken)?;
        if !fields.is_empty() {
            return Err(broken());
        }
        if [permitted, excluded].into_iter().flatten().all(Der::is_empty) {
            return Err(malformed("empty name constraints extension"));
        }
        let mut is_handled = true;
        let mut read = |field: Option<Der<'_>>| {
            field.map_or_else(|| Ok(Subtrees::default()), |subtrees| Subtrees::read(subtrees, &mut is_handled, go))
        };
        let constraints = Self { permitted: read(permitted)?, excluded: read(excluded)? };
        Ok((constraints, is_handled))
    }

    /// Checks every name in a subjectAltName. Source: crypto/x509/verify.go `isValid` and `checkNameConstraints`, Go
    /// 1.15.15 to 1.25.12.
    pub(super) fn check(&self, subject_alt_name: &[u8], go: GoVersion) -> Result<(), GoError> {
        let (permitted, excluded) = (&self.permitted, &self.excluded);
        for (kind, octets) in each_name(subject_alt_name)? {
            let name = String::from_utf8_lossy(octets).into_owned();
            match kind {
                MAIL => {
                    // Go shows what it read, which is nothing.
                    let mailbox = mailbox(&name, go).ok_or_else(|| malformed("cannot parse rfc822Name {\"\" \"\"}"))?;
                    let matches = |constraint: &String, is_excluded| Ok(is_mail(&mailbox, constraint, is_excluded, go));
                    one("email address", &name, &permitted.mail, &excluded.mail, matches, |text| quoted(text))?;
                }
                DNS => {
                    if !is_domain(&name, go) {
                        return Err(malformed(format_args!("cannot parse dnsName {}", quoted(&name))));
                    }
                    let matches =
                        |constraint: &String, is_excluded| Ok(is_in_domain(&name, constraint, is_excluded, go));
                    one("DNS name", &name, &permitted.dns, &excluded.dns, matches, |text| quoted(text))?;
                }
                URI => {
                    let matches =
                        |constraint: &String, is_excluded| is_in_domain_of(&name, constraint, is_excluded, go);
                    one("URI", &name, &permitted.uris, &excluded.uris, matches, |text| quoted(text))?;
                }
                ADDRESS => {
                    let Some(host) = address(octets) else { continue };
                    let matches = |(network, mask): &Range, _| Ok(is_in_range(octets, network, mask));
                    let name = host.to_canonical().to_string();
                    one("IP address", &name, &permitted.ranges, &excluded.ranges, matches, shown_range)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn one<T>(
    kind: &str,
    name: &str,
    permitted: &[T],
    excluded: &[T],
    matches: impl Fn(&T, bool) -> Result<bool, String>,
    shown: impl Fn(&T) -> String,
) -> Result<(), GoError> {
    for constraint in excluded {
        if matches(constraint, true).map_err(GoError::NameConstraint)? {
            return Err(is_excluded(kind, name, &shown(constraint)));
        }
    }
    let mut is_permitted = permitted.is_empty();
    for constraint in permitted {
        if matches(constraint, false).map_err(GoError::NameConstraint)? {
            is_permitted = true;
            break;
        }
    }
    if is_permitted { Ok(()) } else { Err(is_not_permitted(kind, name)) }
}

pub(super) fn is_excluded(kind: &str, name: &str, constraint: &str) -> GoError {
    GoError::NameConstraint(format!("{kind} {} is excluded by constraint {constraint}", quoted(name)))
}

pub(super) fn is_not_permitted(kind: &str, name: &str) -> GoError {
    GoError::NameConstraint(format!("{kind} {} is not permitted by any constraint", quoted(name)))
}

/// Returns a range as Go shows it, in quotes.
pub(super) fn shown_range((network, mask): &Range) -> String {
    let host = address(network).map(|host| host.to_canonical());
    // Go writes a network of IPv4 within IPv6 as one of IPv4.
    let mask = if host.is_some_and(|host| host.is_ipv4()) { mask.get(mask.len() - 4..) } else { Some(&mask[..]) };
    let bits: u32 = mask.unwrap_or_default().iter().map(|octet| octet.count_ones()).sum();
    quoted(&host.map(|host| format!("{host}/{bits}")).unwrap_or_default())
}

impl Subtrees {
    fn read(mut list: Der<'_>, is_handled: &mut bool, go: GoVersion) -> Result<Self, GoError> {
        let mut read = Self::default();
        while !list.is_empty() {
            let base = list.read(SEQUENCE).and_then(|mut subtree| subtree.any());
            let base = base.ok_or_else(|| malformed("invalid NameConstraints extension"))?;
            let text = || {
                let ascii = base.content.is_ascii().then(|| String::from_utf8_lossy(base.content).into_owned());
                ascii.ok_or_else(|| {
                    let shown = quoted(&String::from_utf8_lossy(base.content));
                    malformed(format_args!("invalid constraint value: x509: {shown} cannot be encoded as an IA5String"))
                })
            };
            match base.tag ^ 0x80 {
                DNS => {
                    let domain = text()?;
                    if !is_constraint(&domain, go) {
                        return Err(malformed(format_args!("failed to parse dnsName constraint {}", quoted(&domain))));
                    }
                    read.dns.push(domain);
                }
                ADDRESS => read.ranges.push(read_range(base.content)?),
                MAIL => {
                    let constraint = text()?;
                    let is_read = if constraint.contains('@') {
                        mailbox(&constraint, go).is_some()
                    } else {
                        is_constraint(&constraint, go)
                    };
                    if !is_read {
                        let shown = quoted(&constraint);
                        return Err(malformed(format_args!("failed to parse rfc822Name constraint {shown}")));
                    }
                    read.mail.push(constraint);
                }
                URI => {
                    let domain = text()?;
                    if domain.parse::<IpAddr>().is_ok() {
                        let shown = quoted(&domain);
                        return Err(malformed(format_args!(
                            "failed to parse URI constraint {shown}: cannot be IP address"
                        )));
                    }
                    if !is_constraint(&domain, go) {
                        return Err(malformed(format_args!("failed to parse URI constraint {}", quoted(&domain))));
                    }
                    read.uris.push(domain);
                }
                _ => *is_handled = false,
            }
        }
        Ok(read)
    }
}

fn without_dot(domain: &str) -> &str {
    domain.strip_prefix('.').unwrap_or(domain)
}

fn read_range(octets: &[u8]) -> Result<(Vec<u8>, Vec<u8>), GoError> {
    if !matches!(octets.len(), 8 | 32) {
        return Err(malformed(format_args!("IP constraint contained value of length {}", octets.len())));
    }
    let (network, mask) = octets.split_at(octets.len() / 2);
    let bits: String = mask.iter().map(|octet| format!("{octet:08b}")).collect();
    if bits.trim_end_matches('0').contains('0') {
        let shown: String = mask.iter().map(|octet| format!("{octet:02x}")).collect();
        return Err(malformed(format_args!("IP constraint contained invalid mask {shown}")));
    }
    Ok((network.to_vec(), mask.to_vec()))
}

fn is_in_range(host: &[u8], network: &[u8], mask: &[u8]) -> bool {
    host.len() == network.len()
        && host.iter().zip(network).zip(mask).all(|((host, network), mask)| host & mask == network & mask)
}

/// Source: crypto/x509/verify.go `matchDomainConstraint`, Go 1.15.15 to 1.25.12.
fn is_in_domain(domain: &str, constraint: &str, is_excluded: bool, go: GoVersion) -> bool {
    if constraint.is_empty() {
        return true;
    }
    let bare = without_dot(constraint);
    let (Some(mut labels), Some(mut wanted)) = (labels(domain, go), labels(bare, go)) else { return false };
    let needs_more = bare.len() < constraint.len();
    if labels.len() < wanted.len() || (needs_more && labels.len() == wanted.len()) {
        return false;
    }
    // CVE-2025-61727: a wildcard is excluded with any of the hosts that it stands for.
    if is_excluded && domain.starts_with('*') && go.has(&[(24, 11), (25, 5)]) {
        // golang/go#76935: the first of these releases took one label for a match.
        let is_mended = go.has(&[(24, 12), (25, 6)]);
        if (labels.len() == wanted.len() && labels.len() > 1) || (!is_mended && wanted.len() == 1) {
            labels.pop();
            wanted.pop();
        }
    }
    labels.iter().zip(&wanted).all(|(label, wanted)| label.eq_ignore_ascii_case(wanted))
}

fn is_mail((local, domain): &(String, String), constraint: &str, is_excluded: bool, go: GoVersion) -> bool {
    match mailbox(constraint, go).filter(|_| constraint.contains('@')) {
        Some((wanted, wanted_domain)) => *local == wanted && domain.eq_ignore_ascii_case(&wanted_domain),
        None => is_in_domain(domain, constraint, is_excluded, go),
    }
}

/// Source: crypto/x509/verify.go `matchURIConstraint`.
fn is_in_domain_of(uri: &str, constraint: &str, is_excluded: bool, go: GoVersion) -> Result<bool, String> {
    Ok(is_in_domain(&bare_host(uri)?, constraint, is_excluded, go))
}

/// Returns the host of a URI without its port, or why no constraint can say anything of it.
pub(super) fn bare_host(uri: &str) -> Result<String, String> {
    let Some(host) = uri_host(uri) else {
        return Err(format!("URI with empty host ({}) cannot be matched against constraints", quoted(uri)));
    };
    let is_bracketed = host.starts_with('[');
    let host =
        if is_bracketed { host } else { host.rsplit_once(':').map_or(host.clone(), |(host, _)| host.to_owned()) };
    if is_bracketed || host.parse::<IpAddr>().is_ok() {
        return Err(format!("URI with IP ({}) cannot be matched against constraints", quoted(uri)));
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::is_in_domain;
    use crate::go::GoVersion;

    #[test]
    fn domains_are_matched_from_their_end() {
        for (domain, constraint, expected) in [
            ("a.example.com", "example.com", true),
            ("example.com", "example.com", true),
            ("example.com", ".example.com", false),
            ("a.EXAMPLE.com", ".example.COM", true),
            ("badexample.com", "example.com", false),
            ("com", "example.com", false),
            ("anything", "", true),
            ("anything", ".", true),
        ] {
            assert_eq!(is_in_domain(domain, constraint, true, GoVersion(19, 8)), expected, "{domain} {constraint}");
        }
    }

    #[test]
    fn a_wildcard_is_excluded_with_its_hosts() {
        for (domain, constraint, patch, expected) in [
            ("*.example.com", "a.example.com", 4, false),
            ("*.example.com", "a.example.com", 5, true),
            ("*.example.com", "org", 4, false),
            ("*.example.com", "org", 5, true),
            ("*.example.com", "org", 6, false),
        ] {
            let go = GoVersion(25, patch);
            assert_eq!(is_in_domain(domain, constraint, true, go), expected, "{domain} {constraint} {go}");
            assert!(!is_in_domain(domain, constraint, false, go));
        }
    }
}
