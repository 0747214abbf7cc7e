//! HMAC-SHA256 (RFC 2104) under a key of 32 bytes, wiped after use.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A key, scheduled once for any number of messages. Its state is wiped on drop.
pub(super) struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        // RFC 2104, section 2: a short key is filled with zeros to the hash's block. Done here, nothing can fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(key);
        Self(Hmac::new((&*block).into()))
    }

    /// The tag of the concatenation of `parts`.
    pub(super) fn tag(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::HmacKey;

    /// Hmac lacks the marker, but is nothing else than two cores and the buffer of this type.
    #[test]
    fn state_is_wiped_on_drop() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        wiped::<sha2::Sha256>();
    }

    /// RFC 4231, section 4.2 (test case 1), its key of 20 bytes filled with zeros.
    #[test]
    fn rfc_4231_case_1() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let expected = [
            0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b, 0x88, 0x1d,
            0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7,
        ];
        assert_eq!(*HmacKey::new(&key).tag(&[b"Hi ", b"There"]), expected);
    }
}
