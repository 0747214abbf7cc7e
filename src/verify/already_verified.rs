//! Signatures and keys that need not be checked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::authority::is_issued_by;
use crate::x509::public_key::{VerifiedSignature, signature_digest};
use crate::x509::{PemContents, PemError, ReadCertificate, read_pem_knowing};

/// The most entries of each map. It is more than a cluster has CA certificates, and keeps a bundle of nothing else from
/// filling the memory.
const MOST: usize = 64;

/// Signatures and keys that are known to hold. All parts that are checked in parallel share it.
#[derive(Default)]
pub struct AlreadyVerified {
    /// Whether a CA certificate carries its own signature, by the certificate's SHA-256. Every node has the same three.
    authorities: Mutex<BTreeMap<[u8; 32], bool>>,
    /// The PEM files that hold exactly one CA certificate and nothing else, by their SHA-256. Every node has the same
    /// three.
    files: Mutex<BTreeMap<[u8; 32], Arc<PemContents>>>,
    /// The verified signatures, by their [`signature_digest`].
    signatures: BTreeSet<[u8; 32]>,
    /// The proved private keys, by the SHA-256 of their DER.
    keys: BTreeSet<[u8; 32]>,
}

impl AlreadyVerified {
    /// Adds what the maker of certificates and keys knows already.
    ///
    /// `signatures` are those that it has verified. `keys` are the private keys that it has proved, each as the SHA-256
    /// of its DER in PKCS#1 or SEC 1.
    pub fn add_made(
        &mut self,
        signatures: impl IntoIterator<Item = VerifiedSignature>,
        keys: impl IntoIterator<Item = [u8; 32]>,
    ) {
        self.signatures.extend(signatures.into_iter().map(VerifiedSignature::digest));
        self.keys.extend(keys);
    }

    /// Returns the contents of a PEM file. A known key is read without computing its public half anew.
    ///
    /// # Errors
    /// Fails when the file is not PEM, or holds a certificate or key that is broken.
    pub(super) fn read_pem(&self, pem: &[u8]) -> Result<Arc<PemContents>, PemError> {
        let sha256 = Sha256::digest(pem).into();
        // A thread that panicked left a valid map behind: each entry is a file that was read to its end.
        let known = || self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contents) = known().get(&sha256) {
            return Ok(Arc::clone(contents));
        }
        let is_proved =
            |der: &[u8]| !self.keys.is_empty() && self.keys.contains(&<[u8; 32]>::from(Sha256::digest(der)));
        let contents = Arc::new(read_pem_knowing(pem, &is_proved)?);
        let lone_authority = matches!(&*contents.certificates, [one] if one.is_ca()) && contents.public_keys.is_empty();
        if lone_authority {
            let mut known = known();
            if known.len() < MOST {
                known.insert(sha256, Arc::clone(&contents));
            }
        }
        Ok(contents)
    }

    pub(super) fn is_verified(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        !self.signatures.is_empty() && self.signatures.contains(&signature_digest(public_key, message, signature))
    }

    pub(super) fn is_self_signed(&self, authority: &ReadCertificate) -> bool {
        let fingerprint = Sha256::digest(authority.der()).into();
        // A thread that panicked left a valid map behind: each entry is a true answer.
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use der::{Decode, Encode};
    use sec1::EcPrivateKey;
    use sha2::{Digest, Sha256};

    use super::AlreadyVerified;
    use crate::x509::{PemError, read_pem};

    /// Returns a SEC 1 key, and the same key with the public key of another.
    fn keys() -> [(String, [u8; 32]); 2] {
        let key = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let other = p256::SecretKey::from_slice(&[8; 32]).unwrap();
        let der = key.to_sec1_der().unwrap();
        let point = other.public_key().to_sec1_bytes();
        let mut wrong = EcPrivateKey::from_der(&der).unwrap();
        wrong.public_key = Some(&point);
        [der.to_vec(), wrong.to_der().unwrap()].map(|der| {
            let pem = der::pem::encode_string("EC PRIVATE KEY", der::pem::LineEnding::LF, &der).unwrap();
            (pem, Sha256::digest(&der).into())
        })
    }

    #[test]
    fn a_key_that_was_proved_is_taken_and_no_other() {
        let [(right, right_digest), (wrong, wrong_digest)] = keys();
        let public_key = read_pem(right.as_bytes()).unwrap().public_keys;
        let nothing = AlreadyVerified::default();
        let mut known = AlreadyVerified::default();
        known.add_made([], [right_digest]);
        for known in [&nothing, &known] {
            assert_eq!(known.read_pem(right.as_bytes()).unwrap().public_keys, public_key);
            assert_eq!(known.read_pem(wrong.as_bytes()).err(), Some(PemError::Key));
        }
        // `add_made` trusts its caller. That a proved key is not computed anew shows only when the caller is wrong.
        let mut known = AlreadyVerified::default();
        known.add_made([], [wrong_digest]);
        assert_ne!(known.read_pem(wrong.as_bytes()).unwrap().public_keys, public_key);
    }

    #[test]
    fn only_files_of_one_ca_certificate_are_kept() {
        let authority = include_bytes!("../../tests/fuzz/seeds/pem/ca.crt");
        let leaf = include_bytes!("../../tests/fuzz/seeds/pem/etcd-server.crt");
        let [(key, _), _] = keys();
        let with_key = [&authority[..], key.as_bytes()].concat();
        let known = AlreadyVerified::default();
        for (file, is_kept) in [
            (&authority[..], true),
            (leaf, false),
            (&[&authority[..], authority].concat(), false),
            (&with_key, false),
            (key.as_bytes(), false),
        ] {
            let (one, other) = (known.read_pem(file).unwrap(), known.read_pem(file).unwrap());
            assert_eq!(Arc::ptr_eq(&one, &other), is_kept);
        }
    }
}
