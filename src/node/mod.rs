//! Brings a node's files from one generation to another in one crash-safe step, and back.
//!
//! **Why.** When files are copied over a running PKI and the power fails, old and new ones are mixed and there is
//! nothing to go back to.
//!
//! **Input.** A verified part of a bundle, and the node's files below a root.
//!
//! **Output.** [`dry_run()`] and [`rollback_dry_run()`] return what would change. [`apply()`] and [`rollback()`] change it and, when they are
//! given a time, restart the components that read the files. [`status()`] returns what is there, and [`drift()`] what of
//! it is not as it was installed. No file is ever torn. Each unit (the folder `pki`, each kubeconfig, the kubelet's
//! `pki`) is exchanged in one step where the file system has one, else in two renames, and a journal makes the whole old
//! or new at the next run at the latest. Under the same CAs files are exchanged one by one, so the key and the
//! certificate of a pair may differ for the moment between two renames.
//!
//! **What it refuses.** A second run at the same time, a host that the part is not for, a part that may not follow what
//! is installed, a link where the part has a folder or a file, and the completion of an interrupted run when another
//! program has changed its files since. Nothing here can make a key.

mod accept;
mod accepted;
mod apply;
mod backups;
mod by_file;
mod change;
mod changes;
pub mod drift;
mod error;
mod fingerprint;
mod identity;
mod install;
mod installed;
mod journal;
mod not_after;
pub(crate) mod place;
mod registries;
pub(crate) mod replaced;
pub mod restart;
mod rollback;
mod session;
mod signing_flag;
mod single_files;
mod state;
mod status;
mod swap;
mod trust;
mod unit;
mod written;

pub use accept::{AcceptError, accept, accept_dry_run};
pub use apply::{Allowed, Applied, ApplyError, Foreseen, apply, dry_run};
pub use change::{Difference, Dropped, FileChange, Method, Reason};
pub use changes::Changes;
pub use drift::{Drift, drift};
pub use error::NodeError;
pub use identity::{Identity, IdentityMismatch};
pub use installed::{InstallRefusal, Installed, certificates_dir, installed_files};
pub use rollback::{RollbackForeseen, RolledBack, rollback, rollback_dry_run};
pub use session::Session;
pub use signing_flag::{FlagEdit, SigningFlags, StartedBy};
pub use status::{Previous, Status, status};
pub use trust::Breach;
pub use written::Written;
