//! Why the files of a part could not be laid out.

use thiserror::Error;

use crate::bundle::RecordError;
use crate::kubernetes::KeyId;

/// Why the files of a part could not be laid out. No checked profile leads to any of these, so each is a defect of this
/// program.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// The plan names a key that was not derived.
    #[error("the key {0} was not derived")]
    MissingKey(KeyId),
    /// The plan names a certificate that was not issued.
    #[error("the certificate {0} was not issued")]
    MissingCertificate(KeyId),
    /// The plan has a script for a rotation, and there is none.
    #[error("there is no rotation for the script of a phase")]
    NoRotation,
    /// A template names a value that does not exist; the text is its name.
    #[error("a template: {0}")]
    Template(String),
    /// The part cannot be written as a record of the bundle's format.
    #[error("{0}")]
    Record(#[from] RecordError),
}
