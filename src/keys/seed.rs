//! The root seed, the one secret of a cluster's PKI (format "Key derivation", number 1).

use zeroize::{Zeroize, Zeroizing};

use super::error::SeedError;
use super::hkdf::hkdf;
use super::label::Label;
use super::pattern::SeedPattern;
use crate::kubernetes::escape;

/// The beginning of every seed file, whatever its format.
const PREFIX: &[u8] = b"certferry-seed-";
/// The beginning of the second line.
const ID_PREFIX: &[u8] = b"seed-id ";
/// The number of hex digits of 32 bytes.
const DIGITS: usize = 64;

/// 32 secret bytes. They are on the heap, so that moving the seed leaves no copy behind, and are wiped on drop.
pub struct Seed(Box<Zeroizing<[u8; 32]>>);

impl Seed {
    /// Returns the seed of these bytes. This copy of the bytes is wiped. The caller must wipe its own.
    ///
    /// # Errors
    ///
    /// Returns [`SeedError::RepeatedByte`] when all bytes are the same.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Result<Self, SeedError> {
        let mut seed = Self(Box::new(Zeroizing::new([0; 32])));
        seed.0.copy_from_slice(&bytes);
        bytes.zeroize();
        seed.checked()
    }

    /// Reads a seed file: `certferry-seed-1:` and 64 lower-case hex digits on one line, then `seed-id ` and the seed's
    /// id on another, with one LF at its end or none. The second line may be missing.
    ///
    /// # Errors
    ///
    /// Returns the [`SeedError`] of the first thing that is not in this form.
    pub fn parse(file: &[u8]) -> Result<Self, SeedError> {
        if file.is_empty() {
            return Err(SeedError::Empty);
        }
        let after_prefix = file.strip_prefix(PREFIX).ok_or(SeedError::WrongPrefix)?;
        let colon = after_prefix.iter().position(|byte| *byte == b':').ok_or(SeedError::WrongPrefix)?;
        let (number, rest) = after_prefix.split_at(colon);
        if number != b"1" {
            return Err(other_format(number).unwrap_or(SeedError::WrongPrefix));
        }
        let rest = &rest[1..];
        let (line, second) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &[][..]),
        };

        let digits = line.iter().take_while(|byte| hex_value(**byte).is_some()).count();
        match line.get(digits) {
            Some(b'\r') if digits + 1 == line.len() => return Err(SeedError::CarriageReturn),
            Some(other) if digits < DIGITS => {
                let column = file.len() - rest.len() + digits + 1;
                return Err(match other {
                    b'A'..=b'F' => SeedError::UpperCase { column },
                    _ => SeedError::NotHex { column },
                });
            }
            Some(_) if digits == DIGITS => return Err(SeedError::TrailingBytes),
            _ if digits != DIGITS => return Err(SeedError::WrongLength { digits }),
            _ => {}
        }

        let mut seed = Self(Box::new(Zeroizing::new([0; 32])));
        for (byte, pair) in seed.0.iter_mut().zip(line.chunks_exact(2)) {
            *byte = pair.iter().filter_map(|digit| hex_value(*digit)).fold(0, |value, digit| value << 4 | digit);
        }
        let seed = seed.checked()?;
        seed.check_id(second)?;
        Ok(seed)
    }

    /// Checks the second line of a seed file against the first.
    fn check_id(&self, line: &[u8]) -> Result<(), SeedError> {
        if line.is_empty() {
            return Ok(());
        }
        let id = line.strip_prefix(ID_PREFIX).ok_or(SeedError::MoreThanOneLine)?;
        let (id, behind) = match id.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&id[..end], &id[end + 1..]),
            None => (id, &[][..]),
        };
        if !behind.is_empty() {
            return Err(SeedError::MoreThanTwoLines);
        }
        if id.len() != 16 || !id.iter().all(|digit| hex_value(*digit).is_some()) {
            return Err(SeedError::NoId);
        }
        if id == self.id().as_bytes() { Ok(()) } else { Err(SeedError::OtherId) }
    }

    /// Returns the text of a seed file: two lines, LF included.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        // All room at once: what grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 + DIGITS + 1 + ID_PREFIX.len() + 16 + 1));
        text.push_str("certferry-seed-1:");
        push_hex(&mut text, &**self.0);
        text.push_str("\nseed-id ");
        text.push_str(&self.id());
        text.push('\n');
        text
    }

    /// Returns the bytes themselves, for whoever writes the seed down in another form. The caller must wipe its own
    /// copy.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the `seed_id`: 16 hex digits that name the seed and tell nothing about it.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&*hkdf::<8>(&**self.0, b"certferry/1|seed-id"))
    }

    /// Returns the pattern that shows that no random generator made this seed, if there is one.
    #[must_use]
    pub fn pattern(&self) -> Option<SeedPattern> {
        SeedPattern::find(&self.0)
    }

    /// Returns the `cluster_id`: 32 hex digits that name the cluster under this seed. It is not secret.
    #[must_use]
    pub fn cluster_id(&self, cluster: &str) -> String {
        let info = format!("certferry/1|{}|cluster-id|id|1", escape(cluster));
        hex(&*hkdf::<16>(&**self.0, info.as_bytes()))
    }

    /// Returns the HMAC-SHA256 key of the cluster's serial numbers (format "Certificate profile", number 1).
    #[must_use]
    pub fn serial_key(&self, cluster: &str) -> Zeroizing<[u8; 32]> {
        let info = format!("certferry/1|{}|serial|hmac-sha256|1", escape(cluster));
        hkdf(&**self.0, info.as_bytes())
    }

    /// Returns the seed from which det-keygen makes the key of a label.
    #[must_use]
    pub fn key_seed(&self, label: &Label) -> Zeroizing<[u8; 32]> {
        hkdf(&**self.0, label.to_string().as_bytes())
    }

    fn checked(self) -> Result<Self, SeedError> {
        let first = self.0[0];
        if self.0.iter().all(|byte| *byte == first) { Err(SeedError::RepeatedByte) } else { Ok(self) }
    }
}

