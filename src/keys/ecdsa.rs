//! ECDSA: scalars by C2SP det-keygen, and deterministic signatures with P-256.

use p256::ecdsa::DerSignature;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::zeroize::Zeroizing;
use p256::elliptic_curve::{Field, PrimeField};

use super::generator;
use super::hmac_drbg::HmacDrbg;

/// The P-256 key that det-keygen makes from `seed`; none with a probability below 2^-63.
pub(super) fn generate_p256(seed: &[u8]) -> Option<p256::SecretKey> {
    let mut drbg = HmacDrbg::new(seed, b"det ECDSA key gen P-256");
    let mut scalar = Zeroizing::new([0; 32]);
    drbg.fill(&mut *scalar);
    // Step 12: zero is fatal and not drawn again. SecretKey refuses it too, and values from the order on.
    if scalar.iter().all(|byte| *byte == 0) {
        return None;
    }
    p256::SecretKey::from_slice(&*scalar).ok().or_else(|| {
        // Step 11: the order leaves out 2^-32 of all values, and a second draw is allowed for this curve alone.
        drbg.fill(&mut *scalar);
        p256::SecretKey::from_slice(&*scalar).ok()
    })
}

/// The P-384 key that det-keygen makes from `seed`; none with a probability below 2^-194.
pub(super) fn generate_p384(seed: &[u8]) -> Option<p384::SecretKey> {
    let mut scalar = Zeroizing::new([0; 48]);
    HmacDrbg::new(seed, b"det ECDSA key gen P-384").fill(&mut *scalar);
    p384::SecretKey::from_slice(&*scalar).ok()
}

/// The signature of a message by its SHA-256: RFC 6979, section 3.2; s as it comes.
pub(super) fn sign_p256(key: &p256::SecretKey, sha256: &[u8; 32]) -> DerSignature {
    let secret = Zeroizing::new(*key.to_nonzero_scalar());
    let message = p256::Scalar::reduce(&p256::FieldBytes::from(*sha256));
    // The generator that det-keygen uses is the RFC's: steps b to g take the key and the message modulo the order, step h
    // one block for each nonce.
    let mut drbg = {
        let mut seed = Zeroizing::new([0; 64]);
        seed[..32].copy_from_slice(&Zeroizing::new(secret.to_bytes()));
        seed[32..].copy_from_slice(&message.to_bytes());
        HmacDrbg::new(&*seed, b"")
    };
    let mut nonce_bytes = Zeroizing::new([0; 32]);
    loop {
        drbg.fill(&mut *nonce_bytes);
        let nonce = p256::Scalar::from_repr((*nonce_bytes).into()).into_option().map(Zeroizing::new);
        let Some(nonce) = nonce.filter(|nonce| !bool::from(nonce.is_zero())) else { continue };
        let Some(inverse) = nonce.invert().into_option().map(Zeroizing::new) else { continue };
        let mut x = [0; 32];
        x.copy_from_slice(&generator::multiply(&nonce_bytes)[1..33]);
        let r = p256::Scalar::reduce(&p256::FieldBytes::from(x));
        let s = *inverse * (message + r * *secret);
        // Refuses zeros.
        if let Ok(signature) = p256::ecdsa::Signature::from_scalars(r, s) {
            return signature.to_der();
        }
    }
}
