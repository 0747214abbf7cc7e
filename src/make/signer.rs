//! The key that signs a cluster's bundles, for what is signed beside one.

use std::num::NonZeroUsize;

use super::error::Defect;
use crate::keys::{KeyRing, Label, PrivateKey, Seed, derive, engines};
use crate::kubernetes::KeyId;
use crate::sign::PublicKey;
use crate::x509::KeyAlgorithm;

/// The generations of the key that are tried: its own table in the profile, which is not at hand, says which it is.
const GENERATIONS: std::ops::RangeInclusive<u32> = 1..=64;

/// The key that signs the bundles of a cluster.
pub struct Signer<'a> {
    key: Own<'a>,
    public: PublicKey,
}

enum Own<'a> {
    Derived(KeyRing),
    Given(&'a PrivateKey),
}

impl<'a> Signer<'a> {
    /// Returns the signer whose private key this is.
    ///
    /// # Errors
    /// Returns a [`Defect`] for a key with which no bundle is signed.
    pub fn of_key(key: &'a PrivateKey) -> Result<Self, Defect> {
        Ok(Self { public: PublicKey::from_der(key.spki_der())?, key: Own::Given(key) })
    }

    /// Returns the signer whose key a seed gives to a cluster.
    ///
    /// # Errors
    /// Returns a [`Defect`], to which no seed should lead.
    pub fn of_seed(seed: &Seed, cluster: &str, generation: u32) -> Result<Self, Defect> {
        let engine = engines().into_iter().next().ok_or(Defect::NoSigner)?;
        let label = Label::new(cluster, &KeyId::BundleSigner, KeyAlgorithm::EcdsaP256, generation);
        let keys = derive(&*engine.test, seed, &[label], NonZeroUsize::new(1), &|_| {})?;
        let public = keys.get(&KeyId::BundleSigner).map(|key| PublicKey::from_der(key.spki_der()));
        Ok(Self { public: public.ok_or(Defect::NoSigner)??, key: Own::Derived(keys) })
    }

    /// Returns the key of a seed that has signed a message for a cluster, of any generation up to 64. Returns `None`
    /// when none of these did.
    ///
    /// # Errors
    /// Returns a [`Defect`], to which no seed should lead.
    pub fn of_signature(seed: &Seed, cluster: &str, message: &[u8], signature: &[u8]) -> Result<Option<Self>, Defect> {
        for generation in GENERATIONS {
            let signer = Self::of_seed(seed, cluster, generation)?;
            if signer.signed(message, signature) {
                return Ok(Some(signer));
            }
        }
        Ok(None)
    }

    /// Returns whether the signature over a message is this signer's.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify(message, signature).is_ok()
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Returns the signature of what has this SHA-256, in DER.
    ///
    /// # Errors
    /// Returns a [`Defect`] when the key does not sign.
    pub fn sign_sha256(&self, what: &'static str, sha256: &[u8; 32]) -> Result<Vec<u8>, Defect> {
        let key = match &self.key {
            Own::Derived(keys) => keys.get(&KeyId::BundleSigner).ok_or(Defect::NoSigner)?,
            Own::Given(key) => key,
        };
        key.sign_sha256(sha256).map_err(|error| Defect::Signature { what, error })
    }
}
