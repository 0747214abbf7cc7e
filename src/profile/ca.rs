//! What a checked profile says of a certificate authority.

use crate::kubernetes::Version;
use crate::x509::{KeyAlgorithm, Validity};

/// A certificate authority.
#[derive(Clone, Debug)]
pub struct Authority {
    /// A number that is raised to give the CA a new key.
    pub generation: u32,
    /// The common name of the CA, which is also the issuer of everything that it signs.
    pub common_name: String,
    /// The key algorithm.
    pub algorithm: KeyAlgorithm,
    /// The Kubernetes version whose shape of a CA certificate this CA has.
    pub kubernetes: Version,
    /// The validity of the CA's certificate.
    pub validity: Validity,
}
