//! Reads DER as golang.org/x/crypto/cryptobyte does.
//!
//! The crate `der` is stricter: it refuses what stands behind the last field of an extension, and strings of an unknown
//! kind, while Go goes on.

/// The rest of a sequence of DER elements.
#[derive(Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

/// An element: its tag, its content, and both with the length between them.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;

/// Returns the tag of a primitive element with a context-specific number.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// Returns the tag of a constructed element with a context-specific number.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

impl<'a> Der<'a> {
    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn peeks(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Reads the next element, whatever its tag. Source: cryptobyte/asn1.go `readASN1`.
    pub(super) fn any(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, head) = if first < 0x80 {
            (usize::from(first), 2)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let octets = rest.get(..count)?;
            let length = octets.iter().fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet));
            // The length must be as short as possible.
            if length < 0x80 || octets.first() == Some(&0) {
                return None;
            }
            (length, 2 + count)
        };
        let whole = self.0.get(..head.checked_add(length)?)?;
        self.0 = self.0.get(whole.len()..)?;
        Some(Element { tag, content: whole.get(head..)?, whole })
    }

    /// Reads the next element if it has this tag.
    pub(super) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut rest = *self;
        let element = rest.any().filter(|element| element.tag == tag)?;
        *self = rest;
        Some(element)
    }

    /// Reads the content of the next element if it has this tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<Der<'a>> {
        self.element(tag).map(|element| Der(element.content))
    }

    /// Reads an element that may be absent. The outer `None` is an element that is broken.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Option<Der<'a>>> {
        if self.peeks(tag) { self.read(tag).map(Some) } else { Some(None) }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.read(BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// Reads an INTEGER in the fewest octets.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let octets = self.read(INTEGER)?.0;
        match octets {
            [] => None,
            [0, next, ..] if next & 0x80 == 0 => None,
            [0xff, next, ..] if next & 0x80 != 0 => None,
            _ => Some(octets),
        }
    }

    /// Reads an INTEGER that fits in 64 bits.
    pub(super) fn small_integer(&mut self) -> Option<i64> {
        let octets = self.integer().filter(|octets| octets.len() <= 8)?;
        let sign = if octets.first()? & 0x80 == 0 { 0 } else { -1_i64 };
        Some(octets.iter().fold(sign, |sum, octet| (sum << 8) | i64::from(*octet)))
    }

    /// Reads an INTEGER that has another tag and fits in 64 bits.
    pub(super) fn tagged_integer(&mut self, tag: u8) -> Option<i64> {
        let content = self.read(tag)?.0;
        let length = u8::try_from(content.len()).ok()?;
        Der(&[&[INTEGER, length], content].concat()).small_integer()
    }

    /// Reads an object identifier, as its octets.
    pub(super) fn oid(&mut self) -> Option<&'a [u8]> {
        let octets = self.read(OID)?.0;
        // No arc begins with a zero digit, and the last one ends.
        let begins = |position: usize| position == 0 || octets.get(position - 1).is_some_and(|octet| octet & 0x80 == 0);
        let is_padded = octets.iter().enumerate().any(|(position, octet)| *octet == 0x80 && begins(position));
        (octets.last().is_some_and(|octet| octet & 0x80 == 0) && !is_padded).then_some(octets)
    }

    /// Reads a BIT STRING: its octets and the number of unused bits.
    pub(super) fn bit_string(&mut self) -> Option<(&'a [u8], u8)> {
        let (&unused, bits) = self.read(BIT_STRING)?.0.split_first()?;
        let is_padded = match bits.last() {
            None => unused == 0,
            Some(last) => unused < 8 && last & ((1_u8 << unused) - 1) == 0,
        };
        is_padded.then_some((bits, unused))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{BOOLEAN, Der, OCTET_STRING, SEQUENCE};

    #[test]
    fn elements_are_read_and_bad_lengths_refused() {
        let mut der = Der(&[0x30, 3, 1, 1, 0xff, 4, 0]);
        let mut inner = der.read(SEQUENCE).unwrap();
        assert_eq!((inner.boolean(), inner.is_empty()), (Some(true), true));
        assert!(der.peeks(OCTET_STRING) && der.element(BOOLEAN).is_none());
        assert_eq!(der.read(OCTET_STRING).unwrap().0, b"");
        for bad in
            [&[0x30][..], &[0x30, 0x80], &[0x30, 0x81, 1, 0], &[0x30, 0x82, 0, 0x80], &[0x30, 2, 0], &[0x1f, 1, 0]]
        {
            assert!(Der(bad).any().is_none(), "{bad:?}");
        }
    }

    #[test]
    fn integers_are_as_short_as_possible() {
        for (octets, value) in [
            (&[2, 1, 5][..], Some(5)),
            (&[2, 1, 0xff], Some(-1)),
            (&[2, 2, 0, 0x80], Some(128)),
            (&[2, 2, 0, 1], None),
            (&[2, 2, 0xff, 0x80], None),
            (&[2, 0], None),
            (&[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0], None),
        ] {
            assert_eq!(Der(octets).small_integer(), value, "{octets:?}");
        }
    }

    #[test]
    fn object_identifiers_and_bit_strings_are_checked() {
        assert_eq!(Der(&[6, 3, 0x55, 0x1d, 0x0f]).oid(), Some(&[0x55, 0x1d, 0x0f][..]));
        for bad in [&[6, 0][..], &[6, 2, 0x80, 1], &[6, 2, 0x55, 0x80], &[6, 3, 0x55, 0x80, 1]] {
            assert_eq!(Der(bad).oid(), None, "{bad:?}");
        }
        assert_eq!(Der(&[3, 2, 1, 0xfe]).bit_string(), Some((&[0xfe][..], 1)));
        for bad in [&[3, 0][..], &[3, 2, 1, 0xff], &[3, 2, 8, 0], &[3, 1, 1]] {
            assert_eq!(Der(bad).bit_string(), None, "{bad:?}");
        }
    }
}
