//! Reads the keys of a signer who is somebody else than whoever has the seed.

use std::path::Path;

use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::misplaced_secret;
use crate::cli::input::sealed::Opener;
use crate::cli::input::trusted_key::KEY_LIMIT;
use crate::cli::notice::Notice;
use crate::host;
use crate::keys::PrivateKey;
use crate::sign::{Fingerprint, PublicKey};
use crate::x509::KeyAlgorithm;

const MAKE_PUBLIC: &str = "`openssl pkey -in KEY -pubout -out signer.pub` writes it";

/// Reads the public key that `signer` of a profile names.
pub(crate) fn read_public(path: &Path) -> Result<PublicKey, Failure> {
    let content = host::read(path, KEY_LIMIT).map_err(|error| {
        Failure::io("read the signer's public key", path, &error)
            .hint("`signer` of [bundle] is the path of it, relative to the profile")
    })?;
    misplaced_secret::refuse_secret(path, &content, "the public key of a signer")
        .map_err(|failure| failure.hint(MAKE_PUBLIC))?;
    PublicKey::from_pem(&content).map_err(|error| {
        Failure::cannot_run(format!("{} is not a signer's public key: {error}", path.display())).hint(format!(
            "a bundle is signed with P-256: {MAKE_PUBLIC}, and `openssl genpkey -algorithm EC -pkeyopt \
             ec_paramgen_curve:P-256` makes a key"
        ))
    })
}

/// Reads the private key of a signer, which may be sealed.
pub(crate) fn read_private(path: &Path, opener: &Opener<'_>) -> Result<PrivateKey, Failure> {
    let (content, exposure) = host::read_secret(path, KEY_LIMIT).or_cannot("read the signer's key", path)?;
    let content = opener.open(path, content, KEY_LIMIT as usize)?;
    let key = PrivateKey::from_pem(&content).map_err(|error| {
        Failure::cannot_run(format!("{} {error}", named(path)))
            .hint("--signer takes the private key of the signer, in PEM (PKCS#8 or SEC 1); it may be sealed with age")
    })?;
    if key.algorithm() != KeyAlgorithm::EcdsaP256 {
        return Err(Failure::cannot_run(format!(
            "{} holds a key of the algorithm {}, and a bundle is signed with ecdsa-p256",
            named(path),
            key.algorithm().name()
        ))
        .hint("`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one"));
    }
    // Only of a key.
    if exposure.can_be_read {
        let name = path.display();
        Notice::new(format!("{name} can be read by others")).hint(format!("chmod 600 {name}")).give();
    }
    Ok(key)
}

/// Returns the fingerprint of a private key's public half.
pub(crate) fn fingerprint(key: &PrivateKey) -> Result<Fingerprint, Failure> {
    let public = PublicKey::from_der(key.spki_der()).map_err(|error| Failure::defect(&error.to_string()))?;
    Ok(public.fingerprint())
}
