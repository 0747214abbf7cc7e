//! ECDSA scalars by C2SP det-keygen.

use p256::elliptic_curve::zeroize::Zeroizing;

use super::hmac_drbg::HmacDrbg;

/// The P-256 key that det-keygen makes from `seed`; none with a probability below 2^-63.
pub fn generate_p256(seed: &[u8]) -> Option<p256::SecretKey> {
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
pub fn generate_p384(seed: &[u8]) -> Option<p384::SecretKey> {
    let mut scalar = Zeroizing::new([0; 48]);
    HmacDrbg::new(seed, b"det ECDSA key gen P-384").fill(&mut *scalar);
    p384::SecretKey::from_slice(&*scalar).ok()
}
