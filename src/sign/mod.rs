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
pub use public_key::{BadSignature, PublicKey, PublicKeyError, is_signature};

/// Returns the signature over a message: ECDSA P-256 with SHA-256, DER. The first argument is the path of the message
/// in the archive, by which a signature is found that was made elsewhere.
///
/// The same message must give the same signature (RFC 6979, or one that is kept). Otherwise a bundle could not be built
/// twice.
pub type Sign<'a> = dyn Fn(&str, &[u8]) -> Result<Vec<u8>, SigningFailed> + Sync + 'a;

/// Why there is no signature over a message. The text continues a sentence that begins with the message's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningFailed {
    /// The key does not sign. There are no details, because they would tell something about the key.
    #[error("could not be signed")]
    Key,
    /// Nobody has signed the message.
    #[error("is not signed: there is no signature over it")]
    Missing,
    /// What should be the signature is none, and has this many bytes.
    #[error(
        "is not signed: what should be its signature is no ECDSA signature in DER, but {0} bytes of something else"
    )]
    NotDer(usize),
    /// The signature is over other bytes, as whoever signed says.
    #[error("is not signed: its signature was made over other bytes")]
    OtherBytes,
    /// The signature does not hold under the signer's key.
    #[error("is not signed: its signature does not hold under the signer's key")]
    DoesNotHold,
}
