//! What there is when files are laid out.

use super::LayoutError;
use crate::issue::{Certificate, Issued};
use crate::keys::{KeyRing, PrivateKey};
use crate::kubernetes::KeyId;

/// What a build has made so far.
pub struct Made<'a> {
    /// The derived keys.
    pub keys: &'a KeyRing,
    /// The issued certificates.
    pub certificates: &'a Issued,
    /// The bytes of the profile.
    pub profile: &'a [u8],
}

impl Made<'_> {
    pub(super) fn key(&self, id: &KeyId) -> Result<&PrivateKey, LayoutError> {
        self.keys.get(id).ok_or_else(|| LayoutError::MissingKey(id.clone()))
    }

    pub(super) fn certificate(&self, id: &KeyId) -> Result<&Certificate, LayoutError> {
        self.certificates.get(id).ok_or_else(|| LayoutError::MissingCertificate(id.clone()))
    }
}
