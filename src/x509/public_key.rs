//! Checks signatures by ring, under the public key of a SubjectPublicKeyInfo.

use der::Decode;
use der::asn1::{BitStringRef, ObjectIdentifier};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::read::rsa_bits;
use super::{KeyAlgorithm, oid};

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The public key is not RSA, P-256 or P-384, or not in DER.
    #[error("the public key is neither RSA nor P-256 nor P-384")]
    UnknownKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Invalid,
}

/// A signature that was verified, known by its [`signature_digest`]. Only [`verify`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedSignature([u8; 32]);

impl VerifiedSignature {
    /// Returns the [`signature_digest`] of the public key, the message and the signature.
    #[must_use]
    pub const fn digest(self) -> [u8; 32] {
        self.0
    }
}

/// Returns the SHA-256 of a public key, a message and a signature.
///
/// The public key is the content of its BIT STRING. The key and the message are each preceded by their length.
#[must_use]
pub fn signature_digest(public_key: &[u8], message: &[u8], signature: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [public_key, message] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.chain_update(signature).finalize().into()
}

/// Checks a signature. The key decides the algorithm: RSASSA-PKCS1-v1_5 with SHA-256, ECDSA with SHA-256 (P-256) or
/// ECDSA with SHA-384 (P-384).
///
/// # Errors
/// Returns [`SignatureError`] when the key is not known or the signature does not verify.
pub fn verify(spki_der: &[u8], message: &[u8], signature: &[u8]) -> Result<VerifiedSignature, SignatureError> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| SignatureError::UnknownKey)?;
    let algorithm = algorithm(&spki).ok_or(SignatureError::UnknownKey)?;
    let bits: BitStringRef<'_> = spki.subject_public_key;
    let key = UnparsedPublicKey::new(algorithm, bits.raw_bytes());
    key.verify(message, signature).map_err(|_| SignatureError::Invalid)?;
    Ok(VerifiedSignature(signature_digest(bits.raw_bytes(), message, signature)))
}

/// Returns the algorithm of a public key, or `None` when no profile may name it.
#[must_use]
pub fn key_algorithm(spki_der: &[u8]) -> Option<KeyAlgorithm> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki_der).ok()?;
    match spki.algorithm.oid {
        oid::RSA_ENCRYPTION => match rsa_bits(spki.subject_public_key.raw_bytes())? {
            2048 => Some(KeyAlgorithm::Rsa2048),
            3072 => Some(KeyAlgorithm::Rsa3072),
            4096 => Some(KeyAlgorithm::Rsa4096),
            _ => None,
        },
        oid::EC_PUBLIC_KEY => match spki.algorithm.parameters?.decode_as::<ObjectIdentifier>().ok()? {
            oid::SECP256R1 => Some(KeyAlgorithm::EcdsaP256),
            oid::SECP384R1 => Some(KeyAlgorithm::EcdsaP384),
            _ => None,
        },
        _ => None,
    }
}

fn algorithm(spki: &SubjectPublicKeyInfoRef<'_>) -> Option<&'static dyn VerificationAlgorithm> {
    let parameters = spki.algorithm.parameters;
    match spki.algorithm.oid {
        oid::RSA_ENCRYPTION => Some(&RSA_PKCS1_2048_8192_SHA256),
        oid::EC_PUBLIC_KEY => match parameters?.decode_as::<ObjectIdentifier>().ok()? {
            oid::SECP256R1 => Some(&ECDSA_P256_SHA256_ASN1),
            oid::SECP384R1 => Some(&ECDSA_P384_SHA384_ASN1),
            _ => None,
        },
        _ => None,
    }
}
