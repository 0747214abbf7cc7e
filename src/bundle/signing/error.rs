//! Why a file is not a request or an answer.

use thiserror::Error;

use crate::bundle::error::RecordError;
use crate::sign::PublicKeyError;

/// Why bytes are not a request, or not an answer. The text continues a sentence that begins with the file.
#[derive(Debug, Error)]
pub enum SigningFileError {
    /// The bytes are no tar archive, or one that ends early.
    #[error("is no tar archive, or is cut off")]
    NotTar,
    /// Something is missing.
    #[error("has no {0} in it")]
    Missing(String),
    /// A file is larger than any that is signed.
    #[error("has a file {0} in it that is too large")]
    TooLarge(String),
    /// The index or a record is not one.
    #[error("has a {path} in it that is not valid: {problem}")]
    NotValid {
        /// The path of the file.
        path: String,
        /// What is wrong.
        problem: RecordError,
    },
    /// A record is not the one that the index names.
    #[error("was changed: {0} is not the record that the index names")]
    OtherRecord(String),
    /// The public key of the signer is none.
    #[error("names a signer by a signer.pub that cannot be used: {0}")]
    Signer(PublicKeyError),
    /// The content is right, but not the form.
    #[error("was changed or packed anew: it is not as `certferry build --unsigned` writes it")]
    OtherForm,
}
