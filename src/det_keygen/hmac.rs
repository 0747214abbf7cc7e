//! HMAC-SHA256 (RFC 2104) under a key of 32 bytes, wiped after use.
//!
//! From SHA-256's compression function: the search for primes takes thousands of short tags for each RSA key, and the general
//! machinery, which copies and wipes buffers for each of them, would take as long as the hashing itself.

use std::slice::from_ref;

use sha2::block_api::compress256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// SHA-256's block.
const BLOCK: usize = 64;
/// The initial state: FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A key, scheduled once for any number of messages. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct HmacKey {
    /// The states behind the key's block with the inner pad, and with the outer one.
    inner: [u32; 8],
    outer: [u32; 8],
    /// The block at work.
    block: [u8; BLOCK],
}

impl HmacKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut scheduled = Self { inner: INITIAL, outer: INITIAL, block: [0; BLOCK] };
        scheduled.take(key);
        scheduled
    }

    /// Takes another key.
    pub(super) fn take(&mut self, key: &[u8; 32]) {
        // Section 2: a short key is filled with zeros to the hash's block.
        for (state, pad) in [(&mut self.inner, 0x36), (&mut self.outer, 0x5c)] {
            self.block.fill(pad);
            for (byte, key) in self.block.iter_mut().zip(key) {
                *byte ^= key;
            }
            *state = INITIAL;
            compress256(state, from_ref(&self.block));
        }
    }

    /// The tag of the concatenation of `parts`.
    pub fn tag(&mut self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut state = Zeroizing::new(self.inner);
        let mut length = 0;
        for byte in parts.iter().copied().flatten() {
            self.block[length % BLOCK] = *byte;
            length += 1;
            if length.is_multiple_of(BLOCK) {
                compress256(&mut state, from_ref(&self.block));
            }
        }
        let mut tag = Zeroizing::new([0; 32]);
        self.finish(state, length, &mut tag);
        tag
    }

    /// The tag of a message of `length` bytes, of which `state` has seen the full blocks and the block holds the rest.
    fn finish(&mut self, mut state: Zeroizing<[u32; 8]>, length: usize, tag: &mut [u8; 32]) {
        self.end_inner(&mut state, length);
        self.outer(&mut state, tag);
    }

    /// Ends the inner hash. FIPS 180-4, section 5.1.1: a one, zeros, and the length in bits, to the end of a block. The key's
    /// block counts.
    fn end_inner(&mut self, state: &mut [u32; 8], length: usize) {
        let rest = length % BLOCK;
        self.block[rest] = 0x80;
        self.block[rest + 1..].fill(0);
        if rest >= BLOCK - 8 {
            compress256(state, from_ref(&self.block));
            self.block.fill(0);
        }
        self.end_block(BLOCK + length);
        compress256(state, from_ref(&self.block));
    }

    /// The outer hash, of the inner one in `state`.
    fn outer(&mut self, state: &mut [u32; 8], tag: &mut [u8; 32]) {
        write_be(state, &mut self.block);
        self.block[32] = 0x80;
        self.block[33..].fill(0);
        self.end_block(BLOCK + 32);
        *state = self.outer;
        compress256(state, from_ref(&self.block));
        write_be(state, tag);
    }

    fn end_block(&mut self, bytes: usize) {
        self.block[BLOCK - 8..].copy_from_slice(&(8 * bytes as u64).to_be_bytes());
    }
}

/// The tag of 32 bytes, in their place, under each key: for the generator, which makes long chains of these.
///
/// A hash waits for itself at every step; those of other chains fill the time, if they come before it is over.
pub(super) fn advance<const N: usize>(mut chains: [(&mut HmacKey, &mut [u8; 32]); N]) {
    let mut states = Zeroizing::new(chains.each_ref().map(|(key, _)| key.inner));
    for ((key, value), state) in chains.iter_mut().zip(states.iter_mut()) {
        key.block[..32].copy_from_slice(&value[..]);
        key.end_inner(state, 32);
    }
    for ((key, value), state) in chains.iter_mut().zip(states.iter_mut()) {
        key.outer(state, value);
    }
}

fn write_be(state: &[u32; 8], bytes: &mut [u8]) {
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::{BLOCK, HmacKey, advance};

    #[test]
    fn state_is_wiped_on_drop() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        wiped(&HmacKey::new(&[0; 32]));
    }

    /// Lengths on both sides of each block's end, and of where the length no longer fits behind the message.
    #[test]
    fn agrees_with_the_hmac_crate() {
        let message: Vec<u8> = (0..=255).cycle().take(5 * BLOCK).collect();
        let mut key = HmacKey::new(&[1; 32]);
        for length in 0..=message.len() {
            let secret = [length as u8 ^ 0x5a; 32];
            let mut expected = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
            expected.update(&message[..length]);
            let expected: [u8; 32] = expected.finalize().into_bytes().into();
            key.take(&secret);
            let (one, other) = message[..length].split_at(length / 3);
            assert_eq!(*key.tag(&[one, &[], other]), expected, "{length}");
            if let Ok(mut value) = <[u8; 32]>::try_from(&message[..length]) {
                let (mut other_key, mut other) = (HmacKey::new(&[2; 32]), [3; 32]);
                let expected_other = *other_key.tag(&[&other]);
                advance([(&mut key, &mut value), (&mut other_key, &mut other)]);
                assert_eq!((value, other), (expected, expected_other));
            }
        }
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
