//! The recipient `mlkem768x25519` (age, section "The MLKEM768-X25519 hybrid post-quantum recipient type"): HPKE (RFC 9180) in
//! base mode with the KEM MLKEM768-X25519, which is X-Wing, HKDF-SHA256 and ChaCha20Poly1305.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use super::error::OpenError;
use super::header::Stanza;
use super::wrap::{self, FILE_KEY, FileKey};
use super::x25519;

/// The first argument of its stanza.
pub(super) const NAME: &str = "mlkem768x25519";
/// The bytes of a public key: that of ML-KEM-768 and that of X25519.
pub(super) const PUBLIC_KEY: usize = 1184 + x25519::KEY;
/// The bytes that carry the shared secret: a ciphertext of ML-KEM-768 and a share of X25519.
const ENCAPSULATED: usize = 1088 + x25519::KEY;

const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";

type PrivateKey = <XWing as Kem>::PrivateKey;
type PublicKey = <XWing as Kem>::PublicKey;
type Encapsulated = <XWing as Kem>::EncappedKey;

pub(super) fn public_key(secret: &[u8; 32]) -> Vec<u8> {
    let public = PrivateKey::from_bytes(secret).map(|secret| XWing::sk_to_pk(&secret).to_bytes().to_vec());
    // 32 bytes are always a private key.
    public.unwrap_or_default()
}

/// Returns whether something can be sealed to a key, by both its halves.
pub(super) fn is_public_key(key: &[u8]) -> bool {
    PublicKey::from_bytes(key).is_ok() && ends_in_public_key(key)
}

/// Returns whether the half of X25519, which is the last one, is a public key. The specification wants it so, and the crate
/// does not look.
fn ends_in_public_key(bytes: &[u8]) -> bool {
    bytes.last_chunk::<{ x25519::KEY }>().is_some_and(|half| x25519::is_public_key(half))
}

/// Returns the stanza that wraps the file key for a recipient.
///
/// The crate takes its random bytes from the operating system, and panics where it gives none: they were drawn there for the
/// file key just before.
pub(super) fn seal(recipient: &[u8], file_key: &[u8; FILE_KEY]) -> Option<Stanza> {
    let recipient = PublicKey::from_bytes(recipient).ok()?;
    let mode = OpModeS::Base;
    let sealed = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, XWing>(&mode, &recipient, INFO, file_key, b"");
    let (encapsulated, body) = sealed.ok()?;
    Some(Stanza::new(&[NAME], &encapsulated.to_bytes(), &[], body))
}

/// Returns the file key; `None` when the stanza is for another.
pub(super) fn open(stanza: &Stanza, secret: &[u8; 32]) -> Result<Option<FileKey>, OpenError> {
    let [_, encapsulated] = stanza.arguments() else {
        return Err(OpenError::Header("a stanza mlkem768x25519 has one argument"));
    };
    let encapsulated = Stanza::bytes(encapsulated).filter(|bytes| bytes.len() == ENCAPSULATED);
    let encapsulated = encapsulated.ok_or(OpenError::Header("a stanza mlkem768x25519 has not 1120 bytes of base64"))?;
    let wrapped = stanza.wrapped()?;
    if !ends_in_public_key(&encapsulated) {
        return Err(OpenError::Header("a share of mlkem768x25519 is no public key"));
    }
    let (Ok(secret), Ok(encapsulated)) = (PrivateKey::from_bytes(secret), Encapsulated::from_bytes(&encapsulated))
    else {
        return Ok(None);
    };
    let mode = OpModeR::Base;
    let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &mode,
        &secret,
        &encapsulated,
        INFO,
        &wrapped,
        b"",
    );
    Ok(opened.ok().map(Zeroizing::new).and_then(wrap::file_key))
}
