//! The sealed bundle: the same bundle, each part of it in an envelope of its own (manual/formats.md, section 4).
//!
//! **Why.** A bundle holds the keys of every node. In a sealed one each node opens its own part, and whoever finds the
//! medium opens none.
//!
//! **Input.** A bundle, and a function that seals. Like the one that signs, it comes from the caller: nothing here
//! knows what a key is.
//!
//! **Output.** An archive with the index and its signature in the clear, and for each part the envelope of its slice,
//! byte for byte as [`split`](super::split()) cuts it.

mod beginning;
mod name;
mod parts;
mod read;
mod write;

pub use beginning::{Beginning, beginning};
pub use name::{ENDING, SLICE_ENDING, entry_path, file_name};
pub use parts::{OpenedParts, Slice};
pub use read::{SealedPart, SealedReader};
pub use write::{Beside, Envelop, SealedError, write};
