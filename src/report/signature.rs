//! Whether a CA signed a certificate, also by algorithms that nobody should use any more.
//!
//! This names the issuer; it does not make anybody trust it. [`crate::x509::public_key`] takes less.

use der::Decode;
use der::asn1::ObjectIdentifier;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::x509::{ReadCertificate, oid};

/// sha1WithRSAEncryption, sha384WithRSAEncryption, sha512WithRSAEncryption: RFC 8017, appendix A.2.4.
const SHA1_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
/// id-Ed25519: RFC 8410, section 3.
const ID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Whether the certificate names that CA and bears its signature.
pub(super) fn is_signed_by(certificate: &ReadCertificate, authority: &ReadCertificate) -> bool {
    certificate.issuer_der() == authority.subject_der() && bears_signature(certificate, authority).unwrap_or_default()
}

fn bears_signature(certificate: &ReadCertificate, authority: &ReadCertificate) -> Option<bool> {
    let read = x509_cert::Certificate::from_der(certificate.der()).ok()?;
    let spki = SubjectPublicKeyInfoRef::from_der(authority.spki_der()).ok()?;
    let algorithm = algorithm(read.signature_algorithm().oid, &spki)?;
    let key = UnparsedPublicKey::new(algorithm, spki.subject_public_key.raw_bytes());
    Some(key.verify(certificate.tbs_der(), certificate.signature()).is_ok())
}

fn algorithm(
    signature: ObjectIdentifier,
    key: &SubjectPublicKeyInfoRef<'_>,
) -> Option<&'static dyn VerificationAlgorithm> {
    let curve = || key.algorithm.parameters.and_then(|parameters| parameters.decode_as().ok());
    match signature {
        SHA1_WITH_RSA => Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        oid::SHA256_WITH_RSA => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        SHA384_WITH_RSA => Some(&RSA_PKCS1_2048_8192_SHA384),
        SHA512_WITH_RSA => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
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
        ID_ED25519 => Some(&ED25519),
        _ => None,
    }
}
