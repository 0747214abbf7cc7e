//! Certificates as Go reads them.

use std::net::IpAddr;

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::constraints::Constraints;
use super::der::{Der, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, UTC_TIME, constructed, context};
use super::error::{malformed, quoted};
use super::general_name::{ADDRESS, DNS, MAIL, URI, address, each_name, is_domain, uri_host};
use super::public_key::PublicKey;
use super::signature::SignatureAlgorithm;
use super::{GoError, GoVersion};

/// A certificate, as far as Go's judgement depends on it.
#[derive(Clone, Debug)]
pub struct GoCertificate {
    pub(super) der: Vec<u8>,
    pub(super) tbs: Vec<u8>,
    pub(super) version: i64,
    pub(super) serial: Vec<u8>,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) subject_name: SubjectName,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    pub(super) key: PublicKey,
    pub(super) signature: Vec<u8>,
    pub(super) extensions: Extensions,
}

/// The attributes of the subject that errors name.
#[derive(Clone, Debug, Default)]
pub(super) struct SubjectName {
    /// The last common name.
    pub(super) common: String,
    /// What Go calls the subject: the common name, or else the first organization. It may be no UTF-8.
    pub(super) title: Option<Vec<u8>>,
}

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
/// The bit of keyUsage that lets a CA sign certificates: keyCertSign, bit 5.
const CERT_SIGN: u16 = 1 << 5;

impl GoCertificate {
    /// Reads one certificate in DER as a version of Go does.
    ///
    /// # Errors
    /// Fails with Go's text. Source: crypto/x509/parser.go `ParseCertificate`, Go 1.19.8 to 1.26.
    pub fn parse(der: &[u8], go: GoVersion) -> Result<Self, GoError> {
        let mut input = Der(der);
        let whole = input.element(SEQUENCE).ok_or_else(|| malformed("malformed certificate"))?;
        let trailing = !input.is_empty();
        let mut parts = Der(whole.content);
        let tbs_element = parts.element(SEQUENCE).ok_or_else(|| malformed("malformed tbs certificate"))?;
        let mut tbs = Der(tbs_element.content);
        let version = version(&mut tbs, go)?;
        let serial = tbs.integer().ok_or_else(|| malformed("malformed serial number"))?;
        if go.is_at_least(23) && serial.first().is_some_and(|octet| octet & 0x80 != 0) {
            return Err(malformed("negative serial number"));
        }
        let inner = tbs.read(SEQUENCE).ok_or_else(|| malformed("malformed signature algorithm identifier"))?;
        let outer = parts.read(SEQUENCE).ok_or_else(|| malformed("malformed algorithm identifier"))?;
        if inner.0 != outer.0 && go.is_at_least(17) {
            return Err(malformed("inner and outer signature algorithm identifiers don't match"));
        }
        let (oid, parameters) = algorithm_identifier(inner)?;
        let algorithm = SignatureAlgorithm::of(oid, parameters);
        let issuer = tbs.element(SEQUENCE).ok_or_else(|| malformed("malformed issuer"))?;
        name(Der(issuer.content), go)?;
        let mut validity = tbs.read(SEQUENCE).ok_or_else(|| malformed("malformed validity"))?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let subject = tbs.element(SEQUENCE).ok_or_else(|| malformed("malformed issuer"))?;
        let subject_name = name(Der(subject.content), go)?;
        let spki = tbs.element(SEQUENCE).ok_or_else(|| malformed("malformed spki"))?;
        let mut spki = Der(spki.content);
        let key_algorithm =
            spki.read(SEQUENCE).ok_or_else(|| malformed("malformed public key algorithm identifier"))?;
        let (key_oid, key_parameters) = algorithm_identifier(key_algorithm)?;
        let (bits, _) = spki.bit_string().ok_or_else(|| malformed("malformed subjectPublicKey"))?;
        let key = PublicKey::read(key_oid, key_parameters, bits, go)?;
        // encoding/asn1 reads them whatever the version.
        let has_extensions = version > 1 || !go.is_at_least(17);
        let extensions = if has_extensions { extensions(&mut tbs, version, go)? } else { Extensions::default() };
        let (signature, _) = parts.bit_string().ok_or_else(|| malformed("malformed signature"))?;
        if trailing {
            return Err(malformed("trailing data"));
        }
        Ok(Self {
            der: whole.whole.to_vec(),
            tbs: tbs_element.whole.to_vec(),
            version,
            serial: serial.to_vec(),
            algorithm,
            issuer: issuer.whole.to_vec(),
            subject: subject.whole.to_vec(),
            subject_name,
            not_before,
            not_after,
            key,
            signature: signature.to_vec(),
            extensions,
        })
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the public key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Returns the first second of validity.
    #[must_use]
    pub const fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// Returns the last second of validity.
    #[must_use]
    pub const fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// Returns the subject's last common name, or an empty text.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.subject_name.common
    }

