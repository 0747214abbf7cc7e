//! Certificates as Go reads them.

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::der::{Der, GENERALIZED_TIME, SEQUENCE, SET, UTC_TIME, constructed};
use super::error::malformed;
use super::extensions::{Extensions, extensions};
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

#[cfg(test)]
mod tests {
    use super::{decimal, instant};

    #[test]
    fn serial_numbers_are_decimal() {
        for (octets, text) in
            [(&[0][..], "0"), (&[0, 0xff], "255"), (&[0xff], "-1"), (&[0x80, 0], "-32768"), (&[1, 0, 0], "65536")]
        {
            assert_eq!(decimal(octets), text);
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
