//! DER, written as it is asked for, also wrongly.

use der::Encode;
use der::asn1::ObjectIdentifier;
use time::OffsetDateTime;

/// An element: tag, length, content.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match u16::try_from(length).unwrap().to_be_bytes() {
        [0, short @ ..=0x7f] => vec![tag, short],
        [0, octet] => vec![tag, 0x81, octet],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [&head, content].concat()
}

pub fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x31, &parts.concat())
}

pub fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(text).to_der().unwrap()
}

pub fn null() -> Vec<u8> {
    vec![5, 0]
}

/// A positive number.
pub fn uint(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let octets = &octets[zeros.min(octets.len().saturating_sub(1))..];
    if octets.first().is_none_or(|first| first & 0x80 != 0) {
        return tlv(2, &[&[0], octets].concat());
    }
    tlv(2, octets)
}

pub fn octets(content: &[u8]) -> Vec<u8> {
    tlv(4, content)
}

/// A string of whole octets.
pub fn bits(content: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], content].concat())
}

/// A UTCTime, whatever the century.
pub fn utc_time(at: OffsetDateTime) -> Vec<u8> {
    let year = at.year() % 100;
    tlv(0x17, format!("{year:02}{}", after_the_year(at)).as_bytes())
}

pub fn generalized_time(at: OffsetDateTime) -> Vec<u8> {
    tlv(0x18, format!("{:04}{}", at.year(), after_the_year(at)).as_bytes())
}

fn after_the_year(at: OffsetDateTime) -> String {
    let (month, day) = (u8::from(at.month()), at.day());
    format!("{month:02}{day:02}{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second())
}

/// A Name of one attribute.
pub fn common_name(text: &str) -> Vec<u8> {
    name(&[("2.5.4.3", 0x0c, text.as_bytes())])
}

/// A Name of attributes: type, tag of the string, content.
pub fn name(attributes: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let attribute = |(kind, tag, content): &(&str, u8, &[u8])| set(&[seq(&[oid(kind), tlv(*tag, content)])]);
    seq(&attributes.iter().map(attribute).collect::<Vec<_>>())
}
