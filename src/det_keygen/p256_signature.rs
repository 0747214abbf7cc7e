//! ECDSA signatures with P-256 and SHA-256 (FIPS 186-5, section 6.4.1), their nonces from key and message (RFC 6979).
//!
//! The crate p256 makes the same, but with its own multiple of the base point, which takes most of its time.

use p256::ecdsa::Signature;
use p256::elliptic_curve::ops::{Invert as _, Reduce as _};
use p256::{FieldBytes, NonZeroScalar, Scalar, SecretKey};
use zeroize::Zeroizing;

use super::hmac_drbg::HmacDrbg;
use super::p256_base_point::Multiply;

/// The signature, in DER, of each message by its SHA-256; s as it comes and not made low. None with a probability below 2^-254
/// for each.
#[must_use]
pub fn sign_each(key: &SecretKey, sha256: &[[u8; 32]], multiply: Multiply) -> Option<Vec<Vec<u8>>> {
    let private = Zeroizing::new(key.to_bytes());
    let d = Zeroizing::new(*key.to_nonzero_scalar());
    let hashes: Vec<Scalar> = sha256.iter().map(|sha256| Scalar::reduce(&FieldBytes::from(*sha256))).collect();
    let nonces: Vec<SecretKey> =
        hashes.iter().map(|z| draw(&mut HmacDrbg::new(&private, &FieldBytes::from(*z)))).collect();
    let signature = |((z, nonce), inverse): ((&Scalar, &SecretKey), &Scalar)| {
        // x of R; 0x04 stands before it (SEC 1, section 2.3.3).
        let mut x = FieldBytes::default();
        x.copy_from_slice(&multiply(nonce)[1..33]);
        let r = Scalar::reduce(&x);
        // Refuses zeros. RFC 6979, section 3.2, would draw again; nobody has seen one.
        Some(Signature::from_scalars(r, *inverse * (*z + r * *d)).ok()?.to_der().as_bytes().to_vec())
    };
    hashes.iter().zip(&nonces).zip(inverses(&nonces)?.iter()).map(signature).collect()
}

/// The inverses of all nonces by one inversion and three multiplications for each (Montgomery, Math. Comp. 48, 1987, section
/// 10.3.1): an inversion takes as long as very many multiplications.
fn inverses(nonces: &[SecretKey]) -> Option<Zeroizing<Vec<Scalar>>> {
    // At first, the product of all nonces before each one.
    let mut inverses = Zeroizing::new(Vec::with_capacity(nonces.len()));
    let mut product = Zeroizing::new(Scalar::ONE);
    for nonce in nonces {
        inverses.push(*product);
        *product *= *nonce.to_nonzero_scalar();
    }
    // Not zero: none of the nonces is, and the order is prime.
    let product = Zeroizing::new(Option::<NonZeroScalar>::from(NonZeroScalar::new(*product))?);
    let mut rest = Zeroizing::new(**Zeroizing::new(product.invert()));
    for (inverse, nonce) in inverses.iter_mut().zip(nonces).rev() {
        *inverse *= *rest;
        *rest *= *nonce.to_nonzero_scalar();
    }
    Some(inverses)
}

/// RFC 6979, section 3.2, step h: the first value between zero and the order. Its generator is det-keygen's, with the
/// private key as the seed and the hash modulo the order as the personalization string.
fn draw(drbg: &mut HmacDrbg) -> SecretKey {
    let mut value = Zeroizing::new([0; 32]);
    loop {
        drbg.fill(&mut *value);
        // All but 2^-32 are below the order.
        if let Ok(nonce) = SecretKey::from_slice(&*value) {
            return nonce;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use p256::SecretKey;
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    use p256::ecdsa::{DerSignature, SigningKey};
    use sha2::{Digest, Sha256};

    use super::super::ecdsa::generate_p256;
    use super::super::hmac_drbg::HmacDrbg;
    use super::super::p256_base_point::{by_p256, multiply};
    use super::{draw, sign_each};

    fn expected(key: &SecretKey, sha256: &[u8; 32]) -> Vec<u8> {
        let signature: DerSignature = SigningKey::from(key).sign_prehash(sha256).unwrap();
        signature.as_bytes().to_vec()
    }

    /// With what this CPU has, and with what is there on every CPU.
    #[test]
    fn signatures_are_those_of_the_p256_crate() {
        for number in 0..400_u32 {
            let key = generate_p256(&number.to_be_bytes()).unwrap();
            let sha256 = Sha256::digest(number.to_le_bytes()).into();
            for multiply in [multiply, by_p256] {
                assert_eq!(sign_each(&key, &[sha256], multiply), Some(vec![expected(&key, &sha256)]), "{number}");
            }
        }
    }

    #[test]
    fn signatures_do_not_depend_on_what_is_signed_beside_them() {
        let key = generate_p256(b"together").unwrap();
        let hashes: Vec<[u8; 32]> = (0..17_u32).map(|number| Sha256::digest(number.to_le_bytes()).into()).collect();
        for count in 0..hashes.len() {
            let hashes = &hashes[..count];
            let expected = hashes.iter().map(|sha256| expected(&key, sha256)).collect();
            assert_eq!(sign_each(&key, hashes, multiply), Some(expected), "{count}");
        }
    }

    /// Hashes from the order on are taken modulo the order, in the nonce and in s.
    #[test]
    fn hashes_at_the_ends_of_their_range() {
        let key = generate_p256(b"ends").unwrap();
        // The order's bytes, around which the last one goes.
        let mut order = [0; 32];
        order[..4].fill(0xff);
        order[8..16].fill(0xff);
        order[16..].copy_from_slice(&0xbce6_faad_a717_9e84_f3b9_cac2_fc63_2551_u128.to_be_bytes());
        let around = [0x50, 0x51, 0x52].map(|last| {
            let mut hash = order;
            hash[31] = last;
            hash
        });
        for sha256 in around.iter().chain(&[[0; 32], [0xff; 32]]) {
            assert_eq!(sign_each(&key, &[*sha256], multiply), Some(vec![expected(&key, sha256)]), "{sha256:x?}");
        }
    }

    /// The seed of the public vectors for det-keygen's ECDSA, step 11, whose first value is not below the order.
    #[test]
    fn a_value_above_the_order_is_drawn_again() {
        let seed = 0xb432_f9be_3089_0480_2982_1851_0559_aed7_u128.to_be_bytes();
        let mut drbg = HmacDrbg::new(&seed, b"det ECDSA key gen P-256");
        assert!(draw(&mut drbg) == generate_p256(&seed).unwrap());
        let mut first = [0; 32];
        HmacDrbg::new(&seed, b"det ECDSA key gen P-256").fill(&mut first);
        assert!(SecretKey::from_slice(&first).is_err());
    }
}
