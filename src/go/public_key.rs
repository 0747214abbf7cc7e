//! Public keys as Go reads them.

use super::GoError;
use super::der::{Der, INTEGER, SEQUENCE};
use crate::x509::oid;
use der::asn1::ObjectIdentifier;

/// The curves that Go knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// secp224r1.
    P224,
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// An RSA key: an RSAPublicKey in DER and the bits of its modulus.
    Rsa {
        /// The modulus, without leading zeros.
        modulus: Vec<u8>,
        /// The exponent.
        exponent: i64,
        /// The RSAPublicKey in DER.
        der: Vec<u8>,
    },
    /// An elliptic-curve key: its curve and its point, uncompressed.
    Ec(Curve, Vec<u8>),
    /// An Ed25519 key.
    Ed25519(Vec<u8>),
    /// A DSA key, with which no program of Kubernetes can do anything.
    Dsa,
    /// A key of an algorithm that Go does not know.
    Unknown,
}

const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
const SECP224R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.33");
const NULL: [u8; 2] = [5, 0];

impl PublicKey {
    /// Returns the bits of an RSA key's modulus, or `None` for another key.
    #[must_use]
    pub fn rsa_bits(&self) -> Option<usize> {
        let Self::Rsa { modulus, .. } = self else { return None };
        let leading = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
        Some(modulus.len() * 8 - leading)
    }

    /// Returns the name of the key's type in Go.
    pub(super) const fn go_type(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "*rsa.PublicKey",
            Self::Ec(..) => "*ecdsa.PublicKey",
            Self::Ed25519(_) => "ed25519.PublicKey",
            Self::Dsa => "*dsa.PublicKey",
            Self::Unknown => "<nil>",
        }
    }

    /// Reads the fields of a SubjectPublicKeyInfo. Source: crypto/x509/parser.go `parsePublicKey`, Go 1.19.8.
    pub(super) fn read(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Result<Self, GoError> {
        let refuse = |text: &str| Err(GoError::text(format!("x509: {text}")));
        let is = |known: ObjectIdentifier| known.as_bytes() == algorithm;
        if is(oid::RSA_ENCRYPTION) {
            if parameters != NULL {
                return refuse("RSA key missing NULL parameters");
            }
            return Self::rsa(key);
        }
        if is(oid::EC_PUBLIC_KEY) {
            let Some(curve) = Der(parameters).oid() else { return refuse("invalid ECDSA parameters") };
            let Some(curve) = Curve::of(curve) else { return refuse("unsupported elliptic curve") };
            if !curve.has(key) {
                return refuse("failed to unmarshal elliptic curve point");
            }
            return Ok(Self::Ec(curve, key.to_vec()));
        }
        if is(oid::ED25519) {
            if !parameters.is_empty() {
                return refuse("Ed25519 key encoded with illegal parameters");
            }
            if key.len() != 32 {
                return refuse("wrong Ed25519 public key size");
            }
            return Ok(Self::Ed25519(key.to_vec()));
        }
        Ok(if is(DSA) { Self::Dsa } else { Self::Unknown })
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    pub(super) fn parse(spki: &[u8]) -> Option<Self> {
        let mut fields = Der(spki).read(SEQUENCE)?;
        let mut algorithm = fields.read(SEQUENCE)?;
        let oid = algorithm.oid()?;
        Self::read(oid, algorithm.0, fields.bit_string()?.0).ok()
    }

    pub(super) fn rsa(key: &[u8]) -> Result<Self, GoError> {
        let refuse = |text: &str| Err(GoError::text(format!("x509: {text}")));
        let Some(mut fields) = Der(key).read(SEQUENCE) else { return refuse("invalid RSA public key") };
        let Some(modulus) = fields.integer() else { return refuse("invalid RSA modulus") };
        let Some(exponent) = fields.small_integer() else { return refuse("invalid RSA public exponent") };
        let is_positive = |octets: &[u8]| octets.first().is_some_and(|octet| octet & 0x80 == 0) && octets != [0];
        if !is_positive(modulus) {
            return refuse("RSA modulus is not a positive number");
        }
        if exponent <= 0 {
            return refuse("RSA public exponent is not a positive number");
        }
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus).to_vec();
        Ok(Self::Rsa { modulus, exponent, der: key.to_vec() })
    }

    /// Returns an RSA key by the numbers of its private key.
    pub(super) fn rsa_of(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let mut content = Vec::new();
        for octets in [modulus, exponent] {
            content.extend(element(INTEGER, octets)?);
        }
        Self::rsa(&element(SEQUENCE, &content)?).ok()
    }
}

fn element(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?.to_be_bytes();
    let head = match length {
        [0, short @ ..=0x7f] => vec![tag, short],
        [0, octet] => vec![tag, 0x81, octet],
        [high, low] => vec![tag, 0x82, high, low],
    };
    Some([&head, content].concat())
}

impl Curve {
    pub(super) fn of(oid: &[u8]) -> Option<Self> {
        let curves = [
            (SECP224R1, Self::P224),
            (oid::SECP256R1, Self::P256),
            (oid::SECP384R1, Self::P384),
            (oid::SECP521R1, Self::P521),
        ];
        curves.into_iter().find(|(known, _)| known.as_bytes() == oid).map(|(_, curve)| curve)
    }

    /// Returns whether an uncompressed point is on the curve. Of P-224 only the length is known.
    fn has(self, point: &[u8]) -> bool {
        let is_uncompressed = point.first() == Some(&4);
        is_uncompressed
            && match self {
                Self::P224 => point.len() == 57,
                Self::P256 => p256::PublicKey::from_sec1_bytes(point).is_ok(),
                Self::P384 => p384::PublicKey::from_sec1_bytes(point).is_ok(),
                Self::P521 => p521::PublicKey::from_sec1_bytes(point).is_ok(),
            }
    }
}