    /// Returns the issuer's Name in DER.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// Returns the subject's Name in DER.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// Returns whether basicConstraints says that this is a CA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.extensions.basic_constraints.is_some_and(|(is_ca, _)| is_ca)
    }

    /// Returns the subject's common name, or the name that Go's errors use instead.
    pub(super) fn title(&self) -> Vec<u8> {
        let title = self.subject_name.title.clone();
        title.unwrap_or_else(|| format!("serial:{}", decimal(&self.serial)).into_bytes())
    }

    /// Returns whether this CA may sign certificates. Source: crypto/x509/x509.go `CheckSignatureFrom`.
    pub(super) fn may_sign(&self) -> bool {
        let is_no_ca = match self.extensions.basic_constraints {
            None => self.version == 3,
            Some((is_ca, _)) => !is_ca,
        };
        let usage = self.extensions.key_usage;
        !is_no_ca && (usage == 0 || usage & CERT_SIGN != 0)
    }
}

/// Returns a number of two's complement in decimal.
fn decimal(octets: &[u8]) -> String {
    let is_negative = octets.first().is_some_and(|octet| octet & 0x80 != 0);
    let mut magnitude: Vec<u8> = octets.iter().map(|octet| if is_negative { !octet } else { *octet }).collect();
    if is_negative {
        for octet in magnitude.iter_mut().rev() {
            let (sum, carry) = octet.overflowing_add(1);
            *octet = sum;
            if !carry {
                break;
            }
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|octet| *octet != 0) {
        let mut remainder = 0_u32;
        for octet in &mut magnitude {
            let value = (remainder << 8) | u32::from(*octet);
            *octet = u8::try_from(value / 10).unwrap_or_default();
            remainder = value % 10;
        }
        digits.push(char::from_digit(remainder, 10).unwrap_or('0'));
    }
    if digits.is_empty() {
        digits.push('0');
    }
    if is_negative {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

fn version(tbs: &mut Der<'_>, go: GoVersion) -> Result<i64, GoError> {
    let broken = || malformed("malformed version");
    let field = tbs.optional(constructed(0)).ok_or_else(broken)?;
    let version = match field {
        None => 0,
        Some(mut field) => field.small_integer().filter(|_| field.is_empty()).ok_or_else(broken)?,
    };
    // encoding/asn1 takes any number.
    if version < 0 && go.is_at_least(17) {
        return Err(broken());
    }
    if version > 2 && go.is_at_least(17) {
        return Err(malformed("invalid version"));
    }
    Ok(version.saturating_add(1))
}

/// Returns the object identifier and the parameters, with their tag.
fn algorithm_identifier(mut fields: Der<'_>) -> Result<(&[u8], &[u8]), GoError> {
    let oid = fields.oid().ok_or_else(|| malformed("malformed OID"))?;
    if fields.is_empty() {
        return Ok((oid, &[]));
    }
    let parameters = fields.any().ok_or_else(|| malformed("malformed parameters"))?;
    Ok((oid, parameters.whole))
}

/// Reads a Name. Source: crypto/x509/parser.go `parseName`.
fn name(mut rdns: Der<'_>, go: GoVersion) -> Result<SubjectName, GoError> {
    let broken = |what: &str| malformed(format!("invalid RDNSequence{what}"));
    let (mut common, mut organization) = (Vec::new(), None);
    while !rdns.is_empty() {
        let mut set = rdns.read(SET).ok_or_else(|| broken(""))?;
        while !set.is_empty() {
            let mut attribute = set.read(SEQUENCE).ok_or_else(|| broken(": invalid attribute"))?;
            let kind = attribute.oid().ok_or_else(|| broken(": invalid attribute type"))?;
            let value = attribute.any().ok_or_else(|| broken(": invalid attribute value"))?;
            let text = string(value.tag, value.content, go)
                .map_err(|reason| broken(&format!(": invalid attribute value: {reason}")))?;
            match (kind, text) {
                ([0x55, 4, 3], Some(text)) => common = text,
                ([0x55, 4, 10], Some(text)) => {
                    organization.get_or_insert(text);
                }
                _ => {}
            }
        }
    }
    let text = String::from_utf8_lossy(&common).into_owned();
    Ok(SubjectName { common: text, title: if common.is_empty() { organization } else { Some(common) } })
}

/// Reads a text; `None` is a value of another kind. Source: crypto/x509/parser.go `parseASN1String`, and `readASN1Any`
/// of Go 1.27.3.
fn string(tag: u8, octets: &[u8], go: GoVersion) -> Result<Option<Vec<u8>>, String> {
    let is_printable = |octet: &u8| {
        octet.is_ascii_alphanumeric()
            || matches!(octet, b'\''..=b')' | b'+'..=b'/' | b' ' | b':' | b'=' | b'?' | b'*' | b'&')
    };
    let is_number = |octet: &u8| octet.is_ascii_digit() || *octet == b' ';
    let (is_read, kind) = match tag {
        // T61String: from Go 1.25 on it is taken for Latin-1.
        0x14 if go.is_at_least(25) => {
            return Ok(Some(octets.iter().map(|octet| char::from(*octet)).collect::<String>().into_bytes()));
        }
        0x14 => (true, ""),
        0x13 => (octets.iter().all(is_printable), "PrintableString"),
        0x0c => (std::str::from_utf8(octets).is_ok(), "UTF-8 string"),
        0x1e => {
            let units = octets.strip_suffix(&[0, 0]).unwrap_or(octets).chunks_exact(2);
            let units: Vec<u16> = units.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            let is_refused = |unit: &u16| matches!(unit, 0xfffe | 0xffff | 0xfdd0..=0xfdef | 0xd800..=0xdfff);
            if !octets.len().is_multiple_of(2) || (go.is_at_least(25) && units.iter().any(is_refused)) {
                return Err("invalid BMPString".to_owned());
            }
            return Ok(Some(String::from_utf16_lossy(&units).into_bytes()));
        }
        0x16 => (octets.is_ascii(), "IA5String"),
        0x12 => (octets.iter().all(is_number), "NumericString"),
        // encoding/asn1 passed them over, and so does Go 1.27.
        _ if go.is_at_least(27) || !go.is_at_least(17) => return Ok(None),
        other => return Err(format!("unsupported string type: {other}")),
    };
    if is_read { Ok(Some(octets.to_vec())) } else { Err(format!("invalid {kind}")) }
}

fn time(validity: &mut Der<'_>) -> Result<OffsetDateTime, GoError> {
    for (tag, years, kind) in [(UTC_TIME, 2, "UTCTime"), (GENERALIZED_TIME, 4, "GeneralizedTime")] {
        if validity.peeks(tag) {
            let text = validity.read(tag).and_then(|text| std::str::from_utf8(text.0).ok());
            return text.and_then(|text| instant(text, years)).ok_or_else(|| malformed(format!("malformed {kind}")));
        }
    }
    Err(malformed("unsupported time format"))
}

/// Reads a time with a year of two or four digits. Source: cryptobyte/asn1.go `ReadASN1UTCTime` and
/// `ReadASN1GeneralizedTime`.
fn instant(text: &str, years: usize) -> Option<OffsetDateTime> {
    let digits = |from: usize, count: usize| {
        let part = text.get(from..from + count)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<i32>().ok()).flatten()
    };
    let year = match (years, digits(0, years)?) {
        (2, year @ 50..) => 1900 + year,
        (2, year) => 2000 + year,
        (_, year) => year,
    };
    let field = |number: usize| u8::try_from(digits(years + 2 * number, 2)?).ok();
    let rest = text.get(years + 8..)?;
    // The seconds of a UTCTime may be absent.
    let has_seconds = years == 4 || rest.starts_with(|letter: char| letter.is_ascii_digit());
    let (second, zone) = if has_seconds { (field(4)?, rest.get(2..)?) } else { (0, rest) };
    let offset = match zone.as_bytes() {
        b"Z" => UtcOffset::UTC,
        [sign @ (b'+' | b'-'), digits @ ..] if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) => {
            let number: i8 = zone.get(1..3)?.parse().ok()?;
            let minutes: i8 = zone.get(3..5)?.parse().ok()?;
            let sign = if *sign == b'-' { -1 } else { 1 };
            UtcOffset::from_hms(sign * number, sign * minutes, 0).ok().filter(|offset| !offset.is_utc())?
        }
        _ => return None,
    };
    let date = Date::from_calendar_date(year, Month::try_from(field(0)?).ok()?, field(1)?).ok()?;
    let time = Time::from_hms(field(2)?, field(3)?, second).ok()?;
    Some(OffsetDateTime::new_in_offset(date, time, offset).to_offset(UtcOffset::UTC))
}

fn extensions(tbs: &mut Der<'_>, version: i64, go: GoVersion) -> Result<Extensions, GoError> {
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
    use super::{decimal, dotted, instant};

    #[test]
    fn serial_numbers_are_decimal() {
        for (octets, text) in
            [(&[0][..], "0"), (&[0, 0xff], "255"), (&[0xff], "-1"), (&[0x80, 0], "-32768"), (&[1, 0, 0], "65536")]
        {
            assert_eq!(decimal(octets), text);
        }
    }

    #[test]
    fn object_identifiers_have_dots() {
        for (octets, text) in
            [(&[0x55, 0x1d, 0x11][..], "2.5.29.17"), (&[0x2a, 0x86, 0x48], "1.2.840"), (&[0x88, 0x37], "2.999")]
        {
            assert_eq!(dotted(octets), text);
        }
    }

    #[test]
    fn times_are_read() {
        for (text, years, seconds) in [
            ("700101000001Z", 2, Some(1)),
            ("7001010000Z", 2, Some(0)),
            ("700101010000+0100", 2, Some(0)),
            ("500101000000Z", 2, Some(-631_152_000)),
            ("19700101000000Z", 4, Some(0)),
            ("19700101000000", 4, None),
            ("19700101000000.5Z", 4, None),
            ("19701301000000Z", 4, None),
            ("1970010100Z", 4, None),
        ] {
            assert_eq!(instant(text, years).map(time::OffsetDateTime::unix_timestamp), seconds, "{text}");
        }
    }
}
