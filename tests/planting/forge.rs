//! Certificates as nobody should make them, rightly signed.
//!
//! Written field by field: tools that make certificates refuse half of what is needed here.

use std::sync::Arc;

use certferry::x509::{AltName, DistinguishedName, ReadCertificate, oid};
use der::asn1::{Any, BitString, GeneralizedTime, Ia5String, Null, ObjectIdentifier, OctetString, UtcTime};
use der::pem::LineEnding;
use der::{DateTime, Decode, Encode, Sequence, Tag};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, NameConstraints, SubjectAltName,
    SubjectKeyIdentifier,
};

/// A key.
#[derive(Clone)]
pub enum Key {
    P256(SigningKey),
    Rsa(Arc<RsaKeyPair>),
}

/// A certificate to be signed; every field may be wrong.
#[derive(Clone)]
pub struct Forge {
    /// The content of the INTEGER.
    pub serial: Vec<u8>,
    /// The Name in DER.
    pub subject: Vec<u8>,
    /// The SubjectPublicKeyInfo in DER.
    pub spki: Vec<u8>,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
    /// Whether dates before 2050 are GeneralizedTime, against RFC 5280, section 4.1.2.5.
    pub generalized: bool,
    pub hash: Hash,
    /// basicConstraints: CA or not, critical or not.
    pub basic_constraints: Option<(bool, bool)>,
    pub key_usage: Option<Vec<KeyUsages>>,
    pub usages: Option<Vec<ObjectIdentifier>>,
    pub subject_key_identifier: Option<Vec<u8>>,
    pub authority_key_identifier: Option<Vec<u8>>,
    pub alt_names: Vec<AltName>,
    /// The path length in basicConstraints.
    pub path_length: Option<u8>,
    /// The DNS domains that nameConstraints permits.
    pub permitted: Vec<String>,
}

/// What is signed.
#[derive(Clone, Copy)]
pub enum Hash {
    Sha1,
    Sha256,
}

/// Certificate (RFC 5280, section 4.1).
#[derive(Sequence)]
struct Signed {
    tbs: Tbs,
    algorithm: Algorithm,
    signature: BitString,
}

#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0")]
    version: u8,
    serial: Any,
    algorithm: Algorithm,
    issuer: Any,
    validity: Period,
    subject: Any,
    spki: Any,
    #[asn1(context_specific = "3")]
    extensions: Vec<Extension>,
}

#[derive(Clone, Sequence)]
struct Algorithm {
    oid: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<Null>,
}

#[derive(Sequence)]
struct Period {
    not_before: Any,
    not_after: Any,
}

impl Key {
    /// A key that everybody knows.
    pub fn new(number: u8) -> Self {
        Self::P256(SigningKey::from_slice(&[number; 32]).unwrap())
    }

    /// From PEM, SEC1.
    pub fn from_pem(pem: &[u8]) -> Self {
        let key = p256::SecretKey::from_sec1_pem(std::str::from_utf8(pem).unwrap()).unwrap();
        Self::P256(SigningKey::from(key))
    }

    /// From PEM, PKCS#1.
    pub fn rsa(pem: &str) -> Self {
        let (_, der) = der::pem::decode_vec(pem.as_bytes()).unwrap();
        Self::Rsa(Arc::new(RsaKeyPair::from_der(&der).unwrap()))
    }

    pub fn spki(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                p256::PublicKey::from(key.verifying_key()).to_public_key_der().unwrap().as_bytes().to_vec()
            }
            Self::Rsa(key) => rsa_spki(key.public_key().as_ref()),
        }
    }

    fn algorithm(&self, hash: Hash) -> Algorithm {
        match (self, hash) {
            (Self::P256(_), Hash::Sha1) => {
                Algorithm { oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), parameters: None }
            }
            (Self::P256(_), Hash::Sha256) => Algorithm { oid: oid::ECDSA_WITH_SHA256, parameters: None },
            (Self::Rsa(_), Hash::Sha256) => Algorithm { oid: oid::SHA256_WITH_RSA, parameters: Some(Null) },
            (Self::Rsa(_), Hash::Sha1) => panic!("nobody needs it"),
        }
    }

    fn sign(&self, message: &[u8], hash: Hash) -> Vec<u8> {
        let key = match self {
            Self::P256(key) => key,
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                return signature;
            }
        };
        let signature: DerSignature = match hash {
            Hash::Sha256 => key.sign(message),
            Hash::Sha1 => {
                let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, message);
                key.sign_prehash(digest.as_ref()).unwrap()
            }
        };
        signature.as_bytes().to_vec()
    }
}

