//! Certificates of CAs that are only trusted.

use sha2::{Digest, Sha256};

use crate::x509::ReadCertificate;

/// A CA's certificate that the profile brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCertificate {
    /// The certificate in PEM, of 64 columns.
    pub pem: String,
    /// The SHA-256 of its DER, in hex.
    pub sha256: String,
}

impl RootCertificate {
    /// Returns a certificate with its hash.
    #[must_use]
    pub fn of(certificate: &ReadCertificate) -> Self {
        let hash = Sha256::digest(certificate.der());
        let sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { pem: certificate.to_pem(), sha256 }
    }

    /// Returns the first 16 digits of the hash, which name the file of the certificate.
    #[must_use]
    pub fn short_hash(&self) -> &str {
        self.sha256.get(..16).unwrap_or_default()
    }
}
