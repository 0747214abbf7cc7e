//! 32 bytes in shares, of which some together give them back, and fewer tell nothing of them.
//!
//! **Why.** One copy of a seed can be stolen, two can be stolen twice. Of five shares with a threshold of three, two
//! may be lost, and two may be found by a thief.
//!
//! **Input.** 32 bytes, how many shares there shall be and how many make the secret again, and random bytes; in the
//! other direction shares.
//!
//! **Output.** [`Share`]s, each 31 words (manual/formats.md, section 8), their [`Record`], or the secret.
//!
//! **What it refuses.** Words whose checksum does not hold, shares of two sets, one share twice, and too few. Whether
//! the secret is the one that was meant, a caller has to say: whoever writes a false share can give it a right
//! checksum.
//!
//! The scheme is Shamir's over GF(2^8) with the polynomial of AES (0x11b), a byte for itself. Coefficients are uniform
//! over 0..=255, also that of the highest power: else a share less than the threshold would exclude secrets. The
//! arithmetic is that of `vsss-rs`; `Cargo.toml` says why.

mod error;
mod record;
mod scheme;
mod share;
#[cfg(test)]
mod tests;

pub use error::{CombineError, ShareError, SplitError};
pub use record::{Record, RecordError, RecordedShare};
pub use scheme::{check, combine, combine_chosen, split};
pub use share::{COUNT, Share};
