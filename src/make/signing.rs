//! Who signs a bundle: the key that the seed gives, or somebody else, at hand or elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::error::{Defect, MakeError};
use super::install_script;
use crate::bundle::{Sha256, SigningAnswer, SigningRequest, folder};
use crate::keys::{KeyRing, PrimeTest, PrivateKey};
use crate::kubernetes::KeyId;
use crate::plan::{Plan, Recipient};
use crate::profile::Profile;
use crate::sign::{PublicKey, SigningFailed};
use crate::x509::KeyAlgorithm;

/// The paths, below the top folder, of what is signed beside the records.
const INDEX: &str = "manifest.json";
const SCRIPT: &str = "install.sh";

/// What the key of a rehearsal is derived from. Everybody knows that key, and nothing that it signs is kept.
const REHEARSAL: [u8; 32] = *b"certferry: rehearsal, no signer!";

/// Who signs a bundle.
#[derive(Clone, Copy)]
pub enum Signing<'a> {
    /// The key that the seed gives, for a profile that names no signer.
    Derived,
    /// The signer whom the profile names, with the private key at hand.
    Key(&'a PrivateKey),
    /// The signer whom the profile names, with signatures that were made elsewhere.
    Given {
        /// The public key that the profile names.
        key: &'a PublicKey,
        /// The signatures.
        answer: &'a SigningAnswer,
    },
    /// Nobody yet: the build finds what the signer whom the profile names has to sign, and compares it with the lock.
    Nobody {
        /// The public key that the profile names.
        key: &'a PublicKey,
    },
}

/// Refuses a signer for a profile that names none, and another signer than the one that the profile names.
///
/// # Errors
/// Returns [`MakeError::NoSignerNamed`] or [`MakeError::OtherSigner`].
pub fn check_signing(profile: &Profile, signing: Signing<'_>) -> Result<(), MakeError> {
    let given = match signing {
        Signing::Derived => return Ok(()),
        Signing::Key(key) => Sha256::of(key.spki_der()),
        Signing::Given { key, .. } | Signing::Nobody { key } => Sha256::of(key.as_der()),
    };
    let Some(wanted) = profile.signer.as_ref().and_then(|signer| signer.found) else {
        return Err(MakeError::NoSignerNamed);
    };
    if given.0 == wanted {
        return Ok(());
    }
    let fingerprint = |digest: Sha256| format!("sha256:{digest}");
    Err(MakeError::OtherSigner { wanted: fingerprint(crate::bundle::Hex(wanted)), given: fingerprint(given) })
}

/// Refuses a profile that names a signer of whom nothing is at hand.
pub(super) fn check_at_hand(profile: &Profile, signing: Signing<'_>) -> Result<(), MakeError> {
    match (&profile.signer, signing) {
        (Some(_), Signing::Derived) => Err(MakeError::NobodySigns),
        _ => Ok(()),
    }
}

/// Refuses signatures that cannot be those of this plan, as far as that shows before a key is derived. `recipients` are
/// those of the plan in the order of the archive.
pub(super) fn check_given(
    plan: &Plan<'_>,
    recipients: &[Recipient<'_>],
    signing: Signing<'_>,
) -> Result<(), MakeError> {
    let Signing::Given { key, answer } = signing else { return Ok(()) };
    let wanted = format!("{}-g{}", plan.cluster, plan.generation);
    if let Some(given) = answer.folder().filter(|given| *given != wanted) {
        return Err(MakeError::OtherBundle { wanted, given: given.to_owned() });
    }
    let records = recipients.iter().map(|recipient| format!("{}.json", folder(&recipient.part())));
    let paths = [INDEX.to_owned(), SCRIPT.to_owned()].into_iter().chain(records);
    answer.check(paths).map_err(|(path, reason)| MakeError::Unsigned { path, reason })?;
    let script = answer.signature(SCRIPT, install_script::SCRIPT.as_bytes(), key);
    script.map(drop).map_err(|reason| MakeError::Unsigned { path: SCRIPT.to_owned(), reason })
}

/// Whoever signs a build.
pub(super) struct Signatory<'a> {
    public: PublicKey,
    voice: Voice<'a>,
}

