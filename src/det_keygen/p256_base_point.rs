//! Multiples of P-256's base point: public keys, and the point R of each signature.
//!
//! They were a quarter of the time of a large cluster's build. graviola makes one in a quarter of the time that the crate
//! p256 needs and, like it, in a time that does not depend on the scalar. Its field arithmetic is s2n-bignum's assembly, which
//! is proved correct; what it builds of that is not, but ring computes each public key again and verifies each signature. It
//! is made for some CPUs and refuses others by a panic. The point is the same from either.

use p256::SecretKey;
use p256::elliptic_curve::sec1::ToSec1Point as _;

/// The length of an uncompressed point: SEC 1, section 2.3.3.
pub const POINT_LENGTH: usize = 65;

/// What multiplies the base point by a scalar between zero and the order: the uncompressed point.
pub type Multiply = fn(&SecretKey) -> [u8; POINT_LENGTH];

/// The fastest [`Multiply`] that this CPU has.
#[must_use]
pub fn multiply(scalar: &SecretKey) -> [u8; POINT_LENGTH] {
    by_graviola(scalar).unwrap_or_else(|| by_p256(scalar))
}

/// None where graviola does not run.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn by_graviola(scalar: &SecretKey) -> Option<[u8; POINT_LENGTH]> {
    use graviola::key_agreement::p256::StaticPrivateKey;
    use zeroize::Zeroizing;

    if !is_for_graviola() {
        return None;
    }
    // It wipes its copy on drop.
    let key = StaticPrivateKey::from_bytes(&Zeroizing::new(scalar.to_bytes())).ok()?;
    Some(key.public_key_uncompressed())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn by_graviola(_: &SecretKey) -> Option<[u8; POINT_LENGTH]> {
    None
}

#[cfg(target_arch = "x86_64")]
fn is_for_graviola() -> bool {
    // It does not ask for MULX of bmi2, which its arithmetic is made of, and for adx only as it was built.
    graviola::util::is_cpu_supported() && is_x86_feature_detected!("adx") && is_x86_feature_detected!("bmi2")
}

#[cfg(target_arch = "aarch64")]
fn is_for_graviola() -> bool {
    graviola::util::is_cpu_supported()
}

/// Runs on every CPU.
pub(super) fn by_p256(scalar: &SecretKey) -> [u8; POINT_LENGTH] {
    let mut bytes = [0; POINT_LENGTH];
    bytes.copy_from_slice(scalar.public_key().to_sec1_point(false).as_bytes());
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use num_bigint::BigUint;
    use p256::SecretKey;
    use sha2::{Digest, Sha256};

    use super::{by_graviola, by_p256, multiply};

    /// FIPS 186-5 takes it from SP 800-186, section 3.2.1.3.
    const ORDER: &[u8] = b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

    fn scalar(number: &BigUint) -> Option<SecretKey> {
        let bytes = number.to_bytes_be();
        let padding = 32_usize.checked_sub(bytes.len())?;
        SecretKey::from_slice(&[vec![0; padding], bytes].concat()).ok()
    }

    /// Both ends of the range, both sides of each power of two, runs of ones, and hashes.
    fn scalars() -> Vec<SecretKey> {
        let order = BigUint::parse_bytes(ORDER, 16).unwrap();
        let ends = (1..=150_u32).flat_map(|number| [number.into(), &order - number]);
        let powers = (0..256).flat_map(|bit| {
            let power: BigUint = BigUint::from(1_u32) << bit;
            [&power - 1_u32, power.clone(), power + 1_u32, &order >> bit, &order >> bit << bit]
        });
        let hashes = (0..300_u32).map(|number| BigUint::from_bytes_be(&Sha256::digest(number.to_be_bytes())));
        ends.chain(powers).chain(hashes).filter_map(|number| scalar(&number)).collect()
    }

    #[test]
    fn graviola_and_p256_give_the_same_points() {
        let scalars = scalars();
        assert!(scalars.len() > 1500);
        for scalar in &scalars {
            let expected = by_p256(scalar);
            assert!(multiply(scalar) == expected, "{:?}", expected);
            if let Some(point) = by_graviola(scalar) {
                assert!(point == expected, "{:?}", expected);
            }
        }
    }

    /// Or the test above compares the crate p256 with itself.
    #[test]
    fn graviola_runs_where_its_instructions_are() {
        #[cfg(target_arch = "x86_64")]
        let has_all = is_x86_feature_detected!("adx")
            && is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("pclmulqdq");
        #[cfg(target_arch = "aarch64")]
        let has_all = std::arch::is_aarch64_feature_detected!("aes")
            && std::arch::is_aarch64_feature_detected!("neon")
            && std::arch::is_aarch64_feature_detected!("pmull")
            && std::arch::is_aarch64_feature_detected!("sha2");
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let has_all = false;
        if !has_all {
            println!("skip: this CPU lacks what graviola needs");
        }
        assert_eq!(by_graviola(&scalar(&1_u32.into()).unwrap()).is_some(), has_all);
    }

    /// SP 800-186, section 3.2.1.3: the base point itself.
    #[test]
    fn one_gives_the_base_point() {
        let expected = BigUint::parse_bytes(
            b"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
              4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
            16,
        );
        let one = scalar(&1_u32.into()).unwrap();
        for point in [multiply(&one), by_p256(&one)] {
            assert_eq!(Some(BigUint::from_bytes_be(&point)), expected);
        }
    }
}
