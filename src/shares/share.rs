//! One share, and its 31 words.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::error::ShareError;
use crate::words;

/// How many words a share has.
pub const COUNT: usize = 31;

/// The format. In the words it has five bits.
const FORMAT: u8 = 1;

/// Where the parts of a share's bytes begin: format, set, threshold, index, value, checksum.
const SET: usize = 1;
const VALUE: usize = 7;
const CHECKSUM: usize = VALUE + 32;
const LENGTH: usize = CHECKSUM + 4;

/// What is hashed before the bytes of a share, so that the checksum is that of nothing else.
const DOMAIN: &[u8] = b"certferry-share-";

/// One share of a secret. It is wiped when dropped, and has no `Debug`.
pub struct Share {
    /// Everything but the checksum.
    bytes: Box<Zeroizing<[u8; CHECKSUM]>>,
}

impl Share {
    pub(super) fn new(set: [u8; 4], threshold: u8, index: u8, value: &[u8]) -> Option<Self> {
        let mut bytes = Box::new(Zeroizing::new([0; CHECKSUM]));
        bytes[0] = FORMAT;
        bytes[SET..SET + 4].copy_from_slice(&set);
        bytes[5] = threshold;
        bytes[6] = index;
        let room = &mut bytes[VALUE..];
        (room.len() == value.len()).then(|| room.copy_from_slice(value))?;
        Some(Self { bytes })
    }

    /// Reads a share from the places of its words.
    ///
    /// # Errors
    /// Returns the [`ShareError`] of the first thing that is not as it should be.
    pub fn read(indices: &[u16]) -> Result<Self, ShareError> {
        if indices.len() != COUNT {
            return Err(ShareError::Count(indices.len()));
        }
        let read = words::from_indices(indices);
        let mut bytes = Box::new(Zeroizing::new([0; CHECKSUM]));
        bytes.copy_from_slice(&read[..CHECKSUM]);
        let share = Self { bytes };
        if share.checksum_bytes() != read[CHECKSUM..LENGTH] {
            return Err(ShareError::Checksum);
        }
        if share.bytes[0] != FORMAT {
            return Err(ShareError::Format(share.bytes[0]));
        }
        let (threshold, index) = (share.threshold(), share.index());
        if threshold < 2 || index == 0 {
            return Err(ShareError::Numbers { threshold, index });
        }
        Ok(share)
    }

    /// Returns the places of its words.
    #[must_use]
    pub fn indices(&self) -> Zeroizing<Vec<u16>> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        bytes[..CHECKSUM].copy_from_slice(self.bytes.as_slice());
        bytes[CHECKSUM..].copy_from_slice(&self.checksum_bytes());
        words::to_indices(bytes.as_slice())
    }

    /// Returns the id of the set to which it belongs: 8 hex digits. It is not secret.
    #[must_use]
    pub fn set_id(&self) -> String {
        hex(&self.bytes[SET..SET + 4])
    }

    /// Returns how many shares make the secret.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.bytes[5]
    }

    /// Returns its number, from 1 on.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.bytes[6]
    }

    /// Returns its checksum: 8 hex digits.
    #[must_use]
    pub fn checksum(&self) -> String {
        hex(&self.checksum_bytes())
    }

    /// Returns the SHA-256 of its words, in lower case with a blank between two: 64 hex digits. It names the share, and
    /// tells nobody anything of it who has not the share: 256 of its bits are random.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut line = Zeroizing::new(String::with_capacity(COUNT * 9));
        for (place, index) in self.indices().iter().enumerate() {
            line.push_str(if place == 0 { "" } else { " " });
            line.push_str(words::word(*index));
        }
        hex(&Sha256::digest(line.as_bytes()))
    }

    pub(super) fn is_of_the_set_of(&self, other: &Self) -> bool {
        self.bytes[SET..SET + 4] == other.bytes[SET..SET + 4]
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.bytes[VALUE..]
    }

    fn checksum_bytes(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(self.bytes.as_slice()).finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |text, byte| text + &format!("{byte:02x}"))
}
