//! Extended key usages.

use std::fmt;

/// An extended key usage (RFC 5280, section 4.2.1.12) that Kubernetes needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedKeyUsage {
    /// id-kp-serverAuth.
    ServerAuth,
    /// id-kp-clientAuth.
    ClientAuth,
}

impl fmt::Display for ExtendedKeyUsage {
    /// `serverAuth` or `clientAuth`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
        })
    }
}
