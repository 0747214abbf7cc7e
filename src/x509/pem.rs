//! PEM files of a node: certificates, keys, or both in one file.

use der::{Decode, Encode};
use p256::pkcs8::{DecodePrivateKey, PrivateKeyInfoRef};
use pkcs1::RsaPrivateKeyRef;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RsaKeyPair,
};
use rustls_pki_types::pem::{PemObject, SectionKind};
use sec1::EcPrivateKey;
use thiserror::Error;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use super::read::rsa_bits;
use super::{RSA_BITS, ReadCertificate, oid};

/// What a PEM file holds, each kind in the order of the file. No private key stays in it.
#[derive(Default)]
pub struct PemContents {
    /// The certificates.
    pub certificates: Vec<ReadCertificate>,
    /// The public keys, and the public halves of the private keys. Each is the content of the BIT STRING of its
    /// SubjectPublicKeyInfo.
    pub public_keys: Vec<Vec<u8>>,
    /// Whether the file holds a private key.
    pub has_private_key: bool,
}

/// Why a PEM file cannot be used. The text of an error continues a sentence that begins with the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PemError {
    /// The file is not PEM, or has no block.
    #[error("is not PEM")]
    NotPem,
    /// A certificate cannot be read; the value is what the decoder said.
    #[error("holds a certificate that cannot be read: {0}")]
    Certificate(String),
    /// A key is not RSA, P-256 or P-384, is not in PKCS#1, SEC1 or PKCS#8, or its numbers do not belong together.
    #[error("holds a key that is broken or of an unknown kind")]
    Key,
    /// An RSA key has fewer than [`RSA_BITS`] bits.
    #[error("holds an RSA key of {bits} bits, which is too small")]
    SmallKey {
        /// Bits of the key's modulus.
        bits: usize,
    },
    /// A block is neither a certificate nor a key.
    #[error("holds something that is neither certificate nor key")]
    OtherBlock,
}

/// Reads every block of a PEM file.
///
/// # Errors
/// Returns the [`PemError`] of the first block that cannot be used.
pub fn read_pem(pem: &[u8]) -> Result<PemContents, PemError> {
    read_pem_knowing(pem, &|_| false)
}

/// Reads every block of a PEM file, like [`read_pem`], but computes nothing with keys that are known to be sound.
///
/// `is_proved` gets the DER of a key in PKCS#1 or SEC1, and says whether its numbers were found to belong together
/// before.
///
/// # Errors
/// Fails like [`read_pem`].
pub fn read_pem_knowing(pem: &[u8], is_proved: &dyn Fn(&[u8]) -> bool) -> Result<PemContents, PemError> {
    let mut contents = PemContents::default();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|_| PemError::NotPem)?;
        let der = Zeroizing::new(der);
        contents.has_private_key |=
            matches!(kind, SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey | SectionKind::PrivateKey);
        match kind {
            SectionKind::Certificate => {
                let read = ReadCertificate::from_der(&der);
                contents.certificates.push(read.map_err(|error| PemError::Certificate(error.to_string()))?);
            }
            SectionKind::RsaPrivateKey => contents.public_keys.push(rsa_public_key(&der, is_proved)?),
            SectionKind::EcPrivateKey => {
                contents.public_keys.push(ec_public_key(&der, is_proved).ok_or(PemError::Key)?)
            }
            SectionKind::PrivateKey => contents.public_keys.push(pkcs8_public_key(&der)?),
            SectionKind::PublicKey => contents.public_keys.push(lone_public_key(&der)?),
            _ => return Err(PemError::OtherBlock),
        }
    }
    if contents.certificates.is_empty() && contents.public_keys.is_empty() {
        return Err(PemError::NotPem);
    }
    Ok(contents)
}

/// Returns the content of the BIT STRING of a SubjectPublicKeyInfo in DER, or `None` when it cannot be read.
#[must_use]
pub fn public_key_bits(spki: &[u8]) -> Option<Vec<u8>> {
    Some(SubjectPublicKeyInfoRef::from_der(spki).ok()?.subject_public_key.raw_bytes().to_vec())
}

/// Reads a public key that stands in a file by itself, as that of service accounts does.
fn lone_public_key(spki: &[u8]) -> Result<Vec<u8>, PemError> {
    let bits = public_key_bits(spki).ok_or(PemError::Key)?;
    // The point of an EC key begins with 04, an RSAPublicKey with 30.
    match rsa_bits(&bits) {
        Some(bits) if bits < RSA_BITS => Err(PemError::SmallKey { bits }),
        _ => Ok(bits),
    }
}

/// Returns the public half of an RSA key. ring checks that the numbers of the key belong together, and refuses a key
/// that is too small.
fn rsa_public_key(pkcs1: &[u8], is_proved: &dyn Fn(&[u8]) -> bool) -> Result<Vec<u8>, PemError> {
    let public_key = || RsaPrivateKeyRef::from_der(pkcs1).ok()?.public_key().to_der().ok();
    let public_key = public_key().ok_or(PemError::Key)?;
    match rsa_bits(&public_key).ok_or(PemError::Key)? {
        bits if bits < RSA_BITS => Err(PemError::SmallKey { bits }),
        _ if is_proved(pkcs1) => Ok(public_key),
        _ => Ok(RsaKeyPair::from_der(pkcs1).map_err(|_| PemError::Key)?.public_key().as_ref().to_vec()),
    }
}

/// Returns the public half of a key in PrivateKeyInfo (RFC 5958), which other tools write.
fn pkcs8_public_key(pkcs8: &[u8]) -> Result<Vec<u8>, PemError> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| PemError::Key)?;
    if info.algorithm.oid == oid::RSA_ENCRYPTION {
        return rsa_public_key(info.private_key.as_bytes(), &|_| false);
    }
    let p256 = || Some(p256::SecretKey::from_pkcs8_der(pkcs8).ok()?.public_key().to_sec1_bytes().to_vec());
    let p384 = || Some(p384::SecretKey::from_pkcs8_der(pkcs8).ok()?.public_key().to_sec1_bytes().to_vec());
    p256().or_else(p384).ok_or(PemError::Key)
}

/// Returns the public point of an EC key.
///
/// ring, or failing that the crate of the curve, computes the point from the secret scalar. If the file states a point,
/// it must be the same.
fn ec_public_key(sec1: &[u8], is_proved: &dyn Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let file = EcPrivateKey::from_der(sec1).ok()?;
    if let Some(claimed) = file.public_key
        && is_proved(sec1)
    {
        return Some(claimed.to_vec());
    }
    let is_claimed = |signing| {
        let claimed = file.public_key?;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(signing, file.private_key, claimed, &SystemRandom::new());
        pair.is_ok().then(|| claimed.to_vec())
    };
    match file.parameters?.named_curve()? {
        oid::SECP256R1 => is_claimed(&ECDSA_P256_SHA256_ASN1_SIGNING).or_else(|| {
            let key = p256::SecretKey::from_sec1_der(sec1).ok()?;
            Some(key.public_key().to_sec1_bytes().to_vec())
        }),
        oid::SECP384R1 => is_claimed(&ECDSA_P384_SHA384_ASN1_SIGNING).or_else(|| {
            let key = p384::SecretKey::from_sec1_der(sec1).ok()?;
            Some(key.public_key().to_sec1_bytes().to_vec())
        }),
        _ => None,
    }
}
