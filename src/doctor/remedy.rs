//! Says how to make a certificate that a client takes.

use crate::go::{GoError, GoUsage};
use crate::x509::{ReadCertificate, oid};

/// What ends a fault of a certificate.
pub(super) struct Remedy {
    /// What a person does.
    pub(super) text: String,
    /// Whether clients must trust another CA afterwards.
    pub(super) changes_ca: bool,
}

/// Returns what a person does about a certificate that is refused for a usage, and for a host, with an error.
pub(super) fn remedy(error: &GoError, leaf: &ReadCertificate, usage: GoUsage, host: Option<&str>) -> Remedy {
    let same_ca = |text: &str| Remedy { text: text.to_owned(), changes_ca: false };
    let other_ca = |text: &str| Remedy { text: text.to_owned(), changes_ca: true };
    match error {
        GoError::IncompatibleUsage => {
            let name = usage.name();
            if is_for(leaf, usage) {
                other_ca(&format!("a CA above it has an extendedKeyUsage without {name}: have another CA sign it"))
            } else {
                same_ca(&format!("have the same CA sign it anew, with extendedKeyUsage {name}"))
            }
        }
        GoError::UnknownAuthority(Some(hint)) => match hint.error {
            GoError::InsecureAlgorithm(_) => same_ca("have the same CA sign it anew, with SHA-256"),
            GoError::ParentCannotSign => other_ca(
                "what signed it may sign no certificates (basicConstraints CA:TRUE, keyUsage keyCertSign): have a CA sign it",
            ),
            _ => other_ca("have another CA sign it"),
        },
        GoError::NameConstraint(_) => {
            let host = host.unwrap_or("its names");
            other_ca(&format!("have a CA sign it whose nameConstraints permit {host}, or that has none"))
        }
        GoError::TooManyIntermediates => same_ca(
            "a CA above lets fewer CAs stand below itself (pathlen): have that CA sign it, without those between",
        ),
        GoError::NotAuthorizedToSign => {
            other_ca("what signed it is no CA (basicConstraints CA:TRUE): have a CA sign it")
        }
        GoError::Expired { .. } => other_ca("a CA above it has expired: make that CA anew, and have it sign"),
        GoError::NotYetValid { .. } => {
            other_ca("a CA above it is not yet valid: set the clock right, or make that CA anew")
        }
        _ => same_ca("make it anew"),
    }
}

/// Returns whether the certificate itself allows a usage.
pub(super) fn is_for(leaf: &ReadCertificate, usage: GoUsage) -> bool {
    let wanted = match usage {
        GoUsage::ServerAuth => oid::SERVER_AUTH,
        GoUsage::ClientAuth => oid::CLIENT_AUTH,
        GoUsage::Any => return true,
    };
    let usages = leaf.usages();
    usages.is_empty() || usages.contains(&wanted) || usages.contains(&oid::ANY_EXTENDED_KEY_USAGE)
}