enum Voice<'a> {
    Key(&'a PrivateKey),
    Given(&'a SigningAnswer),
    Rehearsal {
        key: Box<PrivateKey>,
        public: PublicKey,
        /// What was signed so far, by its path below the top folder.
        signed: Mutex<BTreeMap<String, Vec<u8>>>,
    },
}

impl<'a> Signatory<'a> {
    /// `keys` has the key that the seed gives, if the profile names no signer.
    pub(super) fn new(signing: Signing<'a>, keys: &'a KeyRing, engine: &dyn PrimeTest) -> Result<Self, Defect> {
        let public = |key: &PrivateKey| PublicKey::from_der(key.spki_der());
        Ok(match signing {
            Signing::Derived => {
                let key = keys.get(&KeyId::BundleSigner).ok_or(Defect::NoSigner)?;
                Self { public: public(key)?, voice: Voice::Key(key) }
            }
            Signing::Key(key) => Self { public: public(key)?, voice: Voice::Key(key) },
            Signing::Given { key, answer } => Self { public: key.clone(), voice: Voice::Given(answer) },
            Signing::Nobody { key } => {
                let own = PrivateKey::derive(&REHEARSAL, KeyAlgorithm::EcdsaP256, engine)?;
                let (public, signed) = (public(&own)?, Mutex::default());
                Self { public: key.clone(), voice: Voice::Rehearsal { key: Box::new(own), public, signed } }
            }
        })
    }

    /// Returns the public key of the signer.
    pub(super) const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Returns the public key under which the signatures of this build hold: that of the signer, but in a rehearsal.
    pub(super) const fn holds_under(&self) -> &PublicKey {
        match &self.voice {
            Voice::Rehearsal { public, .. } => public,
            _ => &self.public,
        }
    }

    /// Returns the private key of the signer, if it is at hand.
    pub(super) const fn key(&self) -> Option<&'a PrivateKey> {
        match &self.voice {
            Voice::Key(key) => Some(*key),
            _ => None,
        }
    }

    /// Returns the signature over an index or a record at a path in the archive.
    pub(super) fn sign(&self, path: &str, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let below = path.split_once('/').map_or(path, |(_, below)| below);
        match &self.voice {
            Voice::Key(key) => key.sign(message).map_err(|_| SigningFailed::Key),
            Voice::Given(answer) => answer.signature(below, message, &self.public),
            Voice::Rehearsal { key, signed, .. } => {
                let mut signed = signed.lock().unwrap_or_else(PoisonError::into_inner);
                signed.insert(below.to_owned(), message.to_vec());
                drop(signed);
                key.sign(message).map_err(|_| SigningFailed::Key)
            }
        }
    }

    /// Returns the signature over the script, if anybody signs.
    pub(super) fn of_script(&self) -> Result<Option<Vec<u8>>, MakeError> {
        match &self.voice {
            Voice::Rehearsal { .. } => Ok(None),
            _ => match self.sign(SCRIPT, install_script::SCRIPT.as_bytes()) {
                Ok(signature) => Ok(Some(signature)),
                Err(reason) => Err(MakeError::Unsigned { path: SCRIPT.to_owned(), reason }),
            },
        }
    }

    /// Returns what the signer is asked to sign, after a rehearsal.
    pub(super) fn request(&self, index: &[u8]) -> Result<Option<SigningRequest>, Defect> {
        let Voice::Rehearsal { signed, .. } = &self.voice else { return Ok(None) };
        let records = std::mem::take(&mut *signed.lock().unwrap_or_else(PoisonError::into_inner));
        let script = install_script::SCRIPT.as_bytes().to_vec();
        Ok(Some(SigningRequest::new(index.to_vec(), records, script, self.public.clone())?))
    }
}
