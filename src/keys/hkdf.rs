//! HKDF-SHA256 (RFC 5869) with an empty salt and at most one block of output, which is all that the formats need.
//!
//! It is written out here because it cannot fail within these bounds, and because each intermediate value is wiped.

use det_keygen::HmacKey;
use zeroize::Zeroizing;

/// Returns `HKDF(salt = "", ikm, info, N)`. `N` is at most 32 bytes, which the compiler checks.
pub(super) fn hkdf<const N: usize>(ikm: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 32, "one block of SHA-256") };
    // Section 2.2: an absent salt is HashLen zeros. HMAC fills an empty key with zeros, so both are this key.
    let pseudorandom_key = HmacKey::new(&[0; 32]).tag(&[ikm]);
    // Section 2.3 with a single block: T(1) = HMAC(PRK, "" | info | 0x01).
    let block = HmacKey::new(&pseudorandom_key).tag(&[info, &[1]]);
    let mut output = Zeroizing::new([0; N]);
    output.copy_from_slice(&block[..N]);
    output
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::hkdf;

    /// Expects the first of the two blocks of RFC 5869, appendix A.3 (no salt, no info).
    #[test]
    fn rfc_5869_case_3() {
        let expected = [
            0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80, 0x2a, 0x06, 0x3c, 0x5a, 0x31, 0xb8, 0xa1,
            0x1f, 0x5c, 0x5e, 0xe1, 0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d,
        ];
        assert_eq!(*hkdf::<32>(&[0x0b; 22], b""), expected);
        assert_eq!(*hkdf::<16>(&[0x0b; 22], b""), expected[..16]);
    }

    #[test]
    fn agrees_with_the_hkdf_crate() {
        let ikm: Vec<u8> = (0..32).collect();
        for info in [&b""[..], b"certferry/1|seed-id", &[0xff; 300]] {
            let mut expected = [0; 32];
            ::hkdf::Hkdf::<sha2::Sha256>::new(None, &ikm).expand(info, &mut expected).unwrap();
            assert_eq!(*hkdf::<32>(&ikm, info), expected);
        }
    }
}
