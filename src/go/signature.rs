//! Checks signatures of certificates as Go does.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use ring::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::der::{Der, SEQUENCE, constructed};
use super::public_key::{Curve, PublicKey};
use super::{GoError, GoVersion};

/// The algorithm of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureAlgorithm {
    Rsa(Hash),
    RsaPss(Hash),
    Ecdsa(Hash),
    Dsa(Hash),
    Ed25519,
    Unknown,
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// The algorithms without parameters, by the octets of their object identifiers. Source: crypto/x509/x509.go
/// `signatureAlgorithmDetails`.
const ALGORITHMS: [(&[u8], SignatureAlgorithm); 14] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], SignatureAlgorithm::Rsa(Hash::Md5)),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], SignatureAlgorithm::Rsa(Hash::Sha1)),
    (&[0x2b, 0x0e, 3, 2, 29], SignatureAlgorithm::Rsa(Hash::Sha1)),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], SignatureAlgorithm::Rsa(Hash::Sha256)),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], SignatureAlgorithm::Rsa(Hash::Sha384)),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], SignatureAlgorithm::Rsa(Hash::Sha512)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], SignatureAlgorithm::Dsa(Hash::Sha1)),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], SignatureAlgorithm::Dsa(Hash::Sha256)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], SignatureAlgorithm::Ecdsa(Hash::Sha1)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], SignatureAlgorithm::Ecdsa(Hash::Sha256)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], SignatureAlgorithm::Ecdsa(Hash::Sha384)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], SignatureAlgorithm::Ecdsa(Hash::Sha512)),
    (&[0x2b, 0x65, 0x70], SignatureAlgorithm::Ed25519),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], SignatureAlgorithm::Unknown),
];
/// id-RSASSA-PSS, whose parameters name the hash: RFC 8017, appendix A.2.3.
const RSA_PSS: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const MGF1: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
/// The hashes that RSASSA-PSS may name, each with its length in octets.
const PSS_HASHES: [([u8; 9], Hash, i64); 3] = [
    ([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], Hash::Sha256, 32),
    ([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], Hash::Sha384, 48),
    ([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], Hash::Sha512, 64),
];

impl SignatureAlgorithm {
    /// Returns the algorithm of an AlgorithmIdentifier. Source: crypto/x509/x509.go `getSignatureAlgorithmFromAI`.
    pub(super) fn of(oid: &[u8], parameters: &[u8]) -> Self {
        if oid == RSA_PSS {
            return pss(parameters).map_or(Self::Unknown, Self::RsaPss);
        }
        let known = ALGORITHMS.iter().find(|(known, _)| *known == oid).map_or(Self::Unknown, |(_, known)| *known);
        if known == Self::Ed25519 && !parameters.is_empty() { Self::Unknown } else { known }
    }

    const fn hash(self) -> Option<Hash> {
        match self {
            Self::Rsa(hash) | Self::RsaPss(hash) | Self::Ecdsa(hash) | Self::Dsa(hash) => Some(hash),
            Self::Ed25519 | Self::Unknown => None,
        }
    }

    /// Returns the name of the algorithm in Go's errors.
    fn go_name(self) -> String {
        let hash = self.hash().map_or("", Hash::name);
        match self {
            Self::Rsa(_) => format!("{hash}-RSA"),
            Self::RsaPss(_) => format!("{hash}-RSAPSS"),
            Self::Ecdsa(_) => format!("ECDSA-{hash}"),
            Self::Dsa(_) => format!("DSA-{hash}"),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::Unknown => "0".to_owned(),
        }
    }

    const fn key_name(self) -> &'static str {
        match self {
            Self::Rsa(_) | Self::RsaPss(_) => "RSA",
            Self::Ecdsa(_) => "ECDSA",
            Self::Dsa(_) => "DSA",
            Self::Ed25519 => "Ed25519",
            Self::Unknown => "0",
        }
    }
}

impl Hash {
    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    /// Returns the digest of a message, or `None` for a hash that no program should use any more.
    fn digest(self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Md5 => None,
            Self::Sha1 => {
                Some(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, message).as_ref().to_vec())
            }
            Self::Sha256 => Some(Sha256::digest(message).to_vec()),
            Self::Sha384 => Some(Sha384::digest(message).to_vec()),
            Self::Sha512 => Some(Sha512::digest(message).to_vec()),
        }
    }
}

