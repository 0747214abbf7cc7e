//! What a checked profile says of a certificate authority.

use crate::kubernetes::Version;
use crate::x509::{KeyAlgorithm, Validity};

/// One certificate authority.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Raised to give the CA a new key.
    pub generation: u32,
    /// Subject and issuer of everything it signs.
    pub common_name: String,
    /// Key algorithm.
    pub algorithm: KeyAlgorithm,
    /// The version whose CA shape it keeps.
    pub kubernetes: Version,
    /// When it is valid.
    pub validity: Validity,
}
