//! Signatures checked under a SubjectPublicKeyInfo, by ring.

use der::Decode;
use der::asn1::{BitStringRef, ObjectIdentifier};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::oid;

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// The public key is not one of RSA, P-256 and P-384 in DER.
    UnknownKey,
    /// The signature does not verify.
    Invalid,
}

/// Checks a signature: RSASSA-PKCS1-v1_5 with SHA-256, or ECDSA with SHA-256 (P-256) or SHA-384 (P-384), by the key.
///
/// # Errors
/// [`SignatureError`].
pub fn verify(spki_der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| SignatureError::UnknownKey)?;
    let algorithm = algorithm(&spki).ok_or(SignatureError::UnknownKey)?;
    let bits: BitStringRef<'_> = spki.subject_public_key;
    UnparsedPublicKey::new(algorithm, bits.raw_bytes()).verify(message, signature).map_err(|_| SignatureError::Invalid)
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
