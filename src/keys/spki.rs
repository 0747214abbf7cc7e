//! SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) for the algorithms of our keys.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Encode, Sequence};

use crate::x509::{KeyAlgorithm, oid};

#[derive(Sequence)]
struct SubjectPublicKeyInfo<'a> {
    algorithm: AlgorithmIdentifier<'a>,
    subject_public_key: BitStringRef<'a>,
}

#[derive(Sequence)]
struct AlgorithmIdentifier<'a> {
    algorithm: ObjectIdentifier,
    parameters: AnyRef<'a>,
}

/// Returns the SubjectPublicKeyInfo in DER. `public_key` is the content of its BIT STRING.
///
/// # Errors
/// Fails when the key cannot be encoded, which is not expected.
pub(super) fn subject_public_key_info(algorithm: KeyAlgorithm, public_key: &[u8]) -> der::Result<Vec<u8>> {
    let (algorithm, parameters) = match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => (oid::RSA_ENCRYPTION, AnyRef::NULL),
        KeyAlgorithm::EcdsaP256 => (oid::EC_PUBLIC_KEY, AnyRef::from(&oid::SECP256R1)),
        KeyAlgorithm::EcdsaP384 => (oid::EC_PUBLIC_KEY, AnyRef::from(&oid::SECP384R1)),
    };
    let algorithm = AlgorithmIdentifier { algorithm, parameters };
    SubjectPublicKeyInfo { algorithm, subject_public_key: BitStringRef::from_bytes(public_key)? }.to_der()
}
