//! Who signed a certificate.
//!
//! This also knows signature algorithms that nobody should use any more, because it only finds an issuer and says
//! nothing about trust. [`super::public_key`] accepts fewer algorithms.

use der::Decode;
use der::asn1::ObjectIdentifier;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::{ReadCertificate, oid};

/// Signature algorithms whose hash is broken, and that hash: RFC 8017, appendix A.2.4; RFC 3279, section 2.2.
const BROKEN: [(ObjectIdentifier, &str); 5] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"), "MD2"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), "MD5"),
    (oid::SHA1_WITH_RSA, "SHA-1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"), "SHA-1"),
    (oid::ECDSA_WITH_SHA1, "SHA-1"),
];

impl ReadCertificate {
    /// Returns whether the certificate names `authority` as its issuer and bears its signature.
    ///
    /// Returns `None` when the issuer's name fits but the signature's algorithm or the CA's key is not one that this
    /// file knows.
    #[must_use]
    pub fn is_signed_by(&self, authority: &Self) -> Option<bool> {
        if self.issuer_der() != authority.subject_der() {
            return Some(false);
        }
        let spki = SubjectPublicKeyInfoRef::from_der(authority.spki_der()).ok()?;
        let algorithm = algorithm(self.signature_algorithm(), &spki)?;
        let key = UnparsedPublicKey::new(algorithm, spki.subject_public_key.raw_bytes());
        Some(key.verify(self.tbs_der(), self.signature()).is_ok())
    }

    /// Returns the hash of the signature when that hash is broken, so that the signature can be forged.
    #[must_use]
    pub fn broken_hash(&self) -> Option<&'static str> {
        let algorithm = self.signature_algorithm();
        BROKEN.iter().find(|(broken, _)| *broken == algorithm).map(|(_, hash)| *hash)
    }
}

fn algorithm(
    signature: ObjectIdentifier,
    key: &SubjectPublicKeyInfoRef<'_>,
) -> Option<&'static dyn VerificationAlgorithm> {
    let curve = || key.algorithm.parameters.and_then(|parameters| parameters.decode_as().ok());
    match signature {
        oid::SHA1_WITH_RSA => Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        oid::SHA256_WITH_RSA => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        oid::SHA384_WITH_RSA => Some(&RSA_PKCS1_2048_8192_SHA384),
        oid::SHA512_WITH_RSA => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        oid::ECDSA_WITH_SHA256 => match curve()? {
            oid::SECP256R1 => Some(&ECDSA_P256_SHA256_ASN1),
            oid::SECP384R1 => Some(&ECDSA_P384_SHA256_ASN1),
            _ => None,
        },
        oid::ECDSA_WITH_SHA384 => match curve()? {
            oid::SECP256R1 => Some(&ECDSA_P256_SHA384_ASN1),
            oid::SECP384R1 => Some(&ECDSA_P384_SHA384_ASN1),
            _ => None,
        },
        oid::ED25519 => Some(&ED25519),
        _ => None,
    }
}
