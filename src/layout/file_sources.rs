//! What the bytes of files are made from.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{LayoutError, Rotation};
use crate::issue::{Certificate, Issued};
use crate::keys::{KeyRing, PrivateKey};
use crate::kubernetes::KeyId;
use crate::plan::{Material, PlannedChain};

/// What the bytes of files are made from: what a build has made so far, and the profile.
pub struct FileSources<'a> {
    /// The derived keys: those of the cluster, and those of some nodes.
    pub keys: [&'a KeyRing; 2],
    /// The issued certificates, likewise.
    pub certificates: [&'a Issued; 2],
    /// The public keys in PEM of which nobody has the private ones.
    pub public_keys: &'a BTreeMap<KeyId, String>,
    /// The bytes of the profile.
    pub profile: &'a [u8],
    /// What is replaced, in a bundle of a phase of a rotation.
    pub rotation: Option<&'a Rotation>,
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

    /// Returns public keys in PEM.
    pub(super) fn public_keys(&self, ids: &[KeyId]) -> Result<String, LayoutError> {
        let of = |id| match self.public_keys.get(id) {
            Some(known) => Ok(known.clone()),
            None => Ok(self.key(id)?.public_pem()),
        };
        ids.iter().map(of).collect()
    }

    /// Returns the certificates of a chain in PEM.
    pub(super) fn chain(&self, chain: &PlannedChain) -> Result<String, LayoutError> {
        let own = chain.certificates.iter().map(|id| Ok(self.certificate(id)?.pem()));
        let above = chain.issuers.iter().map(|issuer| Ok(issuer.pem.clone()));
        own.chain(above).collect()
    }

    /// Returns a certificate, a chain or a key in PEM.
    pub(super) fn material(&self, material: &Material) -> Result<Zeroizing<String>, LayoutError> {
        Ok(match material {
            Material::Certificate(id) => Zeroizing::new(self.certificate(id)?.pem()),
            Material::Chain(chain) => Zeroizing::new(self.chain(chain)?),
            Material::Root(root) => Zeroizing::new(root.pem.clone()),
            Material::PrivateKey(id) => self.key(id)?.to_pem(),
        })
    }
}
