//! Signs the slices of a bundle, so that openssl alone can check one.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::error::{Defect, MakeError};
use crate::bundle::{Head, Slices, SplitError, split};
use crate::keys::KeyError;
use crate::kubernetes::PartName;

/// Returns a signature over the slice of each part of a bundle.
///
/// # Errors
/// Fails when the bundle cannot be read back, or the key cannot sign.
pub(super) fn sign<O: Read + Seek>(
    output: &mut O,
    sign_sha256: impl Fn(&[u8; 32]) -> Result<Vec<u8>, KeyError> + Sync,
) -> Result<BTreeMap<PartName, Vec<u8>>, MakeError> {
    output.rewind().map_err(MakeError::ReadBack)?;
    let mut digests = Digests(BTreeMap::new());
    split(BufReader::new(output), &mut digests).map_err(|error| match error {
        SplitError::Output { error, .. } => MakeError::ReadBack(error),
        other => MakeError::ReadBack(io::Error::other(other)),
    })?;
    let sign = |(part, digest): (PartName, Sha256)| {
        let signature = sign_sha256(&digest.finalize().into());
        signature.map(|signature| (part, signature)).map_err(|error| Defect::Signature { what: "a slice", error })
    };
    Ok(digests.0.into_par_iter().map(sign).collect::<Result<_, _>>()?)
}

/// The digests of slices that are cut and dropped.
struct Digests(BTreeMap<PartName, Sha256>);

impl Slices for Digests {
    fn wants(&self, _: &PartName) -> bool {
        true
    }

    fn begin(&mut self, part: &PartName, _: &Head) -> io::Result<()> {
        self.0.insert(part.clone(), Sha256::new());
        Ok(())
    }

    fn write(&mut self, part: &PartName, bytes: &[u8]) -> io::Result<()> {
        if let Some(digest) = self.0.get_mut(part) {
            digest.update(bytes);
        }
        Ok(())
    }
}
