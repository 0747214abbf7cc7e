//! The bundle: a tar archive, each part of which is signed by itself.
//!
//! **Why.** The files of a whole cluster cross an air gap as one archive. Every node takes its own part out of it. With
//! no more than the archive, a public key and this format (src/manual/formats.md, section 4), the node must be able to
//! check that the part is whole, unchanged, meant for it and made by the owner of the key.
//!
//! **Input.** [`Part`]s of files and a function that signs, or the bytes of an archive and the signer's public key.
//!
//! **Output.** [`Writer`] writes the archive, the same bytes for the same parts. [`Reader`] returns one
//! [`VerifiedPart`] after the other. Nothing here knows what a key or a certificate is, and nothing touches a disk.
//!
//! **What it refuses.** Every byte of the tar stream that the writer would not have written: other signers, other
//! content, entries that are missing, extra, doubled or exchanged, other headers, other boundaries between gzip
//! members, JSON in another form, bytes after the end, and more of anything than the format's limits. Only the
//! compressed form is free: any that unpacks to the right members is accepted, so that bundles of a later compressor
//! can be read too. Whether a bundle is older than the files of a node is for the node to decide.

mod claimed;
mod error;
mod gzip;
pub(crate) mod head;
mod hex;
mod index;
mod json;
pub(crate) mod limits;
mod mode;
mod name;
mod part;
mod places;
mod read;
mod record;
pub(crate) mod rows;
pub mod sealed;
mod signing;
mod split;
mod tar;
pub(crate) mod text;
mod verified;
mod write;
mod write_error;

#[cfg(test)]
mod tests;

pub use claimed::{claimed_parts, claimed_sealed_parts};
pub use error::{BundleError, RecordError};
pub use head::{ClusterId, FORMAT, Head, Phase, Rotating};
pub use hex::{Hex, Sha256};
pub use index::Index;
pub use json::JsonError;
pub use mode::Mode;
pub use name::folder;
pub use part::{Content, File, Part};
pub use read::Reader;
pub use record::{Node, PartOwner, Record};
pub use rows::{KUBELET_CLIENT_LINK, Row};
pub use signing::{Checksum, REQUEST_LIMIT, SigningAnswer, SigningFileError, SigningRequest};
pub use split::{Slices, SplitError, split};
pub use tar::ustar_split;
pub use verified::{ArchiveKind, VerifiedArchive, VerifiedIndex, VerifiedPart};
pub use write::{Collected, Description, Writer, Written};
pub use write_error::WriteError;