impl Forge {
    /// What that certificate would be asked for as.
    pub fn like(read: &ReadCertificate) -> Self {
        let usages = read.usages().to_vec();
        let key_usage = read.key_usage().map(|usage| usage.0.into_iter().collect());
        Self {
            serial: vec![0x47; 16],
            subject: read.subject_der().to_vec(),
            spki: read.spki_der().to_vec(),
            not_before: read.not_before(),
            not_after: read.not_after(),
            generalized: false,
            hash: Hash::Sha256,
            basic_constraints: Some((read.is_ca(), true)),
            key_usage,
            usages: Some(usages).filter(|usages| !usages.is_empty()),
            subject_key_identifier: read.subject_key_identifier().map(<[u8]>::to_vec),
            authority_key_identifier: read.authority_key_identifier().map(<[u8]>::to_vec),
            alt_names: read.alt_names().to_vec(),
            path_length: read.path_length(),
            permitted: Vec::new(),
        }
    }

    /// A CA, valid from 2026-01-01 to 2126-01-01.
    pub fn authority(common_name: &str, key: &Key) -> Self {
        let mut forge = Self::leaf(&[], common_name, &[], key);
        forge.basic_constraints = Some((true, true));
        forge.key_usage = Some(vec![KeyUsages::DigitalSignature, KeyUsages::KeyCertSign]);
        forge.subject_key_identifier = Some(Sha256::digest(&forge.spki)[..20].to_vec());
        forge
    }

    /// A leaf, valid from 2026-01-01 to 2126-01-01.
    pub fn leaf(organizations: &[&str], common_name: &str, usages: &[ObjectIdentifier], key: &Key) -> Self {
        let mut forge = Self {
            serial: vec![0x47; 16],
            subject: Vec::new(),
            spki: key.spki(),
            not_before: time::macros::datetime!(2026-01-01 0:00 UTC),
            not_after: time::macros::datetime!(2126-01-01 0:00 UTC),
            generalized: false,
            hash: Hash::Sha256,
            basic_constraints: Some((false, true)),
            key_usage: Some(vec![KeyUsages::DigitalSignature]),
            usages: Some(usages.to_vec()).filter(|usages| !usages.is_empty()),
            subject_key_identifier: None,
            authority_key_identifier: None,
            alt_names: Vec::new(),
            path_length: None,
            permitted: Vec::new(),
        };
        forge.name(organizations, common_name);
        forge
    }

    /// Sets the subject.
    pub fn name(&mut self, organizations: &[&str], common_name: &str) {
        let organizations = organizations.iter().map(|&name| name.to_owned()).collect();
        let name = DistinguishedName { organizations, ..DistinguishedName::common(common_name) };
        self.subject = name.to_der().unwrap();
    }

    /// Takes a name away that must be there.
    pub fn unname(&mut self, name: &str) {
        let before = self.alt_names.len();
        self.alt_names.retain(|known| known.to_string() != name);
        assert_eq!(self.alt_names.len() + 1, before, "{name}");
    }

    /// Adds a name: an address, or else a DNS name.
    pub fn add_name(&mut self, name: &str) {
        self.alt_names.extend(names(&[name]));
    }

    /// An RSA key of that size that belongs to nobody.
    pub fn set_rsa_key(&mut self, bits: usize) {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        let (modulus, exponent) = (der::asn1::Uint::new(&modulus).unwrap(), 65537_u32);
        let mut body = modulus.to_der().unwrap();
        exponent.encode_to_vec(&mut body).unwrap();
        self.spki = rsa_spki(&Any::new(Tag::Sequence, body).unwrap().to_der().unwrap());
        self.key_usage = Some(vec![KeyUsages::DigitalSignature, KeyUsages::KeyEncipherment]);
    }

    /// The certificate in DER, signed by a CA of that name; `None` signs for itself.
    pub fn sign(&self, issuer: Option<&[u8]>, key: &Key) -> Vec<u8> {
        let algorithm = key.algorithm(self.hash);
        let tbs = Tbs {
            version: 2,
            serial: Any::new(Tag::Integer, self.serial.as_slice()).unwrap(),
            algorithm: algorithm.clone(),
            issuer: Any::from_der(issuer.unwrap_or(&self.subject)).unwrap(),
            validity: Period {
                not_before: instant(self.not_before, self.generalized),
                not_after: instant(self.not_after, self.generalized),
            },
            subject: Any::from_der(&self.subject).unwrap(),
            spki: Any::from_der(&self.spki).unwrap(),
            extensions: self.extensions(),
        };
        let signature = BitString::from_bytes(&key.sign(&tbs.to_der().unwrap(), self.hash)).unwrap();
        Signed { tbs, algorithm, signature }.to_der().unwrap()
    }

