//! What both engines do with exponents and limbs.

use zeroize::Zeroizing;

/// Bits of an exponent taken at once.
pub(super) const WINDOW: usize = 4;
pub(super) const POWERS: usize = 1 << WINDOW;

/// (n-1)/2 of an odd number n.
pub(super) fn half<const W: usize>(number: &[u64; W]) -> [u64; W] {
    std::array::from_fn(|place| number[place] >> 1 | number.get(place + 1).unwrap_or(&0) << 63)
}

/// The number with these limbs of `bits` bits, which has no more than W words.
pub(super) fn words<const W: usize>(limbs: &[u64], bits: usize) -> Zeroizing<[u64; W]> {
    let mut words = Zeroizing::new([0; W]);
    for (place, limb) in limbs.iter().enumerate() {
        let shifted = u128::from(*limb) << (place * bits % 64);
        for (word, part) in words.iter_mut().skip(place * bits / 64).zip([shifted as u64, (shifted >> 64) as u64]) {
            *word |= part;
        }
    }
    words
}
