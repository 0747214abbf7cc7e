//! Serial numbers that follow from the seed and cannot be predicted without it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The key from which the serial numbers of a cluster are made.
pub struct SerialKey(Zeroizing<[u8; 32]>);

impl SerialKey {
    /// Returns the key of these 32 bytes, which were derived from the seed.
    #[must_use]
    pub const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// Returns the serial number of a certificate: 16 octets, positive, never the same for two different contents.
    ///
    /// `issuer_spki` is the issuer's SubjectPublicKeyInfo in DER, `tbs` the TBSCertificate in DER with serial 1.
    /// Source: certificate profile number 1; RFC 5280, section 4.1.2.2 (positive, at most 20 octets).
    pub(super) fn serial(&self, issuer_spki: &[u8], tbs: &[u8]) -> Option<[u8; 16]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        mac.update(&Sha256::digest(issuer_spki));
        mac.update(tbs);
        let mut serial: [u8; 16] = mac.finalize().into_bytes().get(..16)?.try_into().ok()?;
        serial[0] = serial[0] & 0x7f | 0x40;
        Some(serial)
    }
}
