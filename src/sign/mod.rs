//! Signatures over bytes.
//!
//! **Why.** A bundle crosses an air gap on media that nobody watches. Its records are believed because a key signed
//! their exact bytes, and the fingerprint of that key travels by another road.
//!
//! **Input.** A public key (PEM or DER), a message, a signature. This room has no private keys: whoever writes a bundle
//! passes a [`Sign`] function.
//!
//! **Output.** [`PublicKey`], its [`Fingerprint`], and the answer of [`PublicKey::verify`].
//!
//! **What it refuses.** Every key that is not P-256, every encoding of a key but the canonical one, and every signature
//! that is not strict DER. There is one signature format (ECDSA P-256 with SHA-256, manual/formats.md, section 4),
//! which the OpenSSL of every supported node, from 1.0.2, can check.

mod fingerprint;
pub(crate) mod hex;
mod public_key;

pub use fingerprint::{Fingerprint, NotAFingerprint, TypedError};
pub use public_key::{BadSignature, PublicKey, PublicKeyError};

/// Signs a message, and returns the signature: ECDSA P-256 with SHA-256, DER.
///
/// The same message must give the same signature (RFC 6979). Otherwise a bundle could not be built twice.
pub type Sign<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, SigningFailed> + Sync + 'a;

/// The key could not sign. The error has no details, because they would tell something about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key does not sign")]
pub struct SigningFailed;
