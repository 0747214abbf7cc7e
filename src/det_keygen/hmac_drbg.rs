//! HMAC_DRBG with SHA-256 (NIST SP 800-90A Rev. 1, section 10.1.2) as C2SP det-keygen uses it.

use zeroize::Zeroizing;

use super::hmac::{HmacKey, advance};

/// A stream of byte strings that depends on the seed and the personalization string alone. Wiped on drop.
pub struct HmacDrbg {
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
            advance([(&mut key, &mut value)]);
        }
        Self { key, value, update_first: false }
    }

    /// Fills `output` with the stream's next byte string.
    pub(super) fn fill(&mut self, output: &mut [u8]) {
        fill([(self, output)]);
    }
}

/// Fills each output with its stream's next byte string; all have one length. Side by side: see [`advance`].
pub(super) fn fill<const N: usize>(mut streams: [(&mut HmacDrbg, &mut [u8]); N]) {
    for (drbg, _) in &mut streams {
        if drbg.update_first {
            let next = drbg.key.tag(&[&*drbg.value, &[0]]);
            drbg.key.take(&next);
            advance([(&mut drbg.key, &mut drbg.value)]);
        }
        drbg.update_first = true;
    }
    let length = streams.iter().map(|(_, output)| output.len()).min().unwrap_or_default();
    for start in (0..length).step_by(32) {
        advance(streams.each_mut().map(|(drbg, _)| (&mut drbg.key, &mut *drbg.value)));
        for (drbg, output) in &mut streams {
            let end = length.min(start + 32);
            output[start..end].copy_from_slice(&drbg.value[..end - start]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HmacDrbg, fill};

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
    fn streams_side_by_side_are_what_they_are_alone() {
        let drbg = |seed| HmacDrbg::new(&[seed; 32], b"test");
        let (mut one, mut other) = (drbg(1), drbg(2));
        // Not in step: one has been asked before.
        let (mut first, mut second) = ([0; 70], [0; 70]);
        one.fill(&mut first);
        for _ in 0..3 {
            fill([(&mut one, &mut first), (&mut other, &mut second)]);
        }
        for (seed, requests, expected) in [(1, 4, first), (2, 3, second)] {
            let (mut alone, mut bytes) = (drbg(seed), [0; 70]);
            (0..requests).for_each(|_| alone.fill(&mut bytes));
            assert_eq!(bytes, expected, "{seed}");
        }
    }

    #[test]
    fn personalization_separates_streams() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        HmacDrbg::new(&[7; 32], b"det RSA key gen\x08\x00").fill(&mut one);
        HmacDrbg::new(&[7; 32], b"det RSA key gen\x0c\x00").fill(&mut other);
        assert_ne!(one, other);
    }
}