/// Returns [`SeedError::OtherFormat`] when `text` is a number: decimal, without sign or leading zeros.
fn other_format(text: &[u8]) -> Option<SeedError> {
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == text).then_some(SeedError::OtherFormat { number })
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

/// Appends bytes as hex digits, one digit at a time, because formatting machinery would leave copies of a secret
/// behind.
fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::{Seed, SeedError};

    const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn seed() -> Seed {
        Seed::from_bytes(std::array::from_fn(|index| u8::try_from(index).unwrap()))
            .unwrap_or_else(|_| panic!("no seed"))
    }

    fn fault(text: &str) -> SeedError {
        Seed::parse(text.as_bytes()).err().unwrap_or_else(|| panic!("{text:?} was taken"))
    }

    #[test]
    fn file_form_goes_there_and_back() {
        // The id is that of the chapter `formats`.
        let first = format!("certferry-seed-1:{DIGITS}\n");
        let text = format!("{first}seed-id a654bec5a07c4d4e\n");
        assert_eq!(*seed().to_text(), text);
        for form in [text.as_str(), text.trim_end(), first.as_str(), first.trim_end()] {
            assert_eq!(*Seed::parse(form.as_bytes()).unwrap_or_else(|_| panic!("{form:?}")).to_text(), text);
        }
    }

    #[test]
    fn each_fault_of_a_seed_file_has_its_name() {
        assert_eq!(fault(""), SeedError::Empty);
        for text in
            ["\n", DIGITS, "Certferry-seed-1:", " certferry-seed-1:", "certferry-seed-1", "\u{feff}certferry-seed-1:"]
        {
            assert_eq!(fault(&format!("{text}{DIGITS}")), SeedError::WrongPrefix, "{text:?}");
        }
        for text in ["", "x", "+1", "-1", "01", "1 ", "99999999999"] {
            assert_eq!(fault(&format!("certferry-seed-{text}:{DIGITS}")), SeedError::WrongPrefix, "{text:?}");
        }
        assert_eq!(fault(&format!("certferry-seed-2:{DIGITS}")), SeedError::OtherFormat { number: 2 });
        for digits in [0, 1, 63] {
            assert_eq!(fault(&format!("certferry-seed-1:{}\n", &DIGITS[..digits])), SeedError::WrongLength { digits });
        }
        assert_eq!(fault(&format!("certferry-seed-1:{DIGITS}0")), SeedError::WrongLength { digits: 65 });
        assert_eq!(
            fault(&format!("certferry-seed-1:{}", DIGITS.to_uppercase())),
            SeedError::UpperCase { column: 17 + 22 }
        );
        assert_eq!(fault(&format!("certferry-seed-1: {DIGITS}")), SeedError::NotHex { column: 18 });
        assert_eq!(fault(&format!("certferry-seed-1:{}g0", &DIGITS[..62])), SeedError::NotHex { column: 17 + 63 });
        assert_eq!(fault(&format!("certferry-seed-1:{DIGITS}\r\n")), SeedError::CarriageReturn);
        for trailing in [" ", "\t\n", "\0", "A", "\r\r\n"] {
            assert_eq!(
                fault(&format!("certferry-seed-1:{DIGITS}{trailing}")),
                SeedError::TrailingBytes,
                "{trailing:?}"
            );
        }
        for trailing in ["\n\n", "\ncertferry-seed-1:", "\n "] {
            assert_eq!(
                fault(&format!("certferry-seed-1:{DIGITS}{trailing}")),
                SeedError::MoreThanOneLine,
                "{trailing:?}"
            );
        }
        for (second, error) in [
            ("seed-id ", SeedError::NoId),
            ("seed-id a654bec5a07c4d4", SeedError::NoId),
            ("seed-id A654BEC5A07C4D4E", SeedError::NoId),
            ("seed-id a654bec5a07c4d4e\r\n", SeedError::NoId),
            ("seed-id  a654bec5a07c4d4e", SeedError::NoId),
            ("seed-id a654bec5a07c4d4f\n", SeedError::OtherId),
            ("seed-id a654bec5a07c4d4e\n\n", SeedError::MoreThanTwoLines),
        ] {
            assert_eq!(fault(&format!("certferry-seed-1:{DIGITS}\n{second}")), error, "{second:?}");
        }
        for digits in ["00", "7f", "ff"] {
            assert_eq!(fault(&format!("certferry-seed-1:{}\n", digits.repeat(32))), SeedError::RepeatedByte);
        }
    }

    /// Each digit of the first line, replaced by each other: whatever the slip, the second line tells.
    #[test]
    fn a_mistyped_digit_is_found() {
        let text = seed().to_text();
        for place in 17..17 + DIGITS.len() {
            for digit in "0123456789abcdef".bytes().filter(|digit| *digit != text.as_bytes()[place]) {
                let mut slip = text.as_bytes().to_vec();
                slip[place] = digit;
                assert_eq!(Seed::parse(&slip).err(), Some(SeedError::OtherId), "column {place}");
            }
        }
    }

    #[test]
    fn bytes_that_no_generator_made_are_refused() {
        for byte in [0, 1, 0xff] {
            assert_eq!(Seed::from_bytes([byte; 32]).err(), Some(SeedError::RepeatedByte));
        }
        let mut almost = [0; 32];
        almost[31] = 1;
        assert!(Seed::from_bytes(almost).is_ok());
    }
}
