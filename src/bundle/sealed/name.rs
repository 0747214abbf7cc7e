//! The names in and of a sealed bundle.

use super::super::hex::Sha256;
use super::super::index::Index;
use super::super::name::folder;
use crate::kubernetes::PartName;

/// The end of the name of a sealed bundle's file, in place of `.tar.gz`.
pub const ENDING: &str = ".sealed.tar";

/// The end of the name of a sealed slice.
pub const SLICE_ENDING: &str = ".tar.gz.age";

/// Returns the name of a sealed bundle's file: `<cluster>-g<generation>.sealed.tar`, of a partial one with what its
/// name has besides. `sha256` is the digest of the index.
#[must_use]
pub fn file_name(index: &Index, sha256: &Sha256) -> String {
    let plain = index.file_name(sha256);
    format!("{}{ENDING}", plain.strip_suffix(".tar.gz").unwrap_or(&plain))
}

/// Returns the path of a part's envelope: `<top>/nodes/<name>.tar.gz.age` or `<top>/cluster.tar.gz.age`.
#[must_use]
pub fn entry_path(top: &str, part: &PartName) -> String {
    format!("{top}/{}{SLICE_ENDING}", folder(part))
}
