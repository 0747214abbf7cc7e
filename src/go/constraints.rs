//! Name constraints as Go reads and applies them.

use std::net::IpAddr;

use super::GoError;
use super::der::{Der, SEQUENCE, constructed};
use super::error::{malformed, quoted};
use super::general_name::{ADDRESS, DNS, MAIL, URI, address, each_name, is_domain, uri_host};

/// The names that a CA permits and excludes.
#[derive(Clone, Debug, Default)]
pub(super) struct Constraints {
    permitted: Subtrees,
    excluded: Subtrees,
}

#[derive(Clone, Debug, Default)]
struct Subtrees {
    dns: Vec<String>,
    mail: Vec<String>,
    uris: Vec<String>,
    /// Each is the octets of an address and of a mask, of the same length.
    ranges: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Constraints {
    /// Reads nameConstraints, and returns whether Go knows every kind of name in it. Source: crypto/x509/parser.go
    /// `parseNameConstraintsExtension`.
    pub(super) fn read(value: &[u8]) -> Result<(Self, bool), GoError> {
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
            field.map_or_else(|| Ok(Subtrees::default()), |subtrees| Subtrees::read(subtrees, &mut is_handled))
        };
        let constraints = Self { permitted: read(permitted)?, excluded: read(excluded)? };
        Ok((constraints, is_handled))
    }

