//! What the bytes of files are made from.

use super::LayoutError;
use crate::issue::{Certificate, Issued};
use crate::keys::{KeyRing, PrivateKey};
use crate::kubernetes::KeyId;

/// What the bytes of files are made from: what a build has made so far, and the profile.
pub struct FileSources<'a> {
    /// The derived keys: those of the cluster, and those of some nodes.
    pub keys: [&'a KeyRing; 2],
    /// The issued certificates, likewise.
    pub certificates: [&'a Issued; 2],
    /// The bytes of the profile.
    pub profile: &'a [u8],
}

impl FileSources<'_> {
    pub(super) fn key(&self, id: &KeyId) -> Result<&PrivateKey, LayoutError> {
        self.keys.iter().find_map(|keys| keys.get(id)).ok_or_else(|| LayoutError::MissingKey(id.clone()))
    }

    pub(super) fn certificate(&self, id: &KeyId) -> Result<&Certificate, LayoutError> {
        self.certificates
            .iter()
            .find_map(|issued| issued.get(id))
            .ok_or_else(|| LayoutError::MissingCertificate(id.clone()))
    }
}
