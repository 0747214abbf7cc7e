//! The public key with which a bundle is checked.

use der::pem::{self, LineEnding};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{DerSignature, VerifyingKey};
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use thiserror::Error;

use super::fingerprint::Fingerprint;

/// A P-256 public key, which certainly is a point of the curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The SubjectPublicKeyInfo.
    der: [u8; SPKI_LENGTH],
}

/// Why a file or bytes are not the public key of a bundle's signer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublicKeyError {
    /// There is no PEM block that can be decoded.
    #[error("it is not PEM")]
    NotPem,
    /// The PEM block is of another kind, for instance `CERTIFICATE` or `EC PRIVATE KEY`.
    #[error("it holds `{0}`, not `PUBLIC KEY`")]
    Label(String),
    /// The key is right, but not in the one form of PEM: there is text around it, or lines end or break elsewhere.
    #[error("there is more in it than one plain PEM block")]
    NotCanonicalPem,
    /// The DER is not the SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480, section 2).
    #[error("it is not an ECDSA P-256 key")]
    NotP256,
    /// The key has the form of a P-256 key, but coordinates that no P-256 key has.
    #[error("its point is not on the curve P-256")]
    NotOnCurve,
}

/// The signature does not hold for this key and this message, or is not DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the signature does not hold")]
pub struct BadSignature;

const LABEL: &str = "PUBLIC KEY";

/// Everything before the coordinates. DER leaves no choice for a named curve and an uncompressed point (RFC 5480,
/// section 2; SEC 1, section 2.3.3).
const SPKI_HEAD: [u8; 27] = [
    0x30, 0x59, // SEQUENCE of 89 octets
    0x30, 0x13, // SEQUENCE: AlgorithmIdentifier
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // id-ecPublicKey
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, // secp256r1
    0x03, 0x42, 0x00, // BIT STRING of 66 octets, no unused bits
    0x04, // uncompressed
];
const SPKI_LENGTH: usize = SPKI_HEAD.len() + 64;
/// The offset at which the point begins, with its leading 0x04.
const POINT: usize = SPKI_HEAD.len() - 1;

impl PublicKey {
    /// Reads a `.pub` file: one PEM block, byte for byte as [`Self::to_pem`] writes it.
    ///
    /// # Errors
    ///
    /// Returns the [`PublicKeyError`] that says why the bytes are not such a file.
    pub fn from_pem(file: &[u8]) -> Result<Self, PublicKeyError> {
        let (label, der) = pem::decode_vec(file).map_err(|_| PublicKeyError::NotPem)?;
        if label != LABEL {
            return Err(PublicKeyError::Label(label.to_owned()));
        }
        let key = Self::from_der(&der)?;
        if key.to_pem().as_bytes() == file { Ok(key) } else { Err(PublicKeyError::NotCanonicalPem) }
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    ///
    /// Returns [`PublicKeyError::NotP256`] or [`PublicKeyError::NotOnCurve`].
    pub fn from_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let der: [u8; SPKI_LENGTH] = der.try_into().map_err(|_| PublicKeyError::NotP256)?;
        if !der.starts_with(&SPKI_HEAD) {
            return Err(PublicKeyError::NotP256);
        }
        // ring checks the point with every signature. Checked here, a bad point is an error of the key and not of the
        // bundle.
        p256::PublicKey::from_sec1_bytes(&der[POINT..]).map_err(|_| PublicKeyError::NotOnCurve)?;
        Ok(Self { der })
    }

    /// Returns the SubjectPublicKeyInfo, 91 bytes of DER.
    #[must_use]
    pub const fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the `.pub` file: PEM with 64 columns and LF (RFC 7468, section 13), as `openssl pkey -pubout` writes it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // This fails only for labels that are not ASCII and for more bytes than a machine can address.
        pem::encode_string(LABEL, LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// Returns the fingerprint, which people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let sha256 = digest(&SHA256, &self.der);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(sha256.as_ref());
        Fingerprint::new(bytes)
    }

    /// Checks a signature in DER over the exact bytes of a message.
    ///
    /// Both values of S hold (FIPS 186-5 knows no low S), so a signature must never serve as the name of what it signs.
    ///
    /// # Errors
    ///
    /// Returns [`BadSignature`] when the signature does not hold.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.der[POINT..])
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }

    /// Checks a signature in DER over a message of which only the SHA-256 is at hand, such as a large file.
    ///
    /// # Errors
    ///
    /// Returns [`BadSignature`] when the signature does not hold.
    pub fn verify_sha256(&self, sha256: &[u8; 32], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = DerSignature::from_bytes(signature).map_err(|_| BadSignature)?;
        let key = VerifyingKey::from_sec1_bytes(&self.der[POINT..]).map_err(|_| BadSignature)?;
        key.verify_prehash(sha256, &signature).map_err(|_| BadSignature)
    }
}

