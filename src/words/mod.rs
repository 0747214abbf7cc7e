//! Bytes as English words, for people who read aloud, write on paper and type.
//!
//! **Why.** Sixty-four digits are hard to say on a telephone. Words are not, and their last bits tell of a slip.
//!
//! **Input.** 32 bytes, or words in any case with any blanks between; bytes of another length by their bits alone, for
//! whoever has a checksum of its own.
//!
//! **Output.** The words, or the bytes, as BIP-39 has them
//! (<https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki>); the words as they stand on a page.
//!
//! **What it refuses.** Another number of words, a word that is not in the list, and words whose checksum does not
//! hold. Where one slip explains that, [`Slip`] says which.
//!
//! The list is in the sources, because the crates that have it bring hash functions and other languages with them.

mod bits;
mod error;
mod list;
mod mnemonic;
mod slip;
mod typed;

pub use bits::{from_indices, to_indices};
pub use error::WordsError;
pub use list::{is_like_word, is_word, stands_in, word};
pub use mnemonic::{COUNT, checked, indices, read, write};
pub use slip::Slip;
pub use typed::{HEAD, Tolerated, Typed, pages, rows};
