//! What a build made, for version control and for the next build to compare with.
//!
//! Why: a PKI lives for decades. The changes between two builds must be a reviewable diff, and a rebuild must be able
//! to prove that it is one.
//!
//! Input: what a build made, and the lock of the build before.
//!
//! Output: the lock as TOML, the changes between two locks, and the reasons to refuse a build.
//!
//! Refuses a lock of another format or with unknown keys. Nothing in a lock is secret.

mod changes;
mod file_changes;
mod merge;
mod model;
mod refusals;
mod shape;

pub(crate) use changes::KUBERNETES_VERSION;
pub use changes::{Change, ChangeId, ChangeKind, ChangeReason, build_changes, changes, explain_version};
pub use file_changes::file_changes;
pub use merge::{merge, restrict};
pub use model::{
    Formats, Lock, LockError, LockedAdoption, LockedCertificate, LockedKey, LockedPart, LockedPhase, Texts,
};
pub use refusals::{Refusal, compare_generations, foreseen, refusals};
pub use shape::{CertificateShape, KeyShape, Shape, Shapes};
