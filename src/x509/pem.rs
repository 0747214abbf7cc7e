//! PEM files as nodes hold them: certificates, keys, or both in one file.

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};
use p256::pkcs8::{DecodePrivateKey, PrivateKeyInfoRef};
use pkcs1::RsaPrivateKeyRef;
use ring::signature::{KeyPair, RsaKeyPair};
use rustls_pki_types::pem::{PemObject, SectionKind};
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

/// Why a PEM file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PemError {
    /// Not PEM, or nothing in it.
    NotPem,
    /// A certificate that cannot be read; what the decoder said.
    Certificate(String),
    /// A key that is not RSA, P-256 or P-384, not in PKCS#1, SEC1 or PKCS#8, or whose parts do not belong together.
    Key,
    /// An RSA key that is too small to be used.
    SmallKey {
        /// Bits of its modulus.
        bits: usize,
    },
    /// A block that is neither.
    OtherBlock,
}

/// Reads every block of a PEM file.
///
/// # Errors
/// [`PemError`], for the first block that cannot be used.
pub fn read_pem(pem: &[u8]) -> Result<PemContents, PemError> {
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
            SectionKind::RsaPrivateKey => contents.public_keys.push(rsa_public_key(&der)?),
            SectionKind::EcPrivateKey => contents.public_keys.push(ec_public_key(&der).ok_or(PemError::Key)?),
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
fn rsa_public_key(pkcs1: &[u8]) -> Result<Vec<u8>, PemError> {
    let public_key = || RsaPrivateKeyRef::from_der(pkcs1).ok()?.public_key().to_der().ok();
    match public_key().as_deref().and_then(rsa_bits).ok_or(PemError::Key)? {
        bits if bits < RSA_BITS => Err(PemError::SmallKey { bits }),
        _ => Ok(RsaKeyPair::from_der(pkcs1).map_err(|_| PemError::Key)?.public_key().as_ref().to_vec()),
    }
}

/// PrivateKeyInfo (RFC 5958), which other tools write.
fn pkcs8_public_key(pkcs8: &[u8]) -> Result<Vec<u8>, PemError> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| PemError::Key)?;
    if info.algorithm.oid == oid::RSA_ENCRYPTION {
        return rsa_public_key(info.private_key.as_bytes());
    }
    let p256 = || Some(p256::SecretKey::from_pkcs8_der(pkcs8).ok()?.public_key().to_sec1_bytes().to_vec());
    let p384 = || Some(p384::SecretKey::from_pkcs8_der(pkcs8).ok()?.public_key().to_sec1_bytes().to_vec());
    p256().or_else(p384).ok_or(PemError::Key)
}

/// The public point, computed from the secret scalar, whatever the file claims.
fn ec_public_key(sec1: &[u8]) -> Option<Vec<u8>> {
    match ec_curve(sec1)? {
        oid::SECP256R1 => {
            let key = p256::SecretKey::from_sec1_der(sec1).ok()?;
            Some(key.public_key().to_sec1_bytes().to_vec())
        }
        oid::SECP384R1 => {
            let key = p384::SecretKey::from_sec1_der(sec1).ok()?;
            Some(key.public_key().to_sec1_bytes().to_vec())
        }
        _ => None,
    }
}

/// The `parameters` of an ECPrivateKey (RFC 5915, section 3).
fn ec_curve(sec1: &[u8]) -> Option<ObjectIdentifier> {
    let mut reader = SliceReader::new(sec1).ok()?;
    reader
        .sequence(|body| {
            let _version = der::asn1::AnyRef::decode(body)?;
            let _secret = der::asn1::AnyRef::decode(body)?;
            let parameters = der::asn1::AnyRef::decode(body)?;
            let _public = der::asn1::AnyRef::decode(body)?;
            match parameters.tag() {
                Tag::ContextSpecific { constructed: true, number } if number.value() == 0 => {
                    ObjectIdentifier::from_der(parameters.value())
                }
                _ => Err(der::ErrorKind::Failed.into()),
            }
        })
        .ok()
}
