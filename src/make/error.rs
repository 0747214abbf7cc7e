//! The errors of a build.

use std::io;

use thiserror::Error;

use super::permission::Objection;
use crate::bundle::{BundleError, SigningFileError, WriteError};
use crate::issue::IssueError;
use crate::keys::KeyError;
use crate::kubernetes::KeyId;
use crate::sign::{PublicKeyError, SigningFailed};
use crate::verify::Finding;

/// The reason why a build made nothing.
#[derive(Debug, Error)]
pub enum MakeError {
    /// A CA or key is to move to the very one that it is.
    #[error("{0} would move to the key that it has")]
    RotatesToItself(KeyId),
    /// The profile rotates, and is in no phase; or what it replaces was not given.
    #[error("the profile rotates, so that a bundle of it is one of a phase")]
    NotInPhase,

    /// The profile has no nodes of these names.
    #[error("the profile has no node {}", .0.join(", "))]
    UnknownNodes(Vec<String>),
    /// A file of an adopted CA or key was not read.
    #[error("a file of {id} that the profile adopts is not at hand")]
    MissingFile {
        /// The id of the CA's key, or of the key.
        id: KeyId,
    },
    /// The certificate of a CA is there, and its key is neither there nor derived from the seed.
    #[error(
        "{id} cannot sign: its certificate has another key than the one that the seed gives, and no `key` is named"
    )]
    ExternalAuthority {
        /// The id of the CA's key.
        id: KeyId,
        /// The ids of the certificates that it would sign.
        below: Vec<KeyId>,
    },
    /// The profile names a signer, and neither its key nor its signatures are at hand.
    #[error("the bundle is signed by the key of `signer` of [bundle], and nothing of it is at hand")]
    NobodySigns,
    /// A signer is at hand, and the profile names none.
    #[error("the profile names no `signer` in [bundle]: the bundle is signed by a key that the seed gives")]
    NoSignerNamed,
    /// The signer at hand is another than the one that the profile names.
    #[error("the signer's key is {given}, and that of `signer` of [bundle] is {wanted}")]
    OtherSigner {
        /// The fingerprint that the profile's file has.
        wanted: String,
        /// The fingerprint of the key at hand.
        given: String,
    },
    /// The signatures at hand were made for another bundle.
    #[error("the signatures are for {given}, and this build is {wanted}")]
    OtherBundle {
        /// The folder of the build.
        wanted: String,
        /// The folder of the signatures.
        given: String,
    },
    /// One of the signatures is missing, or is none, or does not hold.
    #[error("{path} {reason}")]
    Unsigned {
        /// The path below the bundle's top folder of what is signed.
        path: String,
        /// Why there is no signature over it.
        reason: SigningFailed,
    },
    /// There is no lock, and a subset or a rebuild of what a lock says needs one.
    #[error("there is no lock to build against")]
    NoLock,
    /// The lock of the build before forbids the build.
    #[error("{0}")]
    Objection(#[from] Objection),
    /// The bundle cannot be written.
    #[error("{0}")]
    Write(WriteError),
    /// The output cannot be read back.
    #[error("{0}")]
    ReadBack(io::Error),
    /// A check of what was made failed, to which no profile should lead.
    #[error("{0}")]
    Defect(#[from] Defect),
}

/// A failed check of what was just made. No profile should lead to it.
#[derive(Debug, Error)]
pub enum Defect {
    /// A key could not be derived or proved.
    #[error("keys: {0}")]
    Keys(#[from] KeyError),
    /// A certificate could not be issued.
    #[error("certificates: {0}")]
    Certificates(#[from] IssueError),
    /// The plan has no key that signs the bundle.
    #[error("the plan has no signer")]
    NoSigner,
    /// The signer's public key cannot be used as one.
    #[error("signer: {0}")]
    Signer(#[from] PublicKeyError),
    /// The signer's key could not sign.
    #[error("the signature of {what}: {error}")]
    Signature {
        /// The name of what was to be signed.
        what: &'static str,
        /// The reason.
        error: KeyError,
    },
    /// What was made cannot be asked to be signed.
    #[error("the request {0}")]
    Request(#[from] SigningFileError),
    /// The cluster's id is not hex.
    #[error("the cluster id is not hex")]
    ClusterId,
    /// The output is not a bundle when it is read back.
    #[error("the bundle does not verify: {0}")]
    NotABundle(BundleError),
    /// The bundle would not work.
    #[error("the bundle does not verify: {}, {}: {:?}", .0.part, .0.file, .0.fault)]
    Finding(Finding),
}

/// The reason why a build ended early.
#[derive(Debug, Error)]
pub enum BuildError<E> {
    /// The build made nothing.
    #[error("{0}")]
    Make(#[from] MakeError),
    /// The output could not be created.
    #[error("{0}")]
    Create(E),
}

impl From<WriteError> for MakeError {
    fn from(error: WriteError) -> Self {
        match error {
            // The key at hand signs, or it is a defect. Signatures from elsewhere can be wrong.
            WriteError::Signing { path, error } if error != SigningFailed::Key => Self::Unsigned {
                path: path.split_once('/').map_or(path.as_str(), |(_, below)| below).to_owned(),
                reason: error,
            },
            other => Self::Write(other),
        }
    }
}

impl<E> From<Defect> for BuildError<E> {
    fn from(defect: Defect) -> Self {
        Self::Make(defect.into())
    }
}
