//! PEM files as nodes hold them: certificates, keys, or both in one file.

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

/// What a PEM file holds, in order. Wiped when dropped.
#[derive(Default)]
pub struct PemContents {
    /// Certificates.
    pub certificates: Vec<ReadCertificate>,
    /// The public halves of private keys, and public keys: the content of the BIT STRING in their
    /// SubjectPublicKeyInfo.
    pub public_keys: Vec<Vec<u8>>,
    /// Whether there is a private key.
    pub has_private_key: bool,
}

/// Why a PEM file cannot be used. Its text goes on after the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PemError {
    /// Not PEM, or nothing in it.
    #[error("is not PEM")]
    NotPem,
    /// A certificate that cannot be read; what the decoder said.
    #[error("holds a certificate that cannot be read: {0}")]
    Certificate(String),
    /// A key that is not RSA, P-256 or P-384, not in PKCS#1, SEC1 or PKCS#8, or whose parts do not belong together.
    #[error("holds a key that is broken or of an unknown kind")]
    Key,
    /// An RSA key that is too small to be used.
    #[error("holds an RSA key of {bits} bits, which is too small")]
    SmallKey {
        /// Bits of its modulus.
        bits: usize,
    },
    /// A block that is neither.
    #[error("holds something that is neither certificate nor key")]
    OtherBlock,
}

/// Reads every block of a PEM file.
///
/// # Errors
/// [`PemError`], for the first block that cannot be used.
pub fn read_pem(pem: &[u8]) -> Result<PemContents, PemError> {
    read_pem_knowing(pem, &|_| false)
}

/// As [`read_pem`], but a key in PKCS#1 or SEC1 for whose DER `is_proved` holds is not computed with: whoever says so has found
/// before that its parts belong together.
///
/// # Errors
/// As [`read_pem`].
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

/// The content of the BIT STRING of a SubjectPublicKeyInfo.
#[must_use]
pub fn public_key_bits(spki: &[u8]) -> Option<Vec<u8>> {
    Some(SubjectPublicKeyInfoRef::from_der(spki).ok()?.subject_public_key.raw_bytes().to_vec())
}

/// A key without certificate: a service account's.
fn lone_public_key(spki: &[u8]) -> Result<Vec<u8>, PemError> {
    let bits = public_key_bits(spki).ok_or(PemError::Key)?;
    // The point of an EC key begins with 04, an RSAPublicKey with 30.
    match rsa_bits(&bits) {
        Some(bits) if bits < RSA_BITS => Err(PemError::SmallKey { bits }),
        _ => Ok(bits),
    }
}

/// ring checks that the numbers of a key belong together, and takes none that is too small.
fn rsa_public_key(pkcs1: &[u8], is_proved: &dyn Fn(&[u8]) -> bool) -> Result<Vec<u8>, PemError> {
    let public_key = || RsaPrivateKeyRef::from_der(pkcs1).ok()?.public_key().to_der().ok();
    let public_key = public_key().ok_or(PemError::Key)?;
    match rsa_bits(&public_key).ok_or(PemError::Key)? {
        bits if bits < RSA_BITS => Err(PemError::SmallKey { bits }),
        _ if is_proved(pkcs1) => Ok(public_key),
        _ => Ok(RsaKeyPair::from_der(pkcs1).map_err(|_| PemError::Key)?.public_key().as_ref().to_vec()),
    }
}

/// PrivateKeyInfo (RFC 5958), which other tools write.
fn pkcs8_public_key(pkcs8: &[u8]) -> Result<Vec<u8>, PemError> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| PemError::Key)?;
    if info.algorithm.oid == oid::RSA_ENCRYPTION {
        return rsa_public_key(info.private_key.as_bytes(), &|_| false);
    }
    let p256 = || Some(p256::SecretKey::from_pkcs8_der(pkcs8).ok()?.public_key().to_sec1_bytes().to_vec());
    let p384 = || Some(p384::SecretKey::from_pkcs8_der(pkcs8).ok()?.public_key().to_sec1_bytes().to_vec());
    p256().or_else(p384).ok_or(PemError::Key)
}

/// The public point, which ring or else the curve's crate computes from the secret scalar; if the file claims one, it
/// must be the same.
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
