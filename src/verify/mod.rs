//! Checks whether the files of a bundle will work, before a node depends on them.
//!
//! Why: kubeadm detects two of the seven faults that stop a cluster; the others show as `x509:` errors at night.
//!
//! Input: a bundle and its signer's key, a part of a bundle, or the files of a folder; and a time.
//!
//! Output: every finding, each with the file that it is about.
//!
//! Refuses nothing itself: the caller decides what a finding means. Chains are checked by webpki, key pairs by ring and
//! the elliptic-curve crates, not by the code that made them.

mod already_verified;
mod authority;
mod bundle;
mod chain;
mod finding;
mod judge;
mod kubeconfigs;
mod pairs;
mod part;
mod shared;
mod single;
mod tree;

pub use already_verified::AlreadyVerified;
pub use bundle::{CheckedBundle, check_bundle, check_reader};
pub use finding::{Fault, Finding};
pub use part::{File, Origin, Part};
pub use shared::{CheckedPart, SharedFiles};
pub use single::check_file;
pub use tree::{check_part, claims_of_part};
