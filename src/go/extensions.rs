//! Extensions of a certificate as Go reads them.

use std::net::IpAddr;

use super::constraints::Constraints;
use super::der::{Der, INTEGER, OCTET_STRING, OID, SEQUENCE, constructed, context};
use super::error::{malformed, quoted};
use super::general_name::{ADDRESS, DNS, MAIL, URI, address, each_name, is_domain, uri_host};
use super::{GoError, GoVersion};

#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    pub(super) key_usage: u16,
    /// `cA` and the path length, which is -1 when it is absent; `None` without basicConstraints.
    pub(super) basic_constraints: Option<(bool, i64)>,
    pub(super) subject_alt_name: Option<Vec<u8>>,
    pub(super) names: Names,
    pub(super) usages: Vec<Vec<u8>>,
    pub(super) has_usages: bool,
    pub(super) subject_key_identifier: Vec<u8>,
    pub(super) authority_key_identifier: Vec<u8>,
    pub(super) constraints: Option<Constraints>,
    pub(super) has_unhandled_critical: bool,
    /// Whether certificate policies may make a chain invalid.
    pub(super) has_policy_rules: bool,
}

/// The names in subjectAltName.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) dns: Vec<String>,
    pub(super) mail: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) uris: Vec<String>,
}

/// id-pe-authorityInfoAccess: RFC 5280, section 4.2.2.1.
const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];

pub(super) fn extensions(tbs: &mut Der<'_>, version: i64, go: GoVersion) -> Result<Extensions, GoError> {
    for (number, field) in [(1, "issuerUniqueID"), (2, "subjectUniqueID")] {
        tbs.optional(context(number)).ok_or_else(|| malformed(format!("malformed {field}")))?;
    }
    let mut read = Extensions::default();
    if version < 3 && go.is_at_least(17) {
        return Ok(read);
    }
    let broken = || malformed("malformed extensions");
    let Some(mut field) = tbs.optional(constructed(3)).ok_or_else(broken)? else { return Ok(read) };
    let mut list = field.read(SEQUENCE).ok_or_else(broken)?;
    let mut seen: Vec<(&[u8], bool, &[u8])> = Vec::new();
    while !list.is_empty() {
        let mut extension = list.read(SEQUENCE).ok_or_else(|| malformed("malformed extension"))?;
        let oid = extension.oid().ok_or_else(|| malformed("malformed extension OID field"))?;
        let is_critical = if extension.peeks(super::der::BOOLEAN) {
            extension.boolean().ok_or_else(|| malformed("malformed extension critical field"))?
        } else {
            false
        };
        let value = extension.read(OCTET_STRING).ok_or_else(|| malformed("malformed extension value field"))?;
        if go.is_at_least(19) && seen.iter().any(|(known, _, _)| *known == oid) {
            let which = if go.is_at_least(23) { format!(" with OID \"{}\"", dotted(oid)) } else { "s".to_owned() };
            return Err(malformed(format!("certificate contains duplicate extension{which}")));
        }
        seen.push((oid, is_critical, value.0));
    }
    for (oid, is_critical, value) in seen {
        // RFC 5280, sections 4.2.1.1, 4.2.1.2 and 4.2.2.1: these must not be critical.
        let name = match oid {
            [0x55, 0x1d, 35] => Some("authority key identifier"),
            [0x55, 0x1d, 14] => Some("subject key identifier"),
            AUTHORITY_INFO_ACCESS => Some("authority info access"),
            _ => None,
        };
        if let Some(name) = name.filter(|_| is_critical && go.is_at_least(23)) {
            return Err(malformed(format!("{name} incorrectly marked critical")));
        }
        let is_handled = read.read(oid, value, go)?;
        if !go.is_at_least(17) {
            nothing_follows(oid, value)?;
        }
        read.has_unhandled_critical |= is_critical && !is_handled;
    }
    Ok(read)
}

/// Refuses what stands behind the value of an extension, as encoding/asn1 did. Source: crypto/x509/x509.go
/// `parseCertificate`, Go 1.15.15.
fn nothing_follows(oid: &[u8], value: &[u8]) -> Result<(), GoError> {
    let what = match oid {
        [0x55, 0x1d, 14] => "key-id",
        [0x55, 0x1d, 15] => "KeyUsage",
        [0x55, 0x1d, 17] => "extension",
        [0x55, 0x1d, 19] => "BasicConstraints",
        [0x55, 0x1d, 31] => "CRL distribution point",
        [0x55, 0x1d, 32] => "certificate policies",
        [0x55, 0x1d, 35] => "authority key-id",
        [0x55, 0x1d, 37] => "ExtendedKeyUsage",
        AUTHORITY_INFO_ACCESS => "authority information",
        _ => return Ok(()),
    };
    let mut rest = Der(value);
    let is_alone = rest.any().is_some() && rest.is_empty();
    if is_alone { Ok(()) } else { Err(malformed(format!("trailing data after X.509 {what}"))) }
}