    fn extensions(&self) -> Vec<Extension> {
        let mut extensions = Vec::new();
        let mut add = |extn_id, critical, value: der::Result<Vec<u8>>| {
            extensions.push(Extension { extn_id, critical, extn_value: OctetString::new(value.unwrap()).unwrap() });
        };
        if let Some(flags) = &self.key_usage {
            let mut usage = KeyUsage(flags[0].into());
            flags.iter().for_each(|flag| usage.0 |= *flag);
            add(oid::KEY_USAGE, true, usage.to_der());
        }
        if let Some(usages) = &self.usages {
            add(oid::EXTENDED_KEY_USAGE, false, ExtendedKeyUsage(usages.clone()).to_der());
        }
        if let Some((ca, critical)) = self.basic_constraints {
            add(
                oid::BASIC_CONSTRAINTS,
                critical,
                BasicConstraints { ca, path_len_constraint: self.path_length }.to_der(),
            );
        }
        let octets = |octets: &Vec<u8>| OctetString::new(octets.as_slice()).unwrap();
        if let Some(identifier) = &self.subject_key_identifier {
            add(oid::SUBJECT_KEY_IDENTIFIER, false, SubjectKeyIdentifier(octets(identifier)).to_der());
        }
        if let Some(identifier) = &self.authority_key_identifier {
            let value = AuthorityKeyIdentifier { key_identifier: Some(octets(identifier)), ..Default::default() };
            add(oid::AUTHORITY_KEY_IDENTIFIER, false, value.to_der());
        }
        if !self.alt_names.is_empty() {
            let names = self.alt_names.iter().map(|name| match name {
                AltName::Dns(name) => GeneralName::DnsName(Ia5String::new(name).unwrap()),
                AltName::Ip(std::net::IpAddr::V4(address)) => {
                    GeneralName::IpAddress(OctetString::new(address.octets()).unwrap())
                }
                AltName::Ip(std::net::IpAddr::V6(address)) => {
                    GeneralName::IpAddress(OctetString::new(address.octets()).unwrap())
                }
            });
            add(oid::SUBJECT_ALT_NAME, false, SubjectAltName(names.collect()).to_der());
        }
        if !self.permitted.is_empty() {
            let subtree = |name: &String| GeneralSubtree {
                base: GeneralName::DnsName(Ia5String::new(name).unwrap()),
                minimum: 0,
                maximum: None,
            };
            let permitted = Some(self.permitted.iter().map(subtree).collect());
            let value = NameConstraints { permitted_subtrees: permitted, excluded_subtrees: None };
            add(oid::NAME_CONSTRAINTS, true, value.to_der());
        }
        extensions
    }
}

/// The SubjectPublicKeyInfo of an RSAPublicKey.
fn rsa_spki(key: &[u8]) -> Vec<u8> {
    let mut spki = [oid::RSA_ENCRYPTION.to_der().unwrap(), Null.to_der().unwrap()].concat();
    spki = Any::new(Tag::Sequence, spki).unwrap().to_der().unwrap();
    BitString::from_bytes(key).unwrap().encode_to_vec(&mut spki).unwrap();
    Any::new(Tag::Sequence, spki).unwrap().to_der().unwrap()
}

/// UTCTime to 2049, GeneralizedTime from 2050.
fn instant(at: OffsetDateTime, generalized: bool) -> Any {
    let (year, month, day) = (u16::try_from(at.year()).unwrap(), at.month().into(), at.day());
    let date = DateTime::new(year, month, day, at.hour(), at.minute(), at.second()).unwrap();
    let der = if year < 2050 && !generalized {
        UtcTime::from_date_time(date).unwrap().to_der()
    } else {
        GeneralizedTime::from_date_time(date).to_der()
    };
    Any::from_der(&der.unwrap()).unwrap()
}

/// A certificate in PEM.
pub fn pem(der: &[u8]) -> String {
    der::pem::encode_string("CERTIFICATE", LineEnding::LF, der).unwrap()
}

/// Names from text: addresses, or else DNS names.
pub fn names(names: &[&str]) -> Vec<AltName> {
    names.iter().map(|name| name.parse().map_or_else(|_| AltName::Dns((*name).to_owned()), AltName::Ip)).collect()
}
