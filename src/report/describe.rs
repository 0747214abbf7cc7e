//! Describes the fields of a certificate in words.

use std::fmt::Write;

use der::asn1::ObjectIdentifier;
use der::{Decode, Tag, Tagged};
use sha2::{Digest, Sha256};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsage, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::x509::{ReadCertificate, oid};

/// The extended key usages with their names in RFC 5280, section 4.2.1.12.
const EXTENDED_USAGES: [(&str, &str); 7] = [
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
    ("2.5.29.37.0", "anyExtendedKeyUsage"),
];

/// The elliptic curves of RFC 5480, section 2.1.1.1, with their names in FIPS 186, and the Edwards curves of RFC 8410,
/// section 3.
const CURVES: [(&str, &str); 4] = [
    ("1.2.840.10045.3.1.7", "EC P-256"),
    ("1.3.132.0.34", "EC P-384"),
    ("1.3.132.0.35", "EC P-521"),
    ("1.3.132.0.33", "EC P-224"),
];
const EDWARDS: [(&str, &str); 2] = [("1.3.101.112", "Ed25519"), ("1.3.101.113", "Ed448")];

/// Returns the names of the key usages, then those of the extended key usages.
pub(crate) fn usages(certificate: &ReadCertificate) -> Vec<String> {
    let basic = certificate.key_usage().map(key_usages).unwrap_or_default();
    let extended = certificate.usages().iter().map(|usage| named(&EXTENDED_USAGES, *usage));
    basic.into_iter().map(str::to_owned).chain(extended).collect()
}

/// Returns the names of key usages (RFC 5280, section 4.2.1.3), in the order of the bits.
fn key_usages(usage: KeyUsage) -> Vec<&'static str> {
    let named = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ];
    named.into_iter().filter_map(|(set, name)| set.then_some(name)).collect()
}

fn named(names: &[(&str, &str)], oid: ObjectIdentifier) -> String {
    let dotted = oid.to_string();
    names.iter().find(|(known, _)| *known == dotted).map_or(dotted, |(_, name)| (*name).to_owned())
}

/// Returns every alternative name, including those that mean nothing to Kubernetes.
pub(crate) fn alt_names(certificate: &ReadCertificate) -> Vec<String> {
    let names = x509_cert::Certificate::from_der(certificate.der())
        .ok()
        .and_then(|read| read.tbs_certificate().get_extension::<SubjectAltName>().ok().flatten());
    let Some((_, SubjectAltName(names))) = names else { return Vec::new() };
    // `ReadCertificate` has the DNS names and IP addresses in the same order, in the form in which they are shown.
    let mut known = certificate.alt_names().iter();
    let words = names.iter().map(|name| match name {
        GeneralName::Rfc822Name(address) => format!("email:{address}"),
        GeneralName::UniformResourceIdentifier(identifier) => format!("URI:{identifier}"),
        GeneralName::DirectoryName(name) => format!("directory:{name}"),
        GeneralName::RegisteredId(identifier) => format!("id:{identifier}"),
        GeneralName::OtherName(name) => format!("other:{}", name.type_id),
        GeneralName::EdiPartyName(_) => "ediParty".to_owned(),
        GeneralName::IpAddress(octets) if !matches!(octets.as_bytes().len(), 4 | 16) => {
            format!("IP:{}", hex(octets.as_bytes()))
        }
        GeneralName::DnsName(_) | GeneralName::IpAddress(_) => {
            known.next().map(crate::x509::AltName::labelled).unwrap_or_default()
        }
    });
    words.collect()
}

/// Returns the algorithm and the size of the public key.
pub(crate) fn key(certificate: &ReadCertificate) -> String {
    let Ok(spki) = SubjectPublicKeyInfoRef::from_der(certificate.spki_der()) else { return "unknown".to_owned() };
    match spki.algorithm.oid {
        oid::RSA_ENCRYPTION => match pkcs1::RsaPublicKeyRef::from_der(spki.subject_public_key.raw_bytes()) {
            Ok(key) => format!("RSA {}", bit_length(key.modulus.as_bytes())),
            Err(_) => "RSA".to_owned(),
        },
        oid::EC_PUBLIC_KEY => {
            let curve = spki.algorithm.parameters.and_then(|parameters| parameters.decode_as().ok());
            curve.map_or_else(|| "EC".to_owned(), |curve| named(&CURVES, curve))
        }
        other => named(&EDWARDS, other),
    }
}

fn bit_length(magnitude: &[u8]) -> usize {
    let significant = magnitude.iter().position(|octet| *octet != 0).unwrap_or(magnitude.len());
    let octets = magnitude.get(significant..).unwrap_or_default();
    let unused = octets.first().map_or(0, |octet| octet.leading_zeros());
    octets.len() * 8 - usize::try_from(unused).unwrap_or_default()
}

/// Returns the last common name of a Name in DER, or an empty text if it has none. Kubernetes takes the last one for
/// the user's name.
///
/// Source: Go crypto/x509/pkix `Name.FillFromRDNSequence`.
pub(super) fn common_name(name: &[u8]) -> String {
    let Ok(name) = Name::from_der(name) else { return String::new() };
    name.iter().filter(|attribute| attribute.oid == oid::COMMON_NAME).last().map(text).unwrap_or_default()
}

fn text(attribute: &AttributeTypeAndValue) -> String {
    let octets = attribute.value.value();
    match attribute.value.tag() {
        Tag::BmpString => {
            let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(octets).into_owned(),
    }
}

/// Returns the content octets of the serial number in hex, without an octet that only keeps the sign.
pub(super) fn serial(certificate: &ReadCertificate) -> String {
    match certificate.serial() {
        [] => "00".to_owned(),
        [0, octets @ ..] if !octets.is_empty() => hex(octets),
        octets => hex(octets),
    }
}

/// Returns the serial number in decimal, as Go prints it.
pub(super) fn serial_in_decimal(certificate: &ReadCertificate) -> String {
    let is_negative = certificate.serial_is_negative();
    // In two's complement, the magnitude of a negative number is the inverse of its bits, plus one.
    let octets = certificate.serial().iter().map(|octet| if is_negative { !octet } else { *octet });
    let mut digits = vec![0_u8];
    for octet in octets {
        multiply_and_add(&mut digits, 256, u16::from(octet));
    }
    if is_negative {
        multiply_and_add(&mut digits, 1, 1);
    }
    let sign = if is_negative { "-" } else { "" };
    sign.chars().chain(digits.iter().rev().map(|digit| char::from(b'0' + digit))).collect()
}

/// Multiplies a number by a factor and adds a summand. The number is given by its decimal digits, the last one first.
fn multiply_and_add(digits: &mut Vec<u8>, factor: u16, summand: u16) {
    let mut carry = summand;
    for digit in digits.iter_mut() {
        carry += u16::from(*digit) * factor;
        *digit = (carry % 10) as u8;
        carry /= 10;
    }
    while carry > 0 {
        digits.push((carry % 10) as u8);
        carry /= 10;
    }
}

/// Returns the SHA-256 of the certificate's DER in hex.
pub(super) fn sha256(certificate: &ReadCertificate) -> String {
    hex(&Sha256::digest(certificate.der()))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
