//! Signatures that need not be checked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::chain::is_issued_by;
use crate::x509::ReadCertificate;
use crate::x509::public_key::{VerifiedSignature, signature_digest};

/// More CA certificates than a cluster has; a bundle of nothing else must not fill the memory.
const MOST: usize = 64;

/// What is known of signatures; parts that are checked side by side share it.
#[derive(Default)]
pub struct Known {
    /// Whether a CA certificate carries its own signature, by the certificate's SHA-256: every node has the same three.
    authorities: Mutex<BTreeMap<[u8; 32], bool>>,
    /// By their [`signature_digest`].
    signatures: BTreeSet<[u8; 32]>,
}

impl Known {
    /// Whoever just made certificates has verified their signatures.
    #[must_use]
    pub fn with_signatures(signatures: impl IntoIterator<Item = VerifiedSignature>) -> Self {
        let signatures = signatures.into_iter().map(VerifiedSignature::digest).collect();
        Self { authorities: Mutex::default(), signatures }
    }

    pub(super) fn is_verified(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        !self.signatures.is_empty() && self.signatures.contains(&signature_digest(public_key, message, signature))
    }

    pub(super) fn is_self_signed(&self, authority: &ReadCertificate) -> bool {
        let fingerprint = Sha256::digest(authority.der()).into();
        // Whoever panicked left a map of answers that are all true.
        let known = || self.authorities.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known().get(&fingerprint) {
            return *answer;
        }
        let answer = is_issued_by(authority, authority);
        let mut known = known();
        if known.len() < MOST {
            known.insert(fingerprint, answer);
        }
        answer
    }
}
