//! Private keys that somebody else made, from PEM files.

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use p256::pkcs8::PrivateKeyInfoRef;
use pkcs1::RsaPrivateKeyRef;
use rustls_pki_types::pem::{PemObject, SectionKind};
use sec1::{EcParameters, EcPrivateKey};
use thiserror::Error;
use zeroize::Zeroizing;

use super::private_key::PrivateKey;
use crate::x509::{KeyAlgorithm, oid};

/// Why the key in a file cannot be taken. The text continues a sentence that begins with the file's name, and tells
/// nothing of the key but its kind and size.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// The file is not PEM.
    #[error("is not PEM")]
    NotPem,
    /// The key is encrypted with a password.
    #[error("is encrypted with a password")]
    Encrypted,
    /// The file holds no private key.
    #[error("holds no private key (`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`)")]
    NoKey,
    /// The file holds more than one private key.
    #[error("holds more than one private key")]
    SeveralKeys,
    /// The content of the block is not such a key in DER.
    #[error("holds a private key that cannot be read")]
    Unreadable,
    /// The numbers of the key do not belong together.
    #[error("holds a private key whose numbers do not belong together")]
    Broken,
    /// The size of the RSA key is not one with which certferry signs.
    #[error("holds an RSA key of {bits} bits; certferry signs with 2048, 3072 and 4096")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// The public exponent is smaller than 65537 or larger than 33 bits.
    #[error("holds an RSA key with a public exponent below 65537 or above 33 bits, with which certferry does not sign")]
    RsaExponent,
    /// The key has more than two primes (RFC 8017, section 3.2).
    #[error("holds an RSA key of more than two primes, with which certferry does not sign")]
    MultiPrime,
    /// The key is of another kind, whose name this is.
    #[error("holds a key of the kind {0}, which kubeadm and certferry do not take")]
    OtherKind(String),
    /// The curve is written out in numbers and not named.
    #[error("holds an EC key that does not name its curve, which kubeadm does not take")]
    UnnamedCurve,
}

impl PrivateKey {
    /// Reads the private key in a PEM file: PKCS#1, SEC 1 or PKCS#8; RSA with 2048, 3072 or 4096 bits, P-256 or P-384.
    /// Certificates and EC parameters beside it are left out.
    ///
    /// The key is proved like one that is derived: see [`Self::derive`].
    ///
    /// # Errors
    ///
    /// Returns the [`KeyFileError`] of the first thing that is wrong.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFileError> {
        let has = |text: &[u8]| pem.windows(text.len()).any(|window| window == text);
        if has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED") {
            return Err(KeyFileError::Encrypted);
        }
        let (mut found, mut is_pem) = (None, false);
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
            let (kind, der) = section.map_err(|_| KeyFileError::NotPem)?;
            let der = Zeroizing::new(der);
            is_pem = true;
            if !matches!(kind, SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey | SectionKind::PrivateKey) {
                continue;
            }
            if found.replace((kind, der)).is_some() {
                return Err(KeyFileError::SeveralKeys);
            }
        }
        let (kind, der) = found.ok_or(if is_pem { KeyFileError::NoKey } else { KeyFileError::NotPem })?;
        match kind {
            SectionKind::RsaPrivateKey => rsa(&der),
            SectionKind::EcPrivateKey => ec(&der, None),
            _ => pkcs8(&der),
        }
    }
}

fn pkcs8(der: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyFileError::Unreadable)?;
    let inner = info.private_key.as_bytes();
    match info.algorithm.oid {
        oid::RSA_ENCRYPTION => rsa(inner),
        oid::EC_PUBLIC_KEY => {
            let curve = info.algorithm.parameters.and_then(|parameters| parameters.decode_as().ok());
            ec(inner, Some(curve.ok_or(KeyFileError::UnnamedCurve)?))
        }
        other => Err(KeyFileError::OtherKind(kind_name(other))),
    }
}

