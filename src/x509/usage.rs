//! Extended key usages.

use std::fmt;

use der::asn1::ObjectIdentifier;

use super::oid;

/// An extended key usage (RFC 5280, section 4.2.1.12) that Kubernetes needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedKeyUsage {
    /// id-kp-serverAuth.
    ServerAuth,
    /// id-kp-clientAuth.
    ClientAuth,
}

impl ExtendedKeyUsage {
    /// Returns the object identifier.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::ServerAuth => oid::SERVER_AUTH,
            Self::ClientAuth => oid::CLIENT_AUTH,
        }
    }
}

impl fmt::Display for ExtendedKeyUsage {
    /// Writes `serverAuth` or `clientAuth`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
        })
    }
}
