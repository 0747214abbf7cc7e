//! The checksum of a file: what is signed in place of the file itself, when its signer must not have it.

use crate::bundle::hex::Sha256;

/// The SHA-256 of a file and the file's name, in the one line that `sha256sum` writes.
///
/// A bundle holds keys, so whoever signs it elsewhere never sees it. They sign this line. A reader takes it for the
/// signature of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The digest of the file.
    pub sha256: Sha256,
    /// The name of the file.
    pub name: String,
}

/// The most bytes of such a file.
const LIMIT: usize = 512;

impl Checksum {
    /// Returns the line.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}  {}\n", self.sha256, self.name)
    }

    /// Reads the line. Returns `None` for everything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LIMIT)?;
        let (digest, name) = text.strip_suffix('\n')?.split_once("  ")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let is_name = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && name.bytes().all(plain);
        is_name.then_some(Self { sha256: Sha256::parse(digest)?, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Checksum, Sha256};

    #[test]
    fn only_one_line_of_one_form_is_read() {
        let checksum = Checksum { sha256: Sha256::of(b"bundle"), name: "prod-1-g1.tar.gz".to_owned() };
        let text = checksum.to_text();
        assert_eq!(Checksum::read(text.as_bytes()), Some(checksum));
        for wrong in [
            String::new(),
            text.trim_end().to_owned(),
            format!("{text}{text}"),
            text.replace("  ", " *"),
            text.to_uppercase(),
            text.replace("prod", "../prod"),
            text.replace("prod", "-prod"),
            format!("{{\n  \"cluster\": \"{}\"\n}}\n", "a".repeat(64)),
        ] {
            assert_eq!(Checksum::read(wrong.as_bytes()), None, "{wrong:?}");
        }
    }
}