fn rsa(der: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let key = RsaPrivateKeyRef::from_der(der).map_err(|_| match is_multi_prime(der) {
        true => KeyFileError::MultiPrime,
        false => KeyFileError::Unreadable,
    })?;
    if key.other_prime_infos.is_some() {
        return Err(KeyFileError::MultiPrime);
    }
    let modulus = key.modulus.as_bytes();
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
    let algorithm = match bits {
        2048 => KeyAlgorithm::Rsa2048,
        3072 => KeyAlgorithm::Rsa3072,
        4096 => KeyAlgorithm::Rsa4096,
        _ => return Err(KeyFileError::RsaSize { bits }),
    };
    let exponent = key.public_exponent.as_bytes();
    let exponent = exponent.iter().try_fold(0_u64, |value, octet| Some(value.checked_mul(256)? + u64::from(*octet)));
    if exponent.is_none_or(|exponent| !(65_537..1 << 33).contains(&exponent)) {
        return Err(KeyFileError::RsaExponent);
    }
    let public = key.public_key().to_der().map_err(|_| KeyFileError::Unreadable)?;
    let key = PrivateKey::from_rsa(algorithm, Zeroizing::new(der.to_vec()), &public);
    proved(key.map_err(|_| KeyFileError::Unreadable)?)
}

/// Returns whether this is an RSAPrivateKey of version 1, which has more than two primes (RFC 8017, appendix A.1.2).
fn is_multi_prime(der: &[u8]) -> bool {
    let sequence = der::asn1::AnyRef::from_der(der).ok();
    sequence.is_some_and(|sequence| sequence.value().starts_with(&[2, 1, 1]))
}

fn ec(der: &[u8], curve: Option<ObjectIdentifier>) -> Result<PrivateKey, KeyFileError> {
    let key = EcPrivateKey::from_der(der).map_err(|_| match has_explicit_curve(der) {
        true => KeyFileError::UnnamedCurve,
        false => KeyFileError::Unreadable,
    })?;
    let own = key.parameters.and_then(EcParameters::named_curve);
    let curve = match (own, curve) {
        (Some(own), Some(outer)) if own != outer => return Err(KeyFileError::Broken),
        (own, outer) => outer.or(own).ok_or(KeyFileError::UnnamedCurve)?,
    };
    let broken = |_| KeyFileError::Broken;
    let made = match curve {
        oid::SECP256R1 => PrivateKey::from_p256(p256::SecretKey::from_slice(key.private_key).map_err(broken)?),
        oid::SECP384R1 => PrivateKey::from_p384(&p384::SecretKey::from_slice(key.private_key).map_err(broken)?),
        other => return Err(KeyFileError::OtherKind(kind_name(other))),
    };
    let made = made.map_err(|_| KeyFileError::Broken)?;
    // The point is computed from the scalar. One that the file states may be compressed (SEC 1, section 2.3.3).
    if let Some(stated) = key.public_key {
        let bits = made.public_key_bits();
        let half = bits.len() / 2 + 1;
        let is_own = match stated.first() {
            Some(sign @ (2 | 3)) => {
                stated.get(1..) == bits.get(1..half) && bits.last().is_some_and(|last| last & 1 == sign & 1)
            }
            _ => stated == bits,
        };
        if !is_own {
            return Err(KeyFileError::Broken);
        }
    }
    proved(made)
}

/// Returns whether the parameters of an ECPrivateKey are a sequence, and so not the name of a curve (RFC 5480, section
/// 2.1.1).
fn has_explicit_curve(der: &[u8]) -> bool {
    const PARAMETERS: u8 = 0xa0;
    const SEQUENCE: u8 = 0x30;
    // Behind version and scalar: a tag, a length of one or more octets, and the tag within.
    der.windows(6).skip(7).any(|window| match *window {
        [PARAMETERS, length, SEQUENCE, ..] if length < 0x80 => true,
        [PARAMETERS, 0x81, _, SEQUENCE, ..] => true,
        [PARAMETERS, 0x82, _, _, SEQUENCE, ..] => true,
        _ => false,
    })
}

fn proved(key: PrivateKey) -> Result<PrivateKey, KeyFileError> {
    key.prove(None).map_err(|_| KeyFileError::Broken)?;
    Ok(key)
}

/// Returns the name of a kind of key, or its object identifier.
fn kind_name(kind: ObjectIdentifier) -> String {
    match kind {
        oid::ED25519 => "Ed25519".to_owned(),
        oid::SECP521R1 => "P-521".to_owned(),
        other => other.to_string(),
    }
}
