//! The recipient `scrypt` (age, section "The scrypt recipient type"): whoever knows the passphrase. RFC 7914.

use scrypt::Params;
use zeroize::Zeroizing;

use super::error::{OpenError, PassphraseError, SealError};
use super::header::Stanza;
use super::limits::{MAX_WORK_FACTOR, PASSPHRASE};
use super::random;
use super::wrap::{self, FILE_KEY, FileKey};

/// The first argument of its stanza.
pub(super) const NAME: &str = "scrypt";

/// The binary logarithm of the work with which files are sealed, which is age's: about a second.
const WORK_FACTOR: u8 = 18;

const SALT: usize = 16;
const LABEL: &[u8] = b"age-encryption.org/v1/scrypt";

/// A passphrase: one line of UTF-8, wiped on drop.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Reads a passphrase, as it was typed or stands in a file. One LF or CRLF at its end does not belong to it.
    ///
    /// # Errors
    /// Returns the [`PassphraseError`] that says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, PassphraseError> {
        let line = bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
        if line.is_empty() {
            return Err(PassphraseError::Empty);
        }
        if line.len() > PASSPHRASE {
            return Err(PassphraseError::TooLong);
        }
        if std::str::from_utf8(line).is_err() {
            return Err(PassphraseError::NotUtf8);
        }
        if line.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            return Err(PassphraseError::MoreThanOneLine);
        }
        if line.contains(&0) {
            return Err(PassphraseError::Nul);
        }
        Ok(Self(Zeroizing::new(line.to_vec())))
    }

    /// Returns whether two are the same, as when a person types one twice.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

/// Returns the MiB of memory that a work factor takes: 128 bytes x r x N.
fn mebibytes(work_factor: u8) -> u32 {
    1 << work_factor.saturating_sub(10)
}

/// Returns the wrap key; `None` where there is not as much memory.
fn wrap_key(passphrase: &Passphrase, salt: &[u8], work_factor: u8) -> Option<Box<Zeroizing<[u8; 32]>>> {
    // The crate would end the program, where this can be told.
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact((mebibytes(work_factor) as usize) << 20).ok()?;
    drop(room);
    let parameters = Params::new(work_factor, 8, 1).ok()?;
    let mut key = Box::new(Zeroizing::new([0; 32]));
    scrypt::scrypt(&passphrase.0, &[LABEL, salt].concat(), &parameters, key.as_mut_slice()).ok()?;
    Some(key)
}

/// Returns the stanza that wraps the file key for whoever knows the passphrase.
pub(super) fn seal(passphrase: &Passphrase, file_key: &[u8; FILE_KEY]) -> Result<Stanza, SealError> {
    let salt = random::bytes::<SALT>()?;
    let key = wrap_key(passphrase, salt.as_slice(), WORK_FACTOR);
    let body = key.and_then(|key| wrap::seal(&key, file_key)).ok_or(SealError::Memory(mebibytes(WORK_FACTOR)))?;
    Ok(Stanza::new(&[NAME], salt.as_slice(), &[&WORK_FACTOR.to_string()], body))
}

/// Returns the file key; `None` when the passphrase is another.
pub(super) fn open(stanza: &Stanza, passphrase: &Passphrase) -> Result<Option<FileKey>, OpenError> {
    let [_, salt, work_factor] = stanza.arguments() else {
        return Err(OpenError::Header("a stanza scrypt has two arguments"));
    };
    let salt = Stanza::bytes(salt).filter(|salt| salt.len() == SALT);
    let salt = salt.ok_or(OpenError::Header("a salt of scrypt is not 16 bytes of base64"))?;
    let wrapped = stanza.wrapped()?;
    let is_number = !work_factor.starts_with('0') && work_factor.bytes().all(|digit| digit.is_ascii_digit());
    let number = work_factor.parse::<u8>().ok().filter(|_| is_number);
    let work_factor = number.ok_or(OpenError::Header("a work factor of scrypt is no number"))?;
    if work_factor > MAX_WORK_FACTOR {
        return Err(OpenError::WorkFactor(work_factor));
    }
    let key = wrap_key(passphrase, &salt, work_factor).ok_or(OpenError::Memory(mebibytes(work_factor)))?;
    Ok(wrap::open(&key, &wrapped))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use super::{PASSPHRASE, Passphrase};

    #[test]
    fn what_is_no_passphrase_is_said() {
        let said = |bytes: &[u8]| Passphrase::parse(bytes).err().unwrap().to_string();
        for empty in [&b""[..], b"\n", b"\r\n"] {
            assert_eq!(said(empty), "is empty");
        }
        assert_eq!(said(&[b'a'; PASSPHRASE + 1]), "is longer than 1024 bytes");
        assert_eq!(said(&vec![b'a'; 1 << 20]), "is longer than 1024 bytes");
        assert_eq!(said(b"\xff"), "is not UTF-8");
        for two in [&b"a\nb"[..], b"a\n\n", b"a\rb", b"a\r\r\n"] {
            assert_eq!(said(two), "has more than one line");
        }
        assert_eq!(said(b"a\0b"), "has a NUL in it");
    }

    #[test]
    fn a_line_end_does_not_belong_to_it() {
        let typed = Passphrase::parse(b" a b ").unwrap();
        for file in [&b" a b "[..], b" a b \n", b" a b \r\n"] {
            assert!(Passphrase::parse(file).unwrap().is(&typed));
        }
        assert!(!Passphrase::parse(b"a b").unwrap().is(&typed));
    }
}
