//! The CAs that a bundle replaces, and the files that belong to them.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::NodeError;
use crate::kubernetes::{CertificatesDir, authorities};
use crate::x509::{PemContents, ReadCertificate, public_key_bits, read_pem};

/// The CAs that a node trusts now and will no longer trust.
#[derive(Default)]
pub(super) struct Replaced {
    authorities: Vec<(String, ReadCertificate)>,
    /// The public keys of each CA and of the certificates that belong to it, by which private keys are recognized. Each
    /// comes with the index of the CA.
    keys: BTreeSet<(Vec<u8>, usize)>,
}

impl Replaced {
    /// Compares the CAs of two trees, in this folder of certificates. `old` returns the content of a file of the old
    /// tree, empty when there is none. In a rotation by phases a file holds several CAs, and all of them count; otherwise
    /// the first of the old tree's does.
    ///
    /// # Errors
    /// Returns the error of `old`.
    pub(super) fn new<'a>(
        folder: &CertificatesDir,
        in_phases: bool,
        old: impl Fn(&str) -> Result<Zeroizing<Vec<u8>>, NodeError>,
        new: impl Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<Self, NodeError> {
        let all = |pem: &[u8]| read_pem(pem).map(|contents| contents.certificates).unwrap_or_default();
        let places: Vec<_> = authorities().map(|place| folder.place(&place).into_owned()).collect();
        let kept: Vec<_> = places.iter().filter_map(|place| new(place)).flat_map(all).collect();
        let mut replaced = Self::default();
        for place in places {
            // The part says nothing of a CA that it does not hold, which may be another program's.
            if new(&place).is_none() {
                continue;
            }
            let old = all(&old(&place)?).into_iter();
            for certificate in old.take(if in_phases { usize::MAX } else { 1 }) {
                if !kept.iter().any(|kept| kept.spki_der() == certificate.spki_der()) {
                    let index = replaced.authorities.len();
                    replaced.keys.extend(public_key_bits(certificate.spki_der()).map(|bits| (bits, index)));
                    replaced.authorities.push((place.clone(), certificate));
                }
            }
        }
        Ok(replaced)
    }

    /// Returns the places of the CAs that are replaced.
    pub(super) fn authorities(&self) -> Vec<String> {
        self.authorities.iter().map(|(place, _)| place.clone()).collect()
    }

    /// Remembers the public key of an old file's certificate when the file belongs to a replaced CA, because the
    /// private key may be in another file.
    pub(super) fn learn(&mut self, file: &[u8]) {
        let Ok(contents) = read_pem(file) else { return };
        let Some(index) = self.signer(&contents) else { return };
        let certificate = contents.certificates.first();
        self.keys.extend(certificate.and_then(|leaf| public_key_bits(leaf.spki_der())).map(|bits| (bits, index)));
    }

    /// Returns the place of the replaced CA to which a file belongs. Such a file holds the CA's certificate, one that
    /// the CA signed, or the private key of either.
    pub(super) fn owner_of(&self, file: &[u8]) -> Option<&str> {
        let contents = read_pem(file).ok()?;
        let key = || {
            let bits = contents.public_keys.first()?;
            self.keys.iter().find(|(known, _)| known == bits).map(|(_, index)| *index)
        };
        let index = self.signer(&contents).or_else(key)?;
        self.authorities.get(index).map(|(place, _)| place.as_str())
    }

    /// Returns the place of the replaced CA with the key of this certificate.
    pub(super) fn position(&self, authority: &ReadCertificate) -> Option<&str> {
        let same = |(_, known): &&(String, ReadCertificate)| known.spki_der() == authority.spki_der();
        self.authorities.iter().find(same).map(|(place, _)| place.as_str())
    }

    fn signer(&self, contents: &PemContents) -> Option<usize> {
        let certificate = contents.certificates.first()?;
        self.authorities.iter().position(|(_, authority)| {
            certificate.spki_der() == authority.spki_der() || certificate.is_signed_by(authority) == Some(true)
        })
    }
}