    /// Checks every name in a subjectAltName. Source: crypto/x509/verify.go `isValid`, Go 1.19.8.
    pub(super) fn check(&self, subject_alt_name: &[u8]) -> Result<(), GoError> {
        for (kind, octets) in each_name(subject_alt_name)? {
            let name = String::from_utf8_lossy(octets).into_owned();
            match kind {
                MAIL => {
                    let mailbox = mailbox(&name)
                        .ok_or_else(|| malformed(format_args!("cannot parse rfc822Name {}", quoted(&name))))?;
                    let matches = |constraint: &String| Ok(is_mail(&mailbox, constraint));
                    self.one("email address", &name, &self.permitted.mail, &self.excluded.mail, matches, |text| {
                        quoted(text)
                    })?;
                }
                DNS => {
                    if !is_domain(&name) {
                        return Err(malformed(format_args!("cannot parse dnsName {}", quoted(&name))));
                    }
                    let matches = |constraint: &String| Ok(is_in_domain(&name, constraint));
                    self.one("DNS name", &name, &self.permitted.dns, &self.excluded.dns, matches, |text| quoted(text))?;
                }
                URI => {
                    let matches = |constraint: &String| is_uri(&name, constraint);
                    self.one("URI", &name, &self.permitted.uris, &self.excluded.uris, matches, |text| quoted(text))?;
                }
                ADDRESS => {
                    let Some(host) = address(octets) else { continue };
                    let matches = |(network, mask): &(Vec<u8>, Vec<u8>)| Ok(is_in_range(octets, network, mask));
                    let name = canonical(host).to_string();
                    self.one("IP address", &name, &self.permitted.ranges, &self.excluded.ranges, matches, range)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn one<T>(
        &self,
        kind: &str,
        name: &str,
        permitted: &[T],
        excluded: &[T],
        matches: impl Fn(&T) -> Result<bool, String>,
        shown: impl Fn(&T) -> String,
    ) -> Result<(), GoError> {
        for constraint in excluded {
            if matches(constraint).map_err(GoError::NameConstraint)? {
                let constraint = shown(constraint);
                let text = format!("{kind} {} is excluded by constraint {constraint}", quoted(name));
                return Err(GoError::NameConstraint(text));
            }
        }
        let mut is_permitted = permitted.is_empty();
        for constraint in permitted {
            if matches(constraint).map_err(GoError::NameConstraint)? {
                is_permitted = true;
                break;
            }
        }
        if is_permitted {
            return Ok(());
        }
        Err(GoError::NameConstraint(format!("{kind} {} is not permitted by any constraint", quoted(name))))
    }
}

fn range((network, mask): &(Vec<u8>, Vec<u8>)) -> String {
    let bits: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let network: Vec<u8> = network.to_vec();
    let host = address(&network).map(|host| host.to_string()).unwrap_or_default();
    quoted(&format!("{host}/{bits}"))
}

/// Go writes an IPv4 address within IPv6 as IPv4.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Subtrees {
    fn read(mut list: Der<'_>, is_handled: &mut bool) -> Result<Self, GoError> {
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
                    if !is_domain(without_dot(&domain)) {
                        return Err(malformed(format_args!("failed to parse dnsName constraint {}", quoted(&domain))));
                    }
                    read.dns.push(domain);
                }
                ADDRESS => read.ranges.push(read_range(base.content)?),
                MAIL => {
                    let constraint = text()?;
                    let is_read = if constraint.contains('@') {
                        mailbox(&constraint).is_some()
                    } else {
                        is_domain(without_dot(&constraint))
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
                    if !is_domain(without_dot(&domain)) {
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

/// Source: crypto/x509/verify.go `matchDomainConstraint`.
fn is_in_domain(domain: &str, constraint: &str) -> bool {
    if constraint.is_empty() {
        return true;
    }
    let bare = without_dot(constraint);
    let (labels, wanted): (Vec<_>, Vec<_>) = (domain.rsplit('.').collect(), bare.rsplit('.').collect());
    let labels = if domain.is_empty() { Vec::new() } else { labels };
    let needs_more = bare.len() < constraint.len();
    labels.len() >= wanted.len()
        && !(needs_more && labels.len() == wanted.len())
        && labels.iter().zip(&wanted).all(|(label, wanted)| label.eq_ignore_ascii_case(wanted))
}

/// Returns the two halves of a mail address. A local part in quotes is taken as it stands. Source:
/// crypto/x509/verify.go `parseRFC2821Mailbox`.
fn mailbox(text: &str) -> Option<(String, String)> {
    let (local, domain) = text.rsplit_once('@')?;
    let is_atom = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter);
    let is_quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let is_plain = !local.is_empty()
        && local.chars().all(is_atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let local = if is_quoted { local.trim_matches('"') } else { local };
    ((is_quoted || is_plain) && is_domain(domain)).then(|| (local.to_owned(), domain.to_owned()))
}

fn is_mail((local, domain): &(String, String), constraint: &str) -> bool {
    match mailbox(constraint).filter(|_| constraint.contains('@')) {
        Some((wanted, wanted_domain)) => *local == wanted && domain.eq_ignore_ascii_case(&wanted_domain),
        None => is_in_domain(domain, constraint),
    }
}

/// Source: crypto/x509/verify.go `matchURIConstraint`.
fn is_uri(uri: &str, constraint: &str) -> Result<bool, String> {
    let Some(host) = uri_host(uri) else {
        return Err(format!("URI with empty host ({}) cannot be matched against constraints", quoted(uri)));
    };
    let is_bracketed = host.starts_with('[');
    let host =
        if is_bracketed { host } else { host.rsplit_once(':').map_or(host.clone(), |(host, _)| host.to_owned()) };
    if is_bracketed || host.parse::<IpAddr>().is_ok() {
        return Err(format!("URI with IP ({}) cannot be matched against constraints", quoted(uri)));
    }
    Ok(is_in_domain(&host, constraint))
}

#[cfg(test)]
mod tests {
    use super::{is_domain, is_in_domain, mailbox};

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
        ] {
            assert_eq!(is_in_domain(domain, constraint), expected, "{domain} {constraint}");
        }
    }

    #[test]
    fn what_is_no_domain_is_known() {
        for (text, expected) in [
            ("", true),
            ("a", true),
            ("a.b", true),
            ("a.", false),
            (".a", false),
            ("a..b", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(is_domain(text), expected, "{text}");
        }
        assert!(mailbox("a@b.c").is_some() && mailbox("a b@c").is_none() && mailbox("@c").is_none());
    }
}