/// Returns the hash of RSASSA-PSS when Go supports the parameters: one hash for both uses, and a salt of its length.
fn pss(parameters: &[u8]) -> Option<Hash> {
    let mut fields = Der(parameters).read(SEQUENCE)?;
    let identifier = |der: &mut Der<'_>, number: u8| -> Option<(Vec<u8>, Vec<u8>)> {
        let mut fields = der.read(constructed(number))?.read(SEQUENCE)?;
        let oid = fields.oid()?.to_vec();
        let rest = if fields.is_empty() { Vec::new() } else { fields.any()?.whole.to_vec() };
        Some((oid, rest))
    };
    let (hash, hash_parameters) = identifier(&mut fields, 0)?;
    let (mask, mask_hash) = identifier(&mut fields, 1)?;
    let salt = fields.read(constructed(2))?.small_integer()?;
    let trailer = fields.optional(constructed(3))?.map_or(Some(1), |mut field| field.small_integer())?;
    let mut mask_hash = Der(&mask_hash).read(SEQUENCE)?;
    let mask_hash_oid = mask_hash.oid()?;
    let is_empty = |parameters: &[u8]| parameters.is_empty() || parameters == [5, 0];
    let fits =
        is_empty(&hash_parameters) && mask == MGF1 && mask_hash_oid == hash && is_empty(mask_hash.0) && trailer == 1;
    let known = PSS_HASHES.into_iter().find(|(oid, _, length)| *oid == *hash && *length == salt);
    known.filter(|_| fits).map(|(_, hash, _)| hash)
}

/// Checks a signature. Source: crypto/x509/x509.go `checkSignature`.
///
/// # Errors
/// Fails with Go's text, or with [`GoError::Unchecked`].
pub(super) fn check(
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
    key: &PublicKey,
    go: GoVersion,
) -> Result<(), GoError> {
    match (algorithm, algorithm.hash()) {
        (SignatureAlgorithm::Unknown, _) => return Err(GoError::UnsupportedAlgorithm),
        (_, Some(Hash::Md5)) => return Err(insecure(algorithm, go, Hash::Md5)),
        (_, Some(Hash::Sha1)) if go.is_at_least(18) => return Err(insecure(algorithm, go, Hash::Sha1)),
        _ => {}
    }
    let fits = matches!(
        (key, algorithm),
        (PublicKey::Rsa { .. }, SignatureAlgorithm::Rsa(_) | SignatureAlgorithm::RsaPss(_))
            | (PublicKey::Ec(..), SignatureAlgorithm::Ecdsa(_))
            | (PublicKey::Ed25519(_), SignatureAlgorithm::Ed25519)
    );
    if *key == PublicKey::Dsa && matches!(algorithm, SignatureAlgorithm::Dsa(_)) && !go.is_at_least(16) {
        return Err(GoError::Unchecked("a signature of a DSA key".to_owned()));
    }
    if *key == PublicKey::Unknown || (*key == PublicKey::Dsa && go.is_at_least(16)) {
        return Err(GoError::UnsupportedAlgorithm);
    }
    if !fits {
        let (expected, found) = (algorithm.key_name(), key.go_type());
        return Err(GoError::Signature(format!(
            "x509: signature algorithm specifies an {expected} public key, but have public key of type {found}"
        )));
    }
    match (key, algorithm) {
        (PublicKey::Rsa { der, .. }, SignatureAlgorithm::Rsa(hash)) => {
            rsa(key, der, rsa_algorithm(key, hash), message, signature, go)
        }
        (PublicKey::Rsa { der, .. }, SignatureAlgorithm::RsaPss(hash)) => {
            rsa(key, der, pss_algorithm(key, hash), message, signature, go)
        }
        (PublicKey::Ec(curve, point), SignatureAlgorithm::Ecdsa(hash)) => {
            let unchecked = || GoError::Unchecked(format!("a signature of {}", algorithm.go_name()));
            let digest = hash.digest(message).ok_or_else(unchecked)?;
            match ecdsa(*curve, point, &digest, signature) {
                Some(true) => Ok(()),
                Some(false) => Err(GoError::Signature("x509: ECDSA verification failure".to_owned())),
                None => Err(GoError::Unchecked("a signature on the curve P-224".to_owned())),
            }
        }
        (PublicKey::Ed25519(point), _) => UnparsedPublicKey::new(&ED25519, point)
            .verify(message, signature)
            .map_err(|_| GoError::Signature("x509: Ed25519 verification failure".to_owned())),
        _ => Err(GoError::UnsupportedAlgorithm),
    }
}

