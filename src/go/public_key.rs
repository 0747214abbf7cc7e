//! Public keys as Go reads them.

use super::der::{Der, INTEGER, SEQUENCE};
use super::{GoError, GoVersion};
use crate::x509::oid;
use ::der::Encode;
use ::der::asn1::{Any, BitString, ObjectIdentifier};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

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
/// The primes of the fields: FIPS 186-4, section D.1.2.
const P224_PRIME: [u8; 28] = prime([(0, 16, 0xff), (27, 28, 1)]);
const P256_PRIME: [u8; 32] = prime([(0, 4, 0xff), (7, 8, 1), (20, 32, 0xff)]);
const P384_PRIME: [u8; 48] = prime([(0, 31, 0xff), (31, 32, 0xfe), (32, 36, 0xff), (44, 48, 0xff)]);
const P521_PRIME: [u8; 66] = prime([(0, 1, 1), (1, 66, 0xff)]);

/// Returns a number whose octets from one place to another are the same.
const fn prime<const LENGTH: usize, const COUNT: usize>(runs: [(usize, usize, u8); COUNT]) -> [u8; LENGTH] {
    let (mut number, mut run) = ([0; LENGTH], 0);
    while run < COUNT {
        let mut place = runs[run].0;
        while place < runs[run].1 {
            number[place] = runs[run].2;
            place += 1;
        }
        run += 1;
    }
    number
}

impl PublicKey {
    /// Returns the bits of an RSA key's modulus, or `None` for another key.
    #[must_use]
    pub fn rsa_bits(&self) -> Option<usize> {
        let Self::Rsa { modulus, .. } = self else { return None };
        let leading = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
        Some(modulus.len() * 8 - leading)
    }

    /// Returns why Go does not compute with an RSA key. Source: crypto/internal/fips140/rsa/rsa.go `checkPublicKey`, Go
    /// 1.24.4.
    pub(super) fn refused_by_rsa(&self) -> Option<&'static str> {
        let Self::Rsa { modulus, exponent, .. } = self else { return None };
        let is_even = modulus.last().is_some_and(|octet| octet & 1 == 0);
        match exponent {
            _ if is_even => Some("modulus is even"),
            ..2 => Some("exponent too small or negative"),
            _ if exponent % 2 == 0 => Some("exponent is even"),
            0x8000_0000.. => Some("exponent too large"),
            _ => None,
        }
    }

    /// Returns the SubjectPublicKeyInfo in DER (RFC 3279, section 2.3.1; RFC 5480, section 2; RFC 8410, section 4), or
    /// `None` when the key is not known well enough.
    #[must_use]
    pub fn to_spki_der(&self) -> Option<Vec<u8>> {
        let (oid, parameters, bits) = match self {
            Self::Rsa { der, .. } => (oid::RSA_ENCRYPTION, Some(Any::null()), der),
            Self::Ec(Curve::P224, _) | Self::Dsa | Self::Unknown => return None,
            Self::Ec(curve, point) => {
                let curve = match curve {
                    Curve::P256 => oid::SECP256R1,
                    Curve::P384 => oid::SECP384R1,
                    _ => oid::SECP521R1,
                };
                (oid::EC_PUBLIC_KEY, Some(Any::encode_from(&curve).ok()?), point)
            }
            Self::Ed25519(key) => (oid::ED25519, None, key),
        };
        let algorithm = AlgorithmIdentifierOwned { oid, parameters };
        SubjectPublicKeyInfoOwned { algorithm, subject_public_key: BitString::from_bytes(bits).ok()? }.to_der().ok()
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
    pub(super) fn read(algorithm: &[u8], parameters: &[u8], key: &[u8], go: GoVersion) -> Result<Self, GoError> {
        let refuse = |text: &str| Err(GoError::text(format!("x509: {text}")));
        let is = |known: ObjectIdentifier| known.as_bytes() == algorithm;
        if is(oid::RSA_ENCRYPTION) {
            if parameters != NULL {
                return refuse("RSA key missing NULL parameters");
            }
            return Self::rsa(key);
        }
        if is(oid::EC_PUBLIC_KEY) {
            let Some(curve) = Der(parameters).oid() else {
                return refuse(if go.is_at_least(17) {
                    "invalid ECDSA parameters"
                } else {
                    "failed to parse ECDSA parameters as named curve"
                });
            };
            let Some(curve) = Curve::of(curve) else { return refuse("unsupported elliptic curve") };
            if let Some(reason) = curve.refuses(key) {
                // From Go 1.26 on the error is that of the curve.
                return if go.is_at_least(26) {
                    Err(GoError::text(reason))
                } else {
                    refuse("failed to unmarshal elliptic curve point")
                };
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

    /// Reads a SubjectPublicKeyInfo in DER, or returns `None` when it cannot be read.
    #[must_use]
    pub fn parse(spki: &[u8]) -> Option<Self> {
        let mut fields = Der(spki).read(SEQUENCE)?;
        let mut algorithm = fields.read(SEQUENCE)?;
        let oid = algorithm.oid()?;
        Self::read(oid, algorithm.0, fields.bit_string()?.0, GoVersion(19, 8)).ok()
    }

    /// Reads an RSAPublicKey in DER.
    ///
    /// # Errors
    /// Fails with what Go says of it.
    pub fn rsa(key: &[u8]) -> Result<Self, GoError> {
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

    /// Returns why a point is none of the curve, or `None` for a good one. Of P-224 only the length is known.
    ///
    /// Source: crypto/ecdsa `ParseUncompressedPublicKey` and crypto/internal/fips140/nistec, Go 1.26.10.
    fn refuses(self, point: &[u8]) -> Option<String> {
        if point.first() != Some(&4) {
            return Some("ecdsa: invalid uncompressed public key".to_owned());
        }
        let (name, length, prime) = match self {
            Self::P224 => ("P224", 28, P224_PRIME.as_slice()),
            Self::P256 => ("P256", 32, P256_PRIME.as_slice()),
            Self::P384 => ("P384", 48, P384_PRIME.as_slice()),
            Self::P521 => ("P521", 66, P521_PRIME.as_slice()),
        };
        let (x, y) = point.get(1..)?.split_at_checked(length).filter(|(_, y)| y.len() == length).unzip();
        let (Some(x), Some(y)) = (x, y) else { return Some(format!("invalid {name} point encoding")) };
        if x >= prime || y >= prime {
            return Some(format!("invalid {name} element encoding"));
        }
        let is_on_curve = match self {
            Self::P224 => true,
            Self::P256 => p256::PublicKey::from_sec1_bytes(point).is_ok(),
            Self::P384 => p384::PublicKey::from_sec1_bytes(point).is_ok(),
            Self::P521 => p521::PublicKey::from_sec1_bytes(point).is_ok(),
        };
        (!is_on_curve).then(|| format!("{name} point not on curve"))
    }
}
