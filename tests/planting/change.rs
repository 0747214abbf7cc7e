//! What a fault changes in a good certificate, and what the rules are told about it.
//!
//! A field that is not named stays. Text and lists that are empty take an extension away.

use std::net::IpAddr;

use certferry::x509::oid;
use der::asn1::ObjectIdentifier;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toml::value::Datetime;
use x509_cert::ext::pkix::KeyUsages;

use super::forge::{Forge, Hash, Key, names};

/// The number of the key that `ec` stands for.
pub const EC_KEY: u8 = 21;

/// A change of a certificate.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// The content of the INTEGER in hexadecimal.
    serial: Option<String>,
    sha1: bool,
    /// A key of so many bits.
    pub rsa: Option<usize>,
    pub ec: bool,
    /// As OpenSSL writes it: `critical,CA:TRUE`.
    basic_constraints: Option<String>,
    key_usage: Option<Vec<String>>,
    extended_key_usage: Option<Vec<String>>,
    /// In hexadecimal, as the next one.
    subject_key_identifier: Option<String>,
    authority_key_identifier: Option<String>,
    /// `O=` of each group, then `CN=`.
    subject: Option<Vec<String>>,
    alt_names: Option<Vec<String>>,
    /// Names to take away, which must be there, and names to add.
    without: Vec<String>,
    with: Vec<String>,
    not_before: Option<Datetime>,
    not_after: Option<Datetime>,
    /// Changes of its CA.
    pub issuer: Option<Box<Change>>,
    /// The CA of that name signs instead, and its issuer signed that.
    pub signed_by: Option<String>,
    pub facts: Told,
}

/// What the rules are told in place of what is so in the lab. The empty text is nothing known.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Told {
    pub purpose: Option<String>,
    pub node: Option<String>,
    pub addresses: Option<Vec<IpAddr>>,
    pub endpoint: Option<String>,
    pub service: Option<String>,
    pub service_address: Option<IpAddr>,
    pub issuer_is_known: Option<bool>,
    /// One instant more.
    pub needed_at: Option<Datetime>,
}

impl Change {
    /// Changes the certificate itself.
    pub fn apply(&self, forge: &mut Forge) {
        if self.sha1 {
            forge.hash = Hash::Sha1;
        }
        if self.ec {
            forge.spki = Key::new(EC_KEY).spki();
        }
        if let Some(bits) = self.rsa {
            forge.set_rsa_key(bits);
        }
        if let Some(serial) = &self.serial {
            forge.serial = hex(serial);
        }
        if let Some(text) = &self.basic_constraints {
            let ca = text.ends_with("CA:TRUE");
            assert!(ca || text.ends_with("CA:FALSE") || text.is_empty(), "{text}");
            forge.basic_constraints = (!text.is_empty()).then_some((ca, text.starts_with("critical,")));
        }
        if let Some(flags) = &self.key_usage {
            forge.key_usage =
                Some(flags.iter().map(|flag| key_usage(flag)).collect()).filter(|flags: &Vec<_>| !flags.is_empty());
        }
        if let Some(usages) = &self.extended_key_usage {
            forge.usages =
                Some(usages.iter().map(|name| usage(name)).collect()).filter(|usages: &Vec<_>| !usages.is_empty());
        }
        if let Some(identifier) = &self.subject_key_identifier {
            forge.subject_key_identifier = Some(hex(identifier)).filter(|octets| !octets.is_empty());
        }
        if let Some(identifier) = &self.authority_key_identifier {
            forge.authority_key_identifier = Some(hex(identifier)).filter(|octets| !octets.is_empty());
        }
        match self.subject.as_deref() {
            None => {}
            // A Name of no parts.
            Some([]) => forge.subject = vec![0x30, 0x00],
            Some([groups @ .., name]) => {
                let groups: Vec<_> = groups.iter().map(|group| group.strip_prefix("O=").unwrap()).collect();
                forge.name(&groups, name.strip_prefix("CN=").unwrap());
            }
        }
        if let Some(all) = &self.alt_names {
            forge.alt_names.clear();
            all.iter().for_each(|name| forge.add_name(name));
        }
        self.without.iter().for_each(|name| forge.unname(name));
        self.with.iter().for_each(|name| forge.add_name(name));
        if let Some(at) = &self.not_before {
            forge.not_before = instant(at);
        }
        if let Some(at) = &self.not_after {
            forge.not_after = instant(at);
        }
    }
}

pub fn instant(at: &Datetime) -> OffsetDateTime {
    OffsetDateTime::parse(&at.to_string(), &Rfc3339).unwrap()
}

/// Octets in hexadecimal.
fn hex(text: &str) -> Vec<u8> {
    let octet = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(octet).collect()
}

fn key_usage(name: &str) -> KeyUsages {
    match name {
        "digitalSignature" => KeyUsages::DigitalSignature,
        "keyEncipherment" => KeyUsages::KeyEncipherment,
        "dataEncipherment" => KeyUsages::DataEncipherment,
        "keyAgreement" => KeyUsages::KeyAgreement,
        "keyCertSign" => KeyUsages::KeyCertSign,
        _ => panic!("{name}"),
    }
}

fn usage(name: &str) -> ObjectIdentifier {
    match name {
        "serverAuth" => oid::SERVER_AUTH,
        "clientAuth" => oid::CLIENT_AUTH,
        "anyExtendedKeyUsage" => oid::ANY_EXTENDED_KEY_USAGE,
        // id-kp-codeSigning: RFC 5280, section 4.2.1.12.
        "codeSigning" => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3"),
        _ => panic!("{name}"),
    }
}

/// A name, or nothing.
pub fn name(text: &str) -> Option<certferry::x509::AltName> {
    if text.is_empty() { None } else { names(&[text]).pop() }
}
