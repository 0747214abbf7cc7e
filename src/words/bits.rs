//! Bytes as numbers of eleven bits, each of which is the place of a word.

use zeroize::Zeroizing;

/// How many bits a word stands for.
const BITS: usize = 11;

/// Returns the bits of some bytes, the first one first, in groups of eleven. As many bits as do not fill a group are
/// left out at the front.
#[must_use]
pub fn to_indices(bytes: &[u8]) -> Zeroizing<Vec<u16>> {
    let (count, skipped) = (bytes.len() * 8 / BITS, bytes.len() * 8 % BITS);
    let mut indices = Zeroizing::new(Vec::with_capacity(count));
    let (mut bits, mut held): (u32, usize) = (0, 0);
    let mut skipped = skipped;
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        let left_out = skipped.min(8);
        (held, skipped) = (held - left_out, skipped - left_out);
        if held >= BITS {
            held -= BITS;
            indices.push(u16::try_from(bits >> held & 0x7ff).unwrap_or_default());
        }
        bits &= (1 << held) - 1;
    }
    indices
}

/// Returns the bytes of groups of eleven bits, with zeros in front of the first bit where they do not fill a byte.
#[must_use]
pub fn from_indices(indices: &[u16]) -> Zeroizing<Vec<u8>> {
    let length = (indices.len() * BITS).div_ceil(8);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    let (mut bits, mut held): (u32, usize) = (0, length * 8 - indices.len() * BITS);
    for index in indices {
        bits = bits << BITS | u32::from(*index & 0x7ff);
        held += BITS;
        while held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
        bits &= (1 << held) - 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{from_indices, to_indices};

    #[test]
    fn bits_go_there_and_back() {
        assert_eq!(*to_indices(&[0xff; 33]), [0x7ff; 24]);
        assert_eq!(*to_indices(&[0b0000_0000, 0b0000_0000, 0b0010_0000]), [0, 0b000_0010_0000]);
        for length in 2..60_usize {
            let mut bytes: Vec<u8> =
                (0..length).map(|place| u8::try_from(place * 83 % 256).unwrap_or_default()).collect();
            let skipped = length * 8 % 11;
            if skipped >= 8 {
                continue;
            }
            bytes[0] = 0xff >> skipped;
            let indices = to_indices(&bytes);
            assert_eq!(indices.len(), length * 8 / 11);
            assert_eq!(*from_indices(&indices), bytes, "{length}");
        }
    }
}
