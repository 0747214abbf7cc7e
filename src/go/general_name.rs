//! Names of subjectAltName and of name constraints.

use std::net::IpAddr;

use super::der::{Der, SEQUENCE};
use super::error::malformed;
use super::{GoError, GoVersion};

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

/// Returns the labels of a domain, the last first; `None` for a text that is no domain to Go.
///
/// Source: crypto/x509/verify.go `domainToReverseLabels`. Before Go 1.23 it passed over one dot in front.
pub(super) fn labels(domain: &str, go: GoVersion) -> Option<Vec<&str>> {
    let passed = if go.is_at_least(23) || domain == "." { domain } else { domain.strip_prefix('.').unwrap_or(domain) };
    if passed.is_empty() {
        return Some(Vec::new());
    }
    let labels: Vec<_> = passed.rsplit('.').collect();
    let is_label = |label: &&str| !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_graphic());
    labels.iter().all(is_label).then_some(labels)
}

/// Returns whether a text is a domain to Go.
pub(super) fn is_domain(domain: &str, go: GoVersion) -> bool {
    labels(domain, go).is_some()
}

/// Returns whether a text is a domain as constraints have it: with a dot in front where only what is below is meant.
pub(super) fn is_constraint(domain: &str, go: GoVersion) -> bool {
    // Source: crypto/x509/parser.go `domainNameValid`.
    let is_refused = domain == "." && go.has(&[(24, 8), (25, 2)]);
    !is_refused && is_domain(domain.strip_prefix('.').unwrap_or(domain), go)
}

/// Returns the two halves of a mail address, the first without its quotes. Source: crypto/x509/verify.go
/// `parseRFC2821Mailbox`.
pub(super) fn mailbox(text: &str, go: GoVersion) -> Option<(String, String)> {
    let mut local = Vec::new();
    let mut rest = text.bytes();
    let domain = if text.starts_with('"') {
        rest.next();
        loop {
            match rest.next()? {
                b'"' => break,
                b'\\' => local.push(rest.next().filter(|octet| !matches!(octet, 0 | 10 | 13 | 128..))?),
                octet @ (1..=8 | 11 | 12 | 14..=33 | 35..=91 | 93..=127) => local.push(octet),
                _ => return None,
            }
        }
        text.get(text.len() - rest.len()..)?.strip_prefix('@')?
    } else {
        while let Some(octet) = rest.clone().next() {
            if octet == b'\\' {
                rest.next();
                local.push(rest.next()?);
            } else if octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&octet) {
                local.extend(rest.next());
            } else {
                break;
            }
        }
        if local.is_empty()
            || local.starts_with(b".")
            || local.ends_with(b".")
            || local.windows(2).any(|two| two == b"..")
        {
            return None;
        }
        text.get(text.len() - rest.len()..)?.strip_prefix('@')?
    };
    // Source: the same, Go 1.27.3.
    let is_refused = go.is_at_least(27) && domain.contains('@');
    let is_read = is_domain(domain, go) && !is_refused;
    is_read.then(|| (String::from_utf8_lossy(&local).into_owned(), domain.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::{is_constraint, is_domain, mailbox};
    use crate::go::GoVersion;

    #[test]
    fn what_is_no_domain_is_known() {
        for (text, expected) in [
            ("", true),
            ("a", true),
            ("a.b", true),
            ("a.", false),
            (".", false),
            (".a", false),
            ("a..b", false),
            ("a b", false),
            ("\u{e4}", false),
        ] {
            assert_eq!(is_domain(text, GoVersion(23, 0)), expected, "{text}");
            assert_eq!(is_domain(text, GoVersion(22, 0)), expected || text == ".a", "{text}");
        }
        for (text, before, since) in
            [(".a", true, true), ("..a", false, false), (".", true, false), ("a.", false, false)]
        {
            let said = [GoVersion(24, 7), GoVersion(24, 8)].map(|go| is_constraint(text, go));
            assert_eq!(said, [before, since], "{text}");
        }
    }

    #[test]
    fn mail_addresses_are_read() {
        for (text, expected) in [
            ("a@b.c", Some(("a", "b.c"))),
            ("\"a @\"@b", Some(("a @", "b"))),
            ("\"a\\\"\"@b", Some(("a\"", "b"))),
            ("\"a\"b@c", None),
            ("a\\ b@c", Some(("a b", "c"))),
            ("a b@c", None),
            ("@c", None),
            ("a", None),
            ("", None),
            (".a@b", None),
            ("a..a@b", None),
            ("a@b.", None),
        ] {
            let expected = expected.map(|(local, domain)| (local.to_owned(), domain.to_owned()));
            assert_eq!(mailbox(text, GoVersion(19, 8)), expected, "{text}");
        }
    }
}