impl Extensions {
    /// Reads an extension. Returns whether Go knows what it means. Source: crypto/x509/parser.go `processExtensions`.
    fn read(&mut self, oid: &[u8], value: &[u8], go: GoVersion) -> Result<bool, GoError> {
        let mut der = Der(value);
        match oid {
            [0x55, 0x1d, 15] => {
                let (octets, _) = der.bit_string().ok_or_else(|| malformed("invalid key usage"))?;
                let bit =
                    |number: usize| octets.get(number / 8).is_some_and(|octet| octet & (0x80 >> (number % 8)) != 0);
                self.key_usage = (0..9).filter(|number| bit(*number)).map(|number| 1 << number).sum();
            }
            [0x55, 0x1d, 19] => self.basic_constraints = Some(basic_constraints(der, go)?),
            [0x55, 0x1d, 17] => {
                self.subject_alt_name = Some(value.to_vec());
                self.names = names(value, go)?;
                let Names { dns, mail, addresses, uris } = &self.names;
                return Ok(!(dns.is_empty() && mail.is_empty() && addresses.is_empty() && uris.is_empty()));
            }
            [0x55, 0x1d, 30] => {
                let (constraints, is_handled) = Constraints::read(value, go)?;
                self.constraints = Some(constraints);
                return Ok(is_handled);
            }
            [0x55, 0x1d, 35] => {
                let broken = || malformed("invalid authority key identifier");
                let mut fields = der.read(SEQUENCE).ok_or_else(broken)?;
                if let Some(key) = fields.optional(context(0)).ok_or_else(broken)? {
                    self.authority_key_identifier = key.0.to_vec();
                }
            }
            [0x55, 0x1d, 37] => {
                let broken = || malformed("invalid extended key usages");
                self.has_usages = true;
                let mut list = der.read(SEQUENCE).ok_or_else(broken)?;
                while !list.is_empty() {
                    self.usages.push(list.oid().ok_or_else(broken)?.to_vec());
                }
            }
            [0x55, 0x1d, 14] => {
                let key = der.read(OCTET_STRING).ok_or_else(|| malformed("invalid subject key identifier"))?;
                self.subject_key_identifier = key.0.to_vec();
            }
            [0x55, 0x1d, 31] => {
                let mut list = der.read(SEQUENCE).ok_or_else(|| malformed("invalid CRL distribution points"))?;
                while !list.is_empty() {
                    distribution_point(&mut list).ok_or_else(|| malformed("invalid CRL distribution point"))?;
                }
            }
            [0x55, 0x1d, 32] => policies(der, go)?,
            [0x55, 0x1d, 33] if go.is_at_least(24) => {
                let broken = || malformed("invalid policy mappings extension");
                let mut list = der.read(SEQUENCE).ok_or_else(broken)?;
                self.has_policy_rules |= !list.is_empty();
                while !list.is_empty() {
                    let mut pair = list.read(SEQUENCE).ok_or_else(broken)?;
                    pair.read(OID).and_then(|_| pair.read(OID)).ok_or_else(broken)?;
                }
            }
            [0x55, 0x1d, 36] if go.is_at_least(24) => {
                let broken = || malformed("invalid policy constraints extension");
                let mut fields = der.read(SEQUENCE).ok_or_else(broken)?;
                for number in [0, 1] {
                    if fields.peeks(context(number)) {
                        fields.tagged_integer(context(number)).ok_or_else(broken)?;
                        self.has_policy_rules = true;
                    }
                }
            }
            [0x55, 0x1d, 54] if go.is_at_least(24) => {
                der.small_integer().ok_or_else(|| malformed("invalid inhibit any policy extension"))?;
            }
            AUTHORITY_INFO_ACCESS => {
                authority_info_access(der).ok_or_else(|| malformed("invalid authority info access"))?
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn basic_constraints(mut der: Der<'_>, go: GoVersion) -> Result<(bool, i64), GoError> {
    // Until then Go said which part was broken.
    let broken =
        |part: &str| malformed(format!("invalid basic constraints{}", if go.is_at_least(20) { "" } else { part }));
    let mut fields = der.read(SEQUENCE).ok_or_else(|| broken(" a"))?;
    let is_ca = if fields.peeks(super::der::BOOLEAN) { fields.boolean().ok_or_else(|| broken(" b"))? } else { false };
    let mut length = -1;
    if fields.peeks(INTEGER) {
        length =
            fields.small_integer().filter(|length| *length >= 0 || !go.is_at_least(25)).ok_or_else(|| broken(" c"))?;
    }
    Ok((is_ca, length))
}

fn policies(mut der: Der<'_>, go: GoVersion) -> Result<(), GoError> {
    let broken = || malformed("invalid certificate policies");
    let mut list = der.read(SEQUENCE).ok_or_else(broken)?;
    let mut seen = Vec::new();
    while !list.is_empty() {
        let policy = list.read(SEQUENCE).and_then(|mut policy| policy.oid()).ok_or_else(broken)?;
        if go.is_at_least(24) && seen.contains(&policy) {
            return Err(broken());
        }
        seen.push(policy);
    }
    Ok(())
}

/// Reads a DistributionPoint as far as Go does.
fn distribution_point(list: &mut Der<'_>) -> Option<()> {
    let mut fields = list.read(SEQUENCE)?;
    let Some(mut name) = fields.optional(constructed(0))? else { return Some(()) };
    let mut names = name.read(constructed(0))?;
    while names.peeks(context(URI)) {
        names.read(context(URI))?;
    }
    Some(())
}

fn authority_info_access(mut der: Der<'_>) -> Option<()> {
    let mut list = der.read(SEQUENCE)?;
    while !list.is_empty() {
        let mut access = list.read(SEQUENCE)?;
        access.oid()?;
        if access.peeks(context(URI)) {
            access.read(context(URI))?;
        }
    }
    Some(())
}

/// Returns an object identifier with dots. Source: encoding/asn1/asn1.go `ObjectIdentifier.String`.
fn dotted(octets: &[u8]) -> String {
    let mut arcs = vec![0_u64];
    for octet in octets {
        let arc = arcs.last_mut().map(|arc| {
            *arc = (*arc << 7) | u64::from(octet & 0x7f);
            *arc
        });
        if octet & 0x80 == 0 {
            if let Some(both) = arc.filter(|_| arcs.len() == 1) {
                let first = (both / 40).min(2);
                arcs = vec![first, both - first * 40];
            }
            arcs.push(0);
        }
    }
    arcs.pop();
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// Source: crypto/x509/parser.go `domainNameValid`, Go 1.24.8 and 1.25.2.
fn is_strict(name: &str, go: GoVersion) -> bool {
    !name.is_empty() && name.len() <= 253 && is_domain(name, go) && name.split('.').all(|label| label.len() <= 63)
}

fn names(value: &[u8], go: GoVersion) -> Result<Names, GoError> {
    let mut names = Names::default();
    let text = |octets: &[u8], kind: &str| {
        let is_refused = go.is_at_least(16) && !octets.is_ascii();
        if is_refused {
            Err(malformed(format!("SAN {kind} is malformed")))
        } else {
            Ok(String::from_utf8_lossy(octets).into_owned())
        }
    };
    for (kind, octets) in each_name(value)? {
        match kind {
            MAIL => names.mail.push(text(octets, "rfc822Name")?),
            DNS => {
                let name = text(octets, "dNSName")?;
                // golang/go#75828: two releases refused names that others take.
                if matches!(go, GoVersion(24, 8) | GoVersion(25, 2)) && !is_strict(&name, go) {
                    return Err(malformed("SAN dNSName is malformed"));
                }
                names.dns.push(name);
            }
            URI => {
                let uri = text(octets, "uniformResourceIdentifier")?;
                if let Some(host) = uri_host(&uri)
                    && !is_domain(&host, go)
                {
                    return Err(malformed(format!("cannot parse URI {}: invalid domain", quoted(&uri))));
                }
                names.uris.push(uri);
            }
            ADDRESS => match address(octets) {
                Some(IpAddr::V6(address)) if go.is_at_least(27) && address.to_ipv4_mapped().is_some() => {
                    return Err(malformed("SAN iPAddress contains IPv4-mapped IPv6 address"));
                }
                Some(address) => names.addresses.push(address),
                None => return Err(malformed(format!("cannot parse IP address of length {}", octets.len()))),
            },
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::dotted;

    #[test]
    fn object_identifiers_have_dots() {
        for (octets, text) in
            [(&[0x55, 0x1d, 0x11][..], "2.5.29.17"), (&[0x2a, 0x86, 0x48], "1.2.840"), (&[0x88, 0x37], "2.999")]
        {
            assert_eq!(dotted(octets), text);
        }
    }
}
