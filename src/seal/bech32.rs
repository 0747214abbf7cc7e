//! Bech32 (BIP 173) without its limit of 90 letters, as age has it.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Checksum, Hrp};
use zeroize::Zeroizing;

/// The letters of the longest text that is read. A recipient of the hybrid kind has 1,959.
const LONGEST: usize = 4096;

/// The checksum of Bech32, over texts of any length that may be one of ours.
enum Long {}

impl Checksum for Long {
    type MidstateRepr = u32;
    type CorrectionField = <Bech32 as Checksum>::CorrectionField;

    const ROOT_GENERATOR: Self::CorrectionField = Bech32::ROOT_GENERATOR;
    const ROOT_EXPONENTS: std::ops::RangeInclusive<usize> = Bech32::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = LONGEST;
    const CHECKSUM_LENGTH: usize = Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = Bech32::TARGET_RESIDUE;
}

/// Returns the text of bytes, in lower case.
pub(super) fn write(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let prefix = Hrp::parse(prefix).ok();
    Zeroizing::new(prefix.and_then(|prefix| bech32::encode_lower::<Long>(prefix, bytes).ok()).unwrap_or_default())
}

/// Reads a text with its prefix, which is in lower case here. Returns `None` when the checksum does not hold, or when
/// the text is not the one that [`write()`] returns, in one case.
pub(super) fn read(prefix: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let checked = CheckedHrpstring::new::<Long>(text).ok()?;
    if !checked.hrp().as_bytes().eq_ignore_ascii_case(prefix.as_bytes()) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    bytes.extend(checked.byte_iter());
    // The bits behind the last byte are 0, and fewer than five.
    write(prefix, &bytes).eq_ignore_ascii_case(text).then_some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use bech32::Checksum;

    use super::{Long, read, write};

    #[test]
    fn the_checksum_is_that_of_bech32() {
        Long::sanity_check();
        // BIP 173, "Test vectors".
        assert_eq!(*write("a", &[]), "a12uel5l");
        assert!(read("a", "A12UEL5L").is_some());
        assert!(read("b", "A12UEL5L").is_none());
    }

    #[test]
    fn one_text_for_one_value() {
        let text = write("age", &[7; 32]);
        assert_eq!(**read("age", &text).unwrap(), [7; 32]);
        assert_eq!(**read("age", &text.to_uppercase()).unwrap(), [7; 32]);
        for place in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[place] = if changed[place] == b'q' { b'p' } else { b'q' };
            assert!(read("age", std::str::from_utf8(&changed).unwrap()).is_none(), "letter {place}");
            changed.remove(place);
            assert!(read("age", std::str::from_utf8(&changed).unwrap()).is_none(), "without letter {place}");
        }
        let mut mixed = text.to_string();
        mixed.replace_range(..1, "A");
        assert!(read("age", &mixed).is_none());
    }
}
