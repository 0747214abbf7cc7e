//! The answer: a signature over everything that a request asks for, from certferry or from anybody with a shell.

use std::collections::BTreeMap;

use super::error::SigningFileError;
use super::request::files;
use super::{INDEX_NAME, SUMS};
use crate::bundle::hex::Sha256;
use crate::bundle::limits::SIGNATURE;
use crate::sign::{PublicKey, SigningFailed, is_signature};

/// The signatures of a bundle.
///
/// They come in a tar archive of any kind: `manifest.json.sig` and the others lie in it as in the bundle, in a folder
/// or in none. Whatever lies beside them is left out, but for `SHA256SUMS`: it says over what they were made.
pub struct SigningAnswer {
    /// The name of the folder, if there is one.
    folder: Option<String>,
    /// Each signature by the path of what is signed.
    signatures: BTreeMap<String, Vec<u8>>,
    /// What was signed, as far as the archive says so.
    sums: BTreeMap<String, Sha256>,
}

impl SigningAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Returns [`SigningFileError`] for anything that is no tar archive or has no signature of an index in it.
    pub fn read(bytes: &[u8]) -> Result<Self, SigningFileError> {
        let files: BTreeMap<_, _> = files(bytes)?.into_iter().map(|(path, content)| (plain(&path), content)).collect();
        let wanted = format!("{INDEX_NAME}.sig");
        let is_it = |path: &&String| path.rsplit('/').next() == Some(&*wanted);
        let found = files.keys().filter(is_it).min_by_key(|path| path.len());
        let top = found.and_then(|path| path.strip_suffix(&*wanted)).map(str::to_owned);
        let top = top.ok_or_else(|| SigningFileError::Missing(wanted.clone()))?;
        let (mut signatures, mut sums) = (BTreeMap::new(), BTreeMap::new());
        for (path, content) in files {
            let Some(path) = path.strip_prefix(&top) else { continue };
            if path == SUMS {
                sums = read_sums(&content);
            } else if let Some(signed) = path.strip_suffix(".sig") {
                signatures.insert(signed.to_owned(), content);
            }
        }
        let folder = top.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
        Ok(Self { folder: folder.map(str::to_owned), signatures, sums })
    }

    /// Returns the name of the folder in which the signatures lie, if it is that of a bundle:
    /// `<cluster>-g<generation>`.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        let is_of_bundle = |name: &&str| {
            let generation = name.rsplit_once("-g").map(|(_, generation)| generation).unwrap_or_default();
            !generation.is_empty() && generation.bytes().all(|byte| byte.is_ascii_digit())
        };
        self.folder.as_deref().filter(is_of_bundle)
    }

    /// Refuses an answer without a signature for one of these paths below the top folder.
    ///
    /// # Errors
    /// Returns the first path without one, and the reason.
    pub fn check(&self, paths: impl IntoIterator<Item = String>) -> Result<(), (String, SigningFailed)> {
        paths.into_iter().try_for_each(|path| match self.find(&path) {
            Ok(_) => Ok(()),
            Err(reason) => Err((path, reason)),
        })
    }

    /// Returns the signature over a message at this path below the top folder. It holds under the key.
    ///
    /// # Errors
    /// Returns the [`SigningFailed`] that says why there is none.
    pub fn signature(&self, path: &str, message: &[u8], key: &PublicKey) -> Result<Vec<u8>, SigningFailed> {
        let signature = self.find(path)?;
        if key.verify(message, signature).is_ok() {
            return Ok(signature.to_vec());
        }
        match self.sums.get(path) {
            Some(signed) if *signed != Sha256::of(message) => Err(SigningFailed::OtherBytes),
            _ => Err(SigningFailed::DoesNotHold),
        }
    }

    fn find(&self, path: &str) -> Result<&[u8], SigningFailed> {
        let signature = self.signatures.get(path).ok_or(SigningFailed::Missing)?;
        match signature.len() as u64 <= SIGNATURE && is_signature(signature) {
            true => Ok(signature),
            false => Err(SigningFailed::NotDer(signature.len())),
        }
    }
}

/// Returns a path without components that lead nowhere, as `tar -cf answer.tar .` writes them.
fn plain(path: &str) -> String {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).collect::<Vec<_>>().join("/")
}

/// Reads lines of sha256sum. What is none is left out: nothing is believed because of them.
fn read_sums(content: &[u8]) -> BTreeMap<String, Sha256> {
    let text = String::from_utf8_lossy(content);
    let line = |line: &str| {
        let (digest, path) = line.split_once("  ")?;
        Some((plain(path), Sha256::parse(digest)?))
    };
    text.lines().filter_map(line).collect()
}
