//! The form of a certificate, by which it is told from a key without being understood.
//!
//! A survey has every certificate as it is, also one that this version cannot read: whoever makes a profile of it can say
//! what is wrong with it. `survey.sh` looks at the same elements, whichever OpenSSL is on the node.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// The tag of the version (RFC 5280, section 4.1).
const VERSION: u8 = 0xa0;

/// Returns whether bytes are one SEQUENCE in DER and nothing else.
pub(super) fn is_whole(der: &[u8]) -> bool {
    matches!(element(der), Some((SEQUENCE, _, [])))
}

/// Returns whether bytes have the form of a certificate (RFC 5280, section 4.1), which no key has.
pub(super) fn is_certificate(der: &[u8]) -> bool {
    let parts = || {
        let (_, inside, _) = element(der).filter(|(tag, _, rest)| *tag == SEQUENCE && rest.is_empty())?;
        let (tbs, rest) = take(inside, SEQUENCE)?;
        let (_, rest) = take(rest, SEQUENCE)?;
        let (_, rest) = take(rest, BIT_STRING)?;
        let mut tbs = take(tbs, VERSION).map_or(tbs, |(_, rest)| rest);
        for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
            tbs = take(tbs, tag)?.1;
        }
        let (spki, mut further) = take(tbs, SEQUENCE)?;
        let (_, key) = take(spki, SEQUENCE)?;
        let (_, after) = take(key, BIT_STRING)?;
        let mut is_tagged = true;
        while !further.is_empty() {
            let (tag, _, rest) = element(further)?;
            is_tagged &= (0x80..=0xbf).contains(&tag);
            further = rest;
        }
        Some(rest.is_empty() && after.is_empty() && is_tagged)
    };
    parts() == Some(true)
}

/// Returns the content of the first element, which must have this tag, and what follows.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Returns the tag and the content of the first element in DER, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (size, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(count @ 1..=3) => {
            let (octets, rest) = rest.split_at_checked(usize::from(count))?;
            let size = octets.iter().fold(0, |size, octet| size << 8 | usize::from(*octet));
            // A length is as short as it can be.
            let is_shortest = size >= 0x80 && octets.first() != Some(&0);
            (is_shortest.then_some(size)?, rest)
        }
        Some(_) => return None,
    };
    let (content, rest) = rest.split_at_checked(size)?;
    Some((*tag, content, rest))
}
