//! Why there is no bundle.

use std::io;

use thiserror::Error;

use super::permission::Objection;
use crate::bundle::{BundleError, WriteError};
use crate::issue::IssueError;
use crate::keys::KeyError;
use crate::sign::PublicKeyError;
use crate::verify::Finding;

/// Why a build made nothing.
#[derive(Debug, Error)]
pub enum MakeError {
    /// The profile has no nodes of these names.
    #[error("the profile has no node {}", .0.join(", "))]
    UnknownNodes(Vec<String>),
    /// A subset, or a rebuild of what a lock says, and no lock.
    #[error("there is no lock to build against")]
    NoLock,
    /// The lock of the build before stands against it.
    #[error("{0}")]
    Objection(#[from] Objection),
    /// The bundle cannot be written.
    #[error("{0}")]
    Write(#[from] WriteError),
    /// The output cannot be read back.
    #[error("{0}")]
    ReadBack(io::Error),
    /// What no profile should lead to.
    #[error("{0}")]
    Defect(#[from] Defect),
}

/// What no profile should lead to: a check of what was just made says no.
#[derive(Debug, Error)]
pub enum Defect {
    /// A key could not be derived, or proved.
    #[error("keys: {0}")]
    Keys(#[from] KeyError),
    /// A certificate could not be issued.
    #[error("certificates: {0}")]
    Certificates(#[from] IssueError),
    /// The plan has no key to sign the bundle with.
    #[error("the plan has no signer")]
    NoSigner,
    /// The signer's key is no signer's key.
    #[error("signer: {0}")]
    Signer(#[from] PublicKeyError),
    /// The signer does not sign.
    #[error("the signature of {what}: {error}")]
    Signature {
        /// What was to be signed.
        what: &'static str,
        /// Why not.
        error: KeyError,
    },
    /// The cluster's id is not hex.
    #[error("the cluster id is not hex")]
    ClusterId,
    /// What was written is not a bundle.
    #[error("the bundle does not verify: {0}")]
    NotABundle(BundleError),
    /// What was written would not work.
    #[error("the bundle does not verify: {}, {}: {:?}", .0.part, .0.file, .0.fault)]
    Finding(Finding),
}

/// Why a build ended early.
#[derive(Debug, Error)]
pub enum BuildError<E> {
    /// Nothing could be made.
    #[error("{0}")]
    Make(#[from] MakeError),
    /// There is no output to write to.
    #[error("{0}")]
    Create(E),
}

impl<E> From<Defect> for BuildError<E> {
    fn from(defect: Defect) -> Self {
        Self::Make(defect.into())
    }
}
