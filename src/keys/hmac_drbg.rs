//! HMAC_DRBG with SHA-256 (NIST SP 800-90A Rev. 1, section 10.1.2) as C2SP det-keygen uses it.

use zeroize::Zeroizing;

use super::hmac::HmacKey;

/// A stream of byte strings that depends on the seed and the personalization string alone. Wiped on drop.
pub(super) struct HmacDrbg {
    key: HmacKey,
    value: Zeroizing<[u8; 32]>,
    /// The update of section 10.1.2.5, step 6, ends a request. det-keygen lets it open the next one instead.
    update_first: bool,
}

impl HmacDrbg {
    /// det-keygen, ECDSA and RSA alike, steps 2 to 7.
    pub(super) fn new(seed: &[u8], personalization: &[u8]) -> Self {
        let mut key = HmacKey::new(&[0; 32]);
        let mut value = Zeroizing::new([1; 32]);
        for round in [0, 1] {
            let next = key.tag(&[&*value, &[round], seed, personalization]);
            key.take(&next);
            key.advance(&mut value);
        }
        Self { key, value, update_first: false }
    }

    /// Fills `output` with the stream's next byte string.
    pub(super) fn fill(&mut self, output: &mut [u8]) {
        if self.update_first {
            let next = self.key.tag(&[&*self.value, &[0]]);
            self.key.take(&next);
            self.key.advance(&mut self.value);
        }
        self.update_first = true;
        for chunk in output.chunks_mut(32) {
            self.key.advance(&mut self.value);
            chunk.copy_from_slice(&self.value[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HmacDrbg;

    #[test]
    fn requests_are_separate_byte_strings() {
        let mut drbg = HmacDrbg::new(&[7; 32], b"test");
        let (mut first, mut second) = ([0; 48], [0; 48]);
        drbg.fill(&mut first);
        drbg.fill(&mut second);

        let mut long = [0; 96];
        HmacDrbg::new(&[7; 32], b"test").fill(&mut long);
        assert_eq!(first, long[..48]);
        assert_ne!(second, long[48..]);
    }

    #[test]
    fn personalization_separates_streams() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        HmacDrbg::new(&[7; 32], b"det RSA key gen\x08\x00").fill(&mut one);
        HmacDrbg::new(&[7; 32], b"det RSA key gen\x0c\x00").fill(&mut other);
        assert_ne!(one, other);
    }
}