/// Source: crypto/x509/x509.go `InsecureAlgorithmError.Error`. From Go 1.18 to 1.23 SHA-1 could be switched on again.
fn insecure(algorithm: SignatureAlgorithm, go: GoVersion, hash: Hash) -> GoError {
    let name = algorithm.go_name();
    let is_optional = hash == Hash::Sha1 && go.is_at_least(18) && !go.is_at_least(24);
    let switch = if is_optional { " (temporarily override with GODEBUG=x509sha1=1)" } else { "" };
    GoError::InsecureAlgorithm(format!("{name}{switch}"))
}

fn rsa_algorithm(key: &PublicKey, hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    let is_small = key.rsa_bits().is_some_and(|bits| bits < 2048);
    match hash {
        Hash::Sha1 => Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Sha256 => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        Hash::Sha512 => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        Hash::Sha384 if !is_small => Some(&RSA_PKCS1_2048_8192_SHA384),
        Hash::Sha384 | Hash::Md5 => None,
    }
}

fn pss_algorithm(key: &PublicKey, hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    if key.rsa_bits().is_some_and(|bits| bits < 2048) {
        return None;
    }
    match hash {
        Hash::Sha256 => Some(&RSA_PSS_2048_8192_SHA256),
        Hash::Sha384 => Some(&RSA_PSS_2048_8192_SHA384),
        Hash::Sha512 => Some(&RSA_PSS_2048_8192_SHA512),
        Hash::Md5 | Hash::Sha1 => None,
    }
}

/// The sizes of RSA keys that ring computes with, in bits.
const RING_BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

fn rsa(
    key: &PublicKey,
    der: &[u8],
    algorithm: Option<&'static dyn VerificationAlgorithm>,
    message: &[u8],
    signature: &[u8],
    go: GoVersion,
) -> Result<(), GoError> {
    let bits = key.rsa_bits().unwrap_or_default();
    // Source: crypto/rsa/rsa.go `checkKeySize`, Go 1.24.
    if go.is_at_least(24) && bits < 1024 {
        let hint = "(see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)";
        return Err(GoError::Signature(format!("crypto/rsa: {bits}-bit keys are insecure {hint}")));
    }
    if let Some(reason) = key.refused_by_rsa().filter(|_| go.is_at_least(24)) {
        return Err(GoError::Signature(format!("crypto/rsa: public {reason}")));
    }
    let algorithm = algorithm.filter(|_| RING_BITS.contains(&bits));
    let Some(algorithm) = algorithm else {
        return Err(GoError::Unchecked(format!("a signature of an RSA key of {bits} bits")));
    };
    let holds = UnparsedPublicKey::new(algorithm, der).verify(message, signature).is_ok();
    if holds { Ok(()) } else { Err(GoError::Signature("crypto/rsa: verification error".to_owned())) }
}

/// Returns whether a signature holds, or `None` when the curve is not one of ours.
fn ecdsa(curve: Curve, point: &[u8], digest: &[u8], signature: &[u8]) -> Option<bool> {
    match curve {
        Curve::P224 => None,
        Curve::P256 => {
            let (key, signature) =
                (p256::ecdsa::VerifyingKey::from_sec1_bytes(point), p256::ecdsa::Signature::from_der(signature));
            Some(
                key.ok()
                    .zip(signature.ok())
                    .is_some_and(|(key, signature)| key.verify_prehash(digest, &signature).is_ok()),
            )
        }
        Curve::P384 => {
            let (key, signature) =
                (p384::ecdsa::VerifyingKey::from_sec1_bytes(point), p384::ecdsa::Signature::from_der(signature));
            // The crate refuses a digest of less than half the field's size. Zeros in front of it are the same number.
            let digest = padded(digest, 24);
            Some(
                key.ok()
                    .zip(signature.ok())
                    .is_some_and(|(key, signature)| key.verify_prehash(&digest, &signature).is_ok()),
            )
        }
        Curve::P521 => {
            let (key, signature) =
                (p521::ecdsa::VerifyingKey::from_sec1_bytes(point), p521::ecdsa::Signature::from_der(signature));
            let digest = padded(digest, 33);
            Some(
                key.ok()
                    .zip(signature.ok())
                    .is_some_and(|(key, signature)| key.verify_prehash(&digest, &signature).is_ok()),
            )
        }
    }
}

fn padded(digest: &[u8], length: usize) -> Vec<u8> {
    let missing = length.saturating_sub(digest.len());
    [vec![0; missing], digest.to_vec()].concat()
}
