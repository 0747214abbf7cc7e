//! What the kinds of stanzas share: HKDF-SHA256, and a file key wrapped under a key that wraps nothing else.

use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The bytes of a file key.
pub(super) const FILE_KEY: usize = 16;

/// The bytes of a wrapped file key: the key and its tag. Another length is refused before anything is opened, so that nobody
/// learns which of several keys opened it.
pub(super) const WRAPPED: usize = FILE_KEY + 16;

/// A file key, on the heap, so that moving it leaves no copy behind.
pub(super) type FileKey = Box<Zeroizing<[u8; FILE_KEY]>>;

/// Returns 32 bytes of HKDF-SHA256 (RFC 5869).
pub(super) fn derive(key: &[u8], salt: &[u8], info: &[u8]) -> Box<Zeroizing<[u8; 32]>> {
    let mut output = Box::new(Zeroizing::new([0; 32]));
    // It fails above 255 blocks, and this is one.
    let _ = Hkdf::<Sha256>::new(Some(salt), key).expand(info, output.as_mut_slice());
    output
}

/// Returns the file key under the wrap key, with the nonce 0: a wrap key is used once.
pub(super) fn seal(wrap_key: &[u8; 32], file_key: &[u8; FILE_KEY]) -> Option<Vec<u8>> {
    let mut wrapped = file_key.to_vec();
    cipher(wrap_key)?.seal_in_place_append_tag(nonce(), Aad::empty(), &mut wrapped).ok()?;
    Some(wrapped)
}

/// Returns the file key; `None` when it is under another wrap key.
pub(super) fn open(wrap_key: &[u8; 32], wrapped: &[u8; WRAPPED]) -> Option<FileKey> {
    let mut wrapped = Zeroizing::new(wrapped.to_vec());
    cipher(wrap_key)?.open_in_place(nonce(), Aad::empty(), &mut wrapped).ok()?;
    wrapped.truncate(FILE_KEY);
    file_key(wrapped)
}

/// Returns ChaCha20-Poly1305 (RFC 8439) under a key. It is on the heap, which is wiped when freed.
pub(super) fn cipher(key: &[u8; 32]) -> Option<Box<LessSafeKey>> {
    UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new).map(Box::new)
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// Returns a file key of what was under a key.
pub(super) fn file_key(opened: Zeroizing<Vec<u8>>) -> Option<FileKey> {
    let mut key = Box::new(Zeroizing::new([0; FILE_KEY]));
    if opened.len() != FILE_KEY {
        return None;
    }
    key.copy_from_slice(&opened);
    Some(key)
}
