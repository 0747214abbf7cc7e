//! Several certificates in one file.

use std::sync::Arc;

use crate::kubernetes::KeyId;
use crate::profile::{Authority, RootCertificate};

/// Certificates in one file: each the issuer of the one before, or in a phase of a rotation CAs that are trusted beside
/// each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChain {
    /// The certificates of the plan, at least one.
    pub certificates: Vec<KeyId>,
    /// Those above them, which nobody here has the keys of.
    pub issuers: Arc<[RootCertificate]>,
}

impl PlannedChain {
    /// Describes the content; see [`outline`](super::PlannedContent::outline).
    pub(super) fn outline(&self) -> String {
        let ids: Vec<_> = self.certificates.iter().map(ToString::to_string).collect();
        format!("certificates {}{}", ids.join(", "), above(&self.issuers))
    }
}

/// Describes the certificates above those of the plan. There is no text when there are none.
pub(super) fn above(issuers: &[RootCertificate]) -> String {
    let hashes: Vec<_> = issuers.iter().map(|issuer| issuer.sha256.as_str()).collect();
    if hashes.is_empty() { String::new() } else { format!(" and above with SHA-256 {}", hashes.join(" and ")) }
}

/// Returns the certificates above a CA that others have signed, up to the root, and those above the CA that is trusted
/// beside it. There are none above a root.
pub(super) fn issuers_of_all(authority: &Authority) -> Arc<[RootCertificate]> {
    match &authority.trusted {
        None => issuers(authority),
        Some(trusted) => {
            let mut all = issuers(authority).to_vec();
            all.extend(issuers(trusted).iter().filter(|above| !all.contains(above)).cloned().collect::<Vec<_>>());
            all.into()
        }
    }
}

/// Returns the ids of the CAs that are trusted: that of the CA that issues, and of the one beside it.
pub(super) fn ids(ca: &KeyId, authority: &Authority) -> Vec<KeyId> {
    let beside = authority.trusted.as_ref().and_then(|_| ca.trusted());
    [ca.clone()].into_iter().chain(beside).collect()
}

/// Returns the certificates above a CA that others have signed, up to the root. There are none above a root.
pub(super) fn issuers(authority: &Authority) -> Arc<[RootCertificate]> {
    authority.found_certificate().map(|found| Arc::clone(&found.issuers)).unwrap_or_default()
}
