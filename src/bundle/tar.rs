//! Headers of ustar entries (POSIX.1-2017, pax, "ustar Interchange Format").
//!
//! A path has exactly one header. The reader encodes the header that it expects and compares, so it never interprets a
//! header that an attacker wrote.

use tar::{EntryType, Header};

use super::mode::Mode;

/// Bytes of a block, in which tar counts.
pub(super) const BLOCK: usize = 512;
/// The end of an archive.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Bytes of the name field. A name may use all of them.
const NAME: usize = 100;
/// Bytes of the prefix field.
const PREFIX: usize = 155;

/// The kind of an entry.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    /// A regular file.
    File { mode: Mode, size: u64 },
    /// A folder. Its path ends in `/`.
    Folder,
    /// A symbolic link.
    Link { target: &'a str },
}

/// Cuts a path into the prefix and the name of a ustar header.
///
/// A path of up to 100 bytes is not cut. A longer one is cut at the first `/` that leaves at most 100 bytes. The path
/// of a folder has its `/` at the end. Returns `None` when the prefix would have more than 155 bytes, and when no `/`
/// leaves a name.
#[must_use]
pub fn ustar_split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME {
        return Some(("", path));
    }
    // Both ends of the cut are ASCII slashes or ends of the text, so every slice is on a boundary.
    let earliest = path.len() - NAME - 1;
    let cut = path.bytes().enumerate().skip(earliest).find_map(|(index, byte)| (byte == b'/').then_some(index))?;
    let (prefix, name) = (path.get(..cut)?, path.get(cut + 1..)?);
    (prefix.len() <= PREFIX && !name.is_empty()).then_some((prefix, name))
}

/// Encodes a header. `mtime` is in seconds since 1970.
///
/// Returns `None` when ustar cannot hold the path, or the target of a link has more than 100 bytes.
pub(super) fn header(path: &str, kind: Kind<'_>, mtime: u64) -> Option<[u8; BLOCK]> {
    let (prefix, name) = ustar_split(path)?;
    let mut header = Header::new_ustar();
    let (entry_type, mode, size, target) = match kind {
        Kind::File { mode, size } => (EntryType::Regular, mode.bits(), size, ""),
        Kind::Folder => (EntryType::Directory, 0o755, 0, ""),
        Kind::Link { target } => (EntryType::Symlink, 0o777, 0, target),
    };
    header.set_entry_type(entry_type);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(mtime);
    // The crate's setters for paths would cut at another `/`, and drop the one at the end. Owner names and device
    // numbers stay NUL, as they are in a new header.
    let fields = header.as_ustar_mut()?;
    fields.name.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    fields.prefix.get_mut(..prefix.len())?.copy_from_slice(prefix.as_bytes());
    fields.linkname.get_mut(..target.len())?.copy_from_slice(target.as_bytes());
    // The checksum counts its own field as spaces. The crate would write seven digits and NUL.
    fields.cksum = *b"        ";
    // This cannot overflow, and a check at each byte would take longer than everything else here.
    let sum = header.as_bytes().iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    header.as_ustar_mut()?.cksum.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(*header.as_bytes())
}

/// Returns the path in a header, readable whatever it is, for messages and to tell an index from a record.
pub(super) fn raw_path(header: &[u8; BLOCK]) -> String {
    let text = |field: &[u8]| field.split(|byte| *byte == 0).next().unwrap_or_default().escape_ascii().to_string();
    let (name, prefix) = (text(&header[..NAME]), text(&header[345..345 + PREFIX]));
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// Returns the size that a header states, or `None` when it is not written as [`header`] writes it.
pub(super) fn raw_size(header: &[u8; BLOCK]) -> Option<u64> {
    let (digits, end) = header[124..136].split_at(11);
    let octal = end == [0] && digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
    octal.then(|| digits.iter().fold(0, |size, digit| size << 3 | u64::from(digit - b'0')))
}

/// Returns how many zero bytes follow a file of this size.
pub(super) const fn padding(size: usize) -> usize {
    size.wrapping_neg() % BLOCK
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::{BLOCK, Kind, Mode, header, padding, raw_path, raw_size, ustar_split};

    #[test]
    fn encodes_each_field_as_the_format_says() {
        // 2026-11-22 00:00 UTC is 1795305600.
        let header = header("a/b", Kind::File { mode: Mode::Private, size: 1234 }, 1_795_305_600).unwrap();
        let mut expected = [0; BLOCK];
        for (offset, bytes) in [
            (0, &b"a/b"[..]),
            (100, b"0000600\0"),
            (108, b"0000000\0"),
            (116, b"0000000\0"),
            (124, b"00000002322\0"),
            (136, b"15300430200\0"),
            (148, b"006342\0 "),
            (156, b"0"),
            (257, b"ustar\x0000"),
        ] {
            expected[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        assert_eq!(header.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn encodes_folders_and_links() {
        let folder = header("a/", Kind::Folder, 0).unwrap();
        assert_eq!((&folder[..3], folder[156], &folder[100..108]), (&b"a/\0"[..], b'5', &b"0000755\0"[..]));
        let link = header("a", Kind::Link { target: "b" }, 0).unwrap();
        assert_eq!((&link[157..159], link[156], &link[100..108]), (&b"b\0"[..], b'2', &b"0000777\0"[..]));
        assert!(header("a", Kind::Link { target: &"b".repeat(100) }, 0).is_some());
        assert!(header("a", Kind::Link { target: &"b".repeat(101) }, 0).is_none());
    }

    #[test]
    fn cuts_long_paths_at_the_first_slash_that_leaves_at_most_100() {
        let (a, b) = ("a".repeat(60), "b".repeat(99));
        assert_eq!(ustar_split("a/b"), Some(("", "a/b")));
        assert_eq!(ustar_split(&format!("{b}/")), Some(("", &*format!("{b}/"))));
        assert_eq!(ustar_split(&format!("{a}/{b}")), Some((&*a, &*b)));
        assert_eq!(ustar_split(&format!("x/{a}/{a}/y")), Some((&*format!("x/{a}"), &*format!("{a}/y"))));
        // Cutting at the first slash leaves exactly 100 bytes.
        assert_eq!(ustar_split(&format!("x/{b}c")), Some(("x", &*format!("{b}c"))));
        assert_eq!(ustar_split(&format!("x/{b}cd")), None);
        // The name of a folder includes its slash and is never empty.
        assert_eq!(ustar_split(&format!("x/{b}/")), Some(("x", &*format!("{b}/"))));
        assert_eq!(ustar_split(&format!("x/{b}c/")), None);
        let prefix = format!("{}/{}", "p".repeat(100), "q".repeat(54));
        assert_eq!(ustar_split(&format!("{prefix}/{b}c")), Some((&*prefix, &*format!("{b}c"))));
        assert_eq!(ustar_split(&format!("{prefix}r/{b}c")), None);
        assert_eq!(ustar_split(&"c".repeat(101)), None);
        assert_eq!(ustar_split(&"ä".repeat(51)), None);
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let path = format!("{}/{}", "a".repeat(80), "b".repeat(80));
        let written = header(&path, Kind::File { mode: Mode::Public, size: 4 << 20 }, 0).unwrap();
        assert_eq!((raw_path(&written), raw_size(&written)), (path, Some(4 << 20)));
        let mut base256 = written;
        base256[124] = 0x80;
        assert_eq!(raw_size(&base256), None);
        assert_eq!(raw_path(&[0x1b; BLOCK])[..4], *"\\x1b");
    }

    #[test]
    fn pads_to_blocks() {
        assert_eq!([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
    }
}
