//! Matches host names as Go does.

use std::net::{IpAddr, Ipv6Addr};

use super::certificate::GoCertificate;
use super::{GoError, GoVersion};

impl GoCertificate {
    /// Checks whether the certificate is for a host.
    ///
    /// # Errors
    /// Fails with [`GoError::HostName`]. Source: crypto/x509/verify.go `VerifyHostname`, Go 1.13 to 1.26.
    pub fn check_host(&self, host: &str, go: GoVersion) -> Result<(), GoError> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|bare| !bare.is_empty());
        let bare = bare.unwrap_or(host);
        let names = &self.extensions.names;
        if let Some(wanted) = address(bare, go) {
            let is_it = names.addresses.iter().any(|address| address.to_canonical() == wanted.to_canonical());
            // Go 1.27 says the address as it read it.
            let shown = if go.is_at_least(27) { wanted.to_canonical().to_string() } else { bare.to_owned() };
            return if is_it { Ok(()) } else { Err(self.host_error(&shown, Some(wanted), go)) };
        }
        let legacy = [self.subject_name.common.clone()];
        let dns = if !go.is_at_least(15) && self.is_named_by_common_name() { &legacy[..] } else { &names.dns };
        let wanted = host.to_ascii_lowercase();
        let is_it = |name: &String| {
            // Before Go 1.23 a star alone was a pattern.
            if is_host(&wanted, false) && is_host(name, true) && !(name == "*" && go.is_at_least(23)) {
                matches(name, &wanted)
            } else {
                let is_something = |text: &str| !text.is_empty() && text != ".";
                is_something(name) && is_something(&wanted) && name.eq_ignore_ascii_case(&wanted)
            }
        };
        if dns.iter().any(is_it) { Ok(()) } else { Err(self.host_error(host, None, go)) }
    }

    /// Returns the DNS names that are no host names, so that no client can call the server so.
    #[must_use]
    pub fn unusable_names(&self) -> Vec<String> {
        self.extensions.names.dns.iter().filter(|name| !is_host(name, true)).cloned().collect()
    }

    /// Returns whether the certificate has subjectAltName.
    pub(super) const fn has_names(&self) -> bool {
        self.extensions.subject_alt_name.is_some()
    }

    /// Returns whether the certificate was for its common name before Go 1.15: it has no other name, and that is one.
    pub(super) fn is_named_by_common_name(&self) -> bool {
        !self.has_names() && is_host(&self.subject_name.common, true)
    }

    /// Source: crypto/x509/verify.go `HostnameError.Error`, Go 1.15.15 to 1.27.3.
    fn host_error(&self, host: &str, address: Option<IpAddr>, go: GoVersion) -> GoError {
        let names = &self.extensions.names;
        let common = &self.subject_name.common;
        let is_legacy = !self.has_names() && is_host(common, true) && matches(common, &host.to_ascii_lowercase());
        let is_legacy =
            is_legacy || (go.is_at_least(17) && !self.has_names() && matches(common, &host.to_ascii_lowercase()));
        if is_legacy && go.is_at_least(15) {
            let advice = if go.is_at_least(17) {
                "use SANs instead"
            } else {
                "use SANs or temporarily enable Common Name matching with GODEBUG=x509ignoreCN=0"
            };
            return GoError::HostName(format!("x509: certificate relies on legacy Common Name field, {advice}"));
        }
        // CVE-2025-61729.
        let is_short = go.has(&[(24, 11), (25, 5)]);
        let valid = match address {
            Some(_) if names.addresses.is_empty() => {
                let text =
                    format!("x509: cannot validate certificate for {host} because it doesn't contain any IP SANs");
                return GoError::HostName(text);
            }
            Some(_) if names.addresses.len() >= MOST_NAMES && is_short => {
                let count = names.addresses.len();
                let text = format!("x509: certificate is valid for {count} IP SANs, but none matched {host}");
                return GoError::HostName(text);
            }
            None if names.dns.len() >= MOST_NAMES && is_short => {
                let count = names.dns.len();
                let text = format!("x509: certificate is valid for {count} names, but none matched {host}");
                return GoError::HostName(text);
            }
            Some(_) => {
                let texts: Vec<_> = names.addresses.iter().map(|address| address.to_canonical().to_string()).collect();
                texts.join(", ")
            }
            None => names.dns.join(", "),
        };
        GoError::HostName(if valid.is_empty() {
            format!("x509: certificate is not valid for any names, but wanted to match {host}")
        } else {
            format!("x509: certificate is valid for {valid}, not {host}")
        })
    }
}

/// The number of names that Go does not write down any more.
const MOST_NAMES: usize = 100;

/// Returns the address that a host is. Source: net/ip.go `ParseIP`, and from Go 1.27 on net/netip `ParseAddr`.
fn address(host: &str, go: GoVersion) -> Option<IpAddr> {
    if let Ok(address) = host.parse() {
        return Some(address);
    }
    if go.is_at_least(27) {
        // The zone is passed over.
        let (address, zone) = host.split_once('%')?;
        return address.parse::<Ipv6Addr>().ok().filter(|_| !zone.is_empty()).map(IpAddr::V6);
    }
    // CVE-2021-29923: before Go 1.17 a part might begin with zeros.
    let part = |part: &str| if part.bytes().all(|octet| octet.is_ascii_digit()) { part.parse().ok() } else { None };
    let parts: Option<Vec<u8>> = host.split('.').map(part).collect();
    let octets: [u8; 4] = parts.filter(|_| !go.is_at_least(17))?.try_into().ok()?;
    Some(IpAddr::from(octets))
}

/// Returns whether a text is a host name, or a pattern for some. Source: crypto/x509/verify.go `validHostname`.
fn is_host(text: &str, is_pattern: bool) -> bool {
    let text = if is_pattern { text } else { text.strip_suffix('.').unwrap_or(text) };
    let is_letter = |(position, letter): (usize, char)| {
        letter.is_ascii_alphanumeric() || letter == '_' || (letter == '-' && position != 0)
    };
    let is_label = |(number, label): (usize, &str)| {
        !label.is_empty() && ((is_pattern && number == 0 && label == "*") || label.char_indices().all(is_letter))
    };
    !text.is_empty() && text.split('.').enumerate().all(is_label)
}

/// Source: crypto/x509/verify.go `matchHostnames`.
fn matches(pattern: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    if pattern.is_empty() || host.is_empty() {
        return false;
    }
    let (pattern, host): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), host.split('.').collect());
    let fits = |(number, (pattern, host)): (usize, (&&str, &&str))| {
        (number == 0 && *pattern == "*") || pattern.eq_ignore_ascii_case(host)
    };
    pattern.len() == host.len() && pattern.iter().zip(&host).enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::{is_host, matches};

    #[test]
    fn hosts_are_matched() {
        for (pattern, host, expected) in [
            ("a.b", "a.b", true),
            ("*.b", "a.b", true),
            ("*.b", "a.a.b", false),
            ("A.b", "a.B.", true),
            ("", "a", false),
            ("a", ".", false),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn host_names_are_known() {
        for (text, is_pattern, expected) in [
            ("a-b_c.d", false, true),
            ("-a", false, false),
            ("a.", false, true),
            ("a.", true, false),
            ("*.a", true, true),
            ("*.a", false, false),
            ("a.*", true, false),
            ("a b", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_host(text, is_pattern), expected, "{text}");
        }
    }
}
