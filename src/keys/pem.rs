//! PEM (RFC 7468) with LF and lines of 64 columns, as openssl and Go write it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The number of bytes in a line of 64 base64 characters.
const LINE: usize = 48;

/// Returns `der` as a PEM block. The text is wiped when dropped, because it may be a private key.
pub(super) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Reserves all room at once, because a buffer that grows leaves copies behind.
    let content = der.len().div_ceil(3) * 4 + der.len().div_ceil(LINE);
    let frame = "-----BEGIN -----\n-----END -----\n".len() + 2 * label.len();
    let mut text = Zeroizing::new(String::with_capacity(frame + content));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    for line in der.chunks(LINE) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::pem;

    #[test]
    fn lines_have_64_columns_and_the_buffer_never_grows() {
        for length in [0, 1, 47, 48, 49, 96, 1200] {
            let text = pem("PRIVATE KEY", &vec![0xa5; length]);
            assert_eq!(text.len(), text.capacity(), "{length}");
            let columns: Vec<usize> = text.lines().filter(|line| !line.starts_with('-')).map(str::len).collect();
            assert_eq!(columns.len(), length.div_ceil(48), "{length}");
            assert!(columns.iter().take(length / 48).all(|columns| *columns == 64), "{length}");
        }
    }
}
