//! Whether what a bundle holds will work, before a node depends on it.
//!
//! Why: kubeadm looks at two of seven faults that stop a cluster; everything else shows as `x509:` errors at night.
//!
//! Input: a bundle and its signer's key, a part of one, or the files of a folder; and a time.
//!
//! Output: every finding, each with the file it is about.
//!
//! Refuses nothing itself: whoever asks decides what a finding means. Chains are checked by webpki, key pairs by ring
//! and the elliptic-curve crates, not by the code that made them.

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
pub use bundle::{CheckedBundle, check_bundle};
pub use finding::{Fault, Finding};
pub use part::{File, Origin, Part};
pub use shared::{CheckedPart, SharedFiles};
pub use single::check_file;
pub use tree::{check_part, claims_of_part};