/// Returns whether these bytes have the form of a signature: a SEQUENCE of two integers in strict DER.
#[must_use]
pub fn is_signature(bytes: &[u8]) -> bool {
    DerSignature::from_bytes(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use p256::ecdsa::signature::Signer;
    use p256::ecdsa::{DerSignature, Signature, SigningKey};

    use super::{BadSignature, PublicKey, PublicKeyError, SPKI_HEAD};

    /// A key that OpenSSL 3.0 made: `openssl ecparam -name prime256v1 -genkey | openssl ec -pubout`.
    const OPENSSL_PUB: &str = include_str!("testdata/openssl.pub");
    /// The output of `openssl dgst -sha256 -sign` over `MESSAGE` with that key.
    const OPENSSL_SIGNATURE: &[u8] = include_bytes!("testdata/openssl.sig");
    const MESSAGE: &[u8] = b"certferry\n";
    /// The output of `openssl pkey -pubin -in openssl.pub -outform DER | sha256sum`.
    const OPENSSL_FINGERPRINT: &str = "sha256:ae1e7204d1147945a406d83b30e8c64c96906704bdfc4303473d87363160009b";

    fn signing_key() -> SigningKey {
        SigningKey::from_slice(&[7; 32]).unwrap()
    }

    fn public_key() -> PublicKey {
        let point = signing_key().verifying_key().to_sec1_point(false);
        PublicKey::from_der(&[&SPKI_HEAD[..26], point.as_bytes()].concat()).unwrap()
    }

    #[test]
    fn agrees_with_openssl() {
        let key = PublicKey::from_pem(OPENSSL_PUB.as_bytes()).unwrap();
        assert_eq!(key.to_pem(), OPENSSL_PUB);
        assert_eq!(key.fingerprint().to_string(), OPENSSL_FINGERPRINT);
        assert_eq!(key.verify(MESSAGE, OPENSSL_SIGNATURE), Ok(()));
        assert_eq!(key.verify(b"certferry", OPENSSL_SIGNATURE), Err(BadSignature));
        assert_eq!(public_key().verify(MESSAGE, OPENSSL_SIGNATURE), Err(BadSignature));
    }

    #[test]
    fn takes_both_values_of_s() {
        let low: Signature = signing_key().sign(MESSAGE);
        let (r, s) = low.split_scalars();
        let other = Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
        assert_ne!(low.to_bytes(), other.to_bytes());
        for signature in [low, other] {
            let der: DerSignature = signature.to_der();
            assert_eq!(public_key().verify(MESSAGE, der.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn refuses_signatures_that_are_not_strict_der() {
        let der: DerSignature = signing_key().sign(MESSAGE);
        let der = der.as_bytes();
        let key = public_key();
        assert_eq!(key.verify(MESSAGE, der), Ok(()));
        let trailing = [der, &[0]].concat();
        let long_form = [&[0x30, 0x81, der[1]], &der[2..]].concat();
        let padded = [&[0x30, der[1] + 1, 0x02, der[3] + 1, 0x00], &der[4..]].concat();
        let raw: Signature = signing_key().sign(MESSAGE);
        for wrong in [&[][..], &der[..der.len() - 1], &trailing, &long_form, &padded, &raw.to_bytes()] {
            assert_eq!(key.verify(MESSAGE, wrong), Err(BadSignature));
        }
    }

    #[test]
    fn refuses_every_changed_bit_of_a_signature() {
        let der: DerSignature = signing_key().sign(MESSAGE);
        for index in 0..der.as_bytes().len() {
            for bit in 0..8 {
                let mut wrong = der.as_bytes().to_vec();
                wrong[index] ^= 1 << bit;
                assert_eq!(public_key().verify(MESSAGE, &wrong), Err(BadSignature), "byte {index}, bit {bit}");
            }
        }
    }

    #[test]
    fn refuses_every_other_form_of_the_same_key() {
        let text = OPENSSL_PUB;
        for (name, wrong) in [
            ("CR LF", text.replace('\n', "\r\n")),
            ("text before", format!("the key:\n{text}")),
            ("text after", format!("{text}\n")),
            ("twice", format!("{text}{text}")),
            ("no last line end", text.trim_end().to_owned()),
            ("one long line", text.replacen("=\n", "=", 1).replacen("\n", "", 2)),
        ] {
            assert!(
                matches!(
                    PublicKey::from_pem(wrong.as_bytes()),
                    Err(PublicKeyError::NotPem | PublicKeyError::NotCanonicalPem)
                ),
                "{name}"
            );
        }
    }

    #[test]
    fn names_what_is_wrong_with_a_key() {
        assert_eq!(PublicKey::from_pem(b""), Err(PublicKeyError::NotPem));
        assert_eq!(PublicKey::from_pem(b"ssh-ed25519 AAAA\n"), Err(PublicKeyError::NotPem));
        let certificate = OPENSSL_PUB.replace("PUBLIC KEY", "CERTIFICATE");
        let label = PublicKeyError::Label("CERTIFICATE".to_owned());
        assert_eq!(PublicKey::from_pem(certificate.as_bytes()), Err(label));
        let key = public_key();
        let der = key.as_der();
        let mut p384 = der.to_vec();
        p384[22] ^= 1;
        let mut compressed = der.to_vec();
        compressed[26] = 0x02;
        for wrong in [&[][..], &der[..90], &[der, &[0]].concat(), &p384, &compressed] {
            assert_eq!(PublicKey::from_der(wrong), Err(PublicKeyError::NotP256));
        }
        let mut off_curve = der.to_vec();
        off_curve[90] ^= 1;
        assert_eq!(PublicKey::from_der(&off_curve), Err(PublicKeyError::NotOnCurve));
    }
}
