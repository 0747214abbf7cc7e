//! What a certificate is made of, and the certificate.

use time::OffsetDateTime;

use super::asn1::{bits, common_name, generalized_time, octets, oid, seq, tlv, utc_time};
use super::keys::{KEYS, Scheme};

/// A certificate to be made; every field may be wrong.
#[derive(Clone)]
pub struct Recipe {
    /// The certificate whose name and key sign, by its number; `None` signs for itself.
    pub parent: Option<usize>,
    /// Number of the key.
    pub key: usize,
    /// Number of the key that signs instead of the parent's.
    pub signer: Option<usize>,
    pub scheme: Option<Scheme>,
    /// The AlgorithmIdentifier within, instead of the scheme's.
    pub inner: Option<Vec<u8>>,
    /// The AlgorithmIdentifier without, instead of the one within.
    pub outer: Option<Vec<u8>>,
    pub is_signature_broken: bool,
    /// The version field as it is; `None` leaves it out.
    pub version: Option<Vec<u8>>,
    /// The content of the INTEGER.
    pub serial: Vec<u8>,
    pub subject: Vec<u8>,
    /// A Name instead of the parent's subject.
    pub issuer: Option<Vec<u8>>,
    pub not_before: Vec<u8>,
    pub not_after: Vec<u8>,
    /// A SubjectPublicKeyInfo instead of the key's.
    pub spki: Option<Vec<u8>>,
    pub subject_key_identifier: Option<Vec<u8>>,
    pub authority_key_identifier: Authority,
    pub extensions: Vec<Extension>,
    /// Whether there is a field for extensions at all.
    pub has_extensions: bool,
    /// What follows the certificate in its block.
    pub trailing: Vec<u8>,
    /// How many octets of the certificate are cut off.
    pub cut: usize,
}

/// What authorityKeyIdentifier says.
#[derive(Clone)]
pub enum Authority {
    /// What the parent calls its key.
    Right,
    Absent,
    /// This value.
    Value(Vec<u8>),
}

#[derive(Clone)]
pub struct Extension {
    pub oid: &'static str,
    pub is_critical: bool,
    pub value: Vec<u8>,
}

pub const KEY_USAGE: &str = "2.5.29.15";
pub const ALT_NAME: &str = "2.5.29.17";
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";
pub const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";

impl Recipe {
    pub fn authority(name: &str, parent: Option<usize>, key: usize) -> Self {
        let mut recipe = Self::new(name, parent, key);
        let text = format!("2020-01-01 to 2040-01-01 of {name}");
        recipe.not_before = utc_time(time::macros::datetime!(2020-01-01 0:00 UTC));
        recipe.not_after = utc_time(time::macros::datetime!(2040-01-01 0:00 UTC));
        recipe.subject_key_identifier = Some(super::keys::Hash::Sha256.digest(text.as_bytes())[..20].to_vec());
        recipe.set(BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff]]));
        // digitalSignature, keyCertSign, cRLSign.
        recipe.set(KEY_USAGE, true, vec![3, 2, 1, 0x86]);
        recipe
    }

    pub fn leaf(name: &str, parent: Option<usize>, key: usize) -> Self {
        let mut recipe = Self::new(name, parent, key);
        recipe.set(KEY_USAGE, true, vec![3, 2, 7, 0x80]);
        recipe
    }

    fn new(name: &str, parent: Option<usize>, key: usize) -> Self {
        Self {
            parent,
            key,
            signer: None,
            scheme: None,
            inner: None,
            outer: None,
            is_signature_broken: false,
            version: Some(tlv(0xa0, &[2, 1, 2])),
            serial: super::keys::Hash::Sha256.digest(name.as_bytes())[..16]
                .iter()
                .map(|octet| octet & 0x7f | 1)
                .collect(),
            subject: common_name(name),
            issuer: None,
            not_before: utc_time(time::macros::datetime!(2026-01-01 0:00 UTC)),
            not_after: utc_time(time::macros::datetime!(2027-01-01 0:00 UTC)),
            spki: None,
            subject_key_identifier: None,
            authority_key_identifier: Authority::Right,
            extensions: Vec::new(),
            has_extensions: true,
            trailing: Vec::new(),
            cut: 0,
        }
    }

    /// Sets an extension, instead of the one of that kind if there is one.
    pub fn set(&mut self, oid: &'static str, is_critical: bool, value: Vec<u8>) {
        self.drop_extension(oid);
        self.extensions.push(Extension { oid, is_critical, value });
    }

    pub fn drop_extension(&mut self, oid: &str) {
        self.extensions.retain(|extension| extension.oid != oid);
    }

    pub fn lasts(&mut self, from: OffsetDateTime, to: OffsetDateTime) {
        (self.not_before, self.not_after) = (instant(from), instant(to));
    }
}

/// UTCTime to 2049, GeneralizedTime from 2050.
fn instant(at: OffsetDateTime) -> Vec<u8> {
    if (1950..2050).contains(&at.year()) { utc_time(at) } else { generalized_time(at) }
}

/// The certificate in DER that a recipe makes among others.
pub fn make(recipes: &[Recipe], number: usize) -> Vec<u8> {
    let recipe = &recipes[number];
    let parent = recipe.parent.map_or(recipe, |parent| &recipes[parent]);
    let signer = &KEYS[recipe.signer.unwrap_or(parent.key)];
    let scheme = recipe.scheme.unwrap_or_else(|| signer.scheme());
    let inner = recipe.inner.clone().unwrap_or_else(|| scheme.identifier());
    let outer = recipe.outer.clone().unwrap_or_else(|| inner.clone());
    let mut fields: Vec<Vec<u8>> = recipe.version.iter().cloned().collect();
    fields.extend([
        tlv(2, &recipe.serial),
        inner,
        recipe.issuer.clone().unwrap_or_else(|| parent.subject.clone()),
        seq(&[recipe.not_before.clone(), recipe.not_after.clone()]),
        recipe.subject.clone(),
        recipe.spki.clone().unwrap_or_else(|| KEYS[recipe.key].spki()),
    ]);
    if recipe.has_extensions {
        fields.push(tlv(0xa3, &seq(&extensions(recipe, parent))));
    }
    let tbs = seq(&fields);
    let mut signature = signer.sign(scheme, &tbs);
    if recipe.is_signature_broken {
        let last = signature.len() - 1;
        signature[last] ^= 1;
    }
    let mut certificate = seq(&[tbs, outer, bits(&signature)]);
    certificate.truncate(certificate.len() - recipe.cut);
    certificate.extend(&recipe.trailing);
    certificate
}

fn extensions(recipe: &Recipe, parent: &Recipe) -> Vec<Vec<u8>> {
    let written = |oid_of: &str, is_critical: bool, value: &[u8]| {
        let critical = if is_critical { vec![1, 1, 0xff] } else { Vec::new() };
        seq(&[oid(oid_of), critical, octets(value)])
    };
    let mut all: Vec<_> =
        recipe.extensions.iter().map(|known| written(known.oid, known.is_critical, &known.value)).collect();
    if let Some(identifier) = &recipe.subject_key_identifier {
        all.push(written(SUBJECT_KEY_IDENTIFIER, false, &octets(identifier)));
    }
    let authority = match &recipe.authority_key_identifier {
        Authority::Right => parent.subject_key_identifier.as_ref().map(|identifier| seq(&[tlv(0x80, identifier)])),
        Authority::Absent => None,
        Authority::Value(value) => Some(value.clone()),
    };
    all.extend(authority.map(|value| written(AUTHORITY_KEY_IDENTIFIER, false, &value)));
    all
}
