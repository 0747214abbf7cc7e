//! The two forms of a sealed file.

/// How a sealed file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As bytes.
    Binary,
    /// As text: PEM with the label `AGE ENCRYPTED FILE`.
    Armored,
}

/// The beginning of every binary file, whatever its version.
const BINARY: &[u8] = b"age-encryption.org/";

/// The beginning of armor.
const ARMORED: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

impl Form {
    /// Returns the form that a file has which begins with these bytes; `None` when it is not of age.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        if file.starts_with(BINARY) {
            return Some(Self::Binary);
        }
        file.trim_ascii_start().starts_with(ARMORED).then_some(Self::Armored)
    }

    /// Returns the form that a file may have of which not all may be known: its first byte decides.
    pub(super) fn by_first_byte(file: &[u8]) -> Self {
        if file.first() == BINARY.first() { Self::Binary } else { Self::Armored }
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn the_beginning_tells_the_form() {
        assert_eq!(Form::of(b"age-encryption.org/v1\n"), Some(Form::Binary));
        assert_eq!(Form::of(b"-----BEGIN AGE ENCRYPTED FILE-----\n"), Some(Form::Armored));
        assert_eq!(Form::of(b"\r\n -----BEGIN AGE ENCRYPTED FILE-----"), Some(Form::Armored));
        for other in
            [&b""[..], b"age", b" age-encryption.org/v1", b"-----BEGIN EC PRIVATE KEY-----", b"certferry-seed-1:"]
        {
            assert_eq!(Form::of(other), None);
        }
    }
}
