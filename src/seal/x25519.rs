//! The recipient `X25519` (age, section "The X25519 recipient type"): RFC 7748.

use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::error::{OpenError, SealError};
use super::header::Stanza;
use super::random;
use super::wrap::{self, FILE_KEY, FileKey, WRAPPED};

/// The first argument of its stanza.
pub(super) const NAME: &str = "X25519";
/// The bytes of a key, of either half.
pub(super) const KEY: usize = 32;

const INFO: &[u8] = b"age-encryption.org/v1/X25519";

pub(super) fn public_key(secret: &[u8; KEY]) -> [u8; KEY] {
    PublicKey::from(&StaticSecret::from(*secret)).to_bytes()
}

/// Returns whether something can be sealed to a key: the secret that is shared with it depends on the other side.
pub(super) fn is_public_key(key: &[u8]) -> bool {
    // A scalar is a multiple of 8, and so takes every point of low order to 0: one tells for all.
    <[u8; KEY]>::try_from(key).is_ok_and(|key| agree(&[0x42; KEY], key).is_some())
}

/// Returns the shared secret; `None` when it is 0 whoever asks (RFC 7748, section 6.1).
fn agree(secret: &[u8; KEY], public: [u8; KEY]) -> Option<Box<Zeroizing<[u8; KEY]>>> {
    let shared = StaticSecret::from(*secret).diffie_hellman(&PublicKey::from(public));
    let mut copy = Box::new(Zeroizing::new([0; KEY]));
    copy.copy_from_slice(shared.as_bytes());
    shared.was_contributory().then_some(copy)
}

fn wrap_key(shared: &[u8; KEY], share: &[u8; KEY], recipient: &[u8; KEY]) -> Box<Zeroizing<[u8; 32]>> {
    wrap::derive(shared, &[share.as_slice(), recipient].concat(), INFO)
}

/// Returns the stanza that wraps the file key for a recipient.
pub(super) fn seal(recipient: &[u8], file_key: &[u8; FILE_KEY]) -> Result<Option<Stanza>, SealError> {
    let Ok(recipient) = <[u8; KEY]>::try_from(recipient) else { return Ok(None) };
    let ephemeral = random::bytes()?;
    let share = public_key(&ephemeral);
    let Some(shared) = agree(&ephemeral, recipient) else { return Ok(None) };
    let body = wrap::seal(&wrap_key(&shared, &share, &recipient), file_key);
    Ok(body.map(|body| Stanza::new(&[NAME], &share, &[], body)))
}

/// Returns the file key; `None` when the stanza is for another.
pub(super) fn open(stanza: &Stanza, secret: &[u8; KEY]) -> Result<Option<FileKey>, OpenError> {
    let (share, wrapped) = parts(stanza)?;
    let shared = agree(secret, share).ok_or(OpenError::Header("a share of X25519 is no public key"))?;
    Ok(wrap::open(&wrap_key(&shared, &share, &public_key(secret)), &wrapped))
}

fn parts(stanza: &Stanza) -> Result<([u8; KEY], [u8; WRAPPED]), OpenError> {
    let [_, share] = stanza.arguments() else {
        return Err(OpenError::Header("a stanza X25519 has one argument"));
    };
    let share = Stanza::bytes(share).and_then(|bytes| bytes.try_into().ok());
    let share = share.ok_or(OpenError::Header("a share of X25519 is not 32 bytes of base64"))?;
    Ok((share, stanza.wrapped()?))
}
