//! A node's files: from one generation to another in one crash-safe step, and back.
//!
//! **Why.** A copy of files over a running PKI leaves old and new mixed when the power fails, and nothing to go back to.
//!
//! **Input.** A verified part of a bundle, and the node's files below a root.
//!
//! **Output.** [`dry_run()`] tells what would change; [`apply()`] and [`rollback()`] make it so, and with a time for it
//! restart whoever reads the files; [`status()`] tells what is there. No file is ever torn. Each unit (the folder `pki`,
//! each kubeconfig, the kubelet's `pki`) is old or new at every instant, and a journal makes the whole old or new at the
//! next run at the latest. Under the same CAs files go one by one: key and certificate of a pair may differ for the
//! moment between two renames.
//!
//! **What it refuses.** A second run at a time; another host than the part is for; a part that may not follow what is
//! installed; to go on where something else than an interrupted run moved its files. Nothing here can make a key.

mod apply;
mod changes;
mod error;
mod identity;
mod install;
mod installed;
mod journal;
pub(crate) mod place;
pub(crate) mod replaced;
pub mod restart;
mod rollback;
mod session;
mod status;
mod swap;
mod unit;

pub use apply::{Allowed, Applied, ApplyError, Foreseen, apply, dry_run};
pub use changes::{Changes, Difference, Dropped, FileChange, Method, Reason};
pub use error::NodeError;
pub use identity::{Identity, IdentityMismatch};
pub use installed::{InstallRefusal, Installed};
pub use rollback::{RolledBack, rollback};
pub use session::Session;
pub use status::{Previous, Status, status};
