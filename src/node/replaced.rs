//! CAs that a bundle replaces, and what belongs to them.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::NodeError;
use crate::kubernetes::authorities;
use crate::x509::{PemContents, ReadCertificate, public_key_bits, read_pem};

/// The CAs that a node trusts and will trust no more.
#[derive(Default)]
pub(super) struct Replaced {
    authorities: Vec<(String, ReadCertificate)>,
    /// Public keys of what belongs to each, to know private keys by.
    keys: BTreeSet<(Vec<u8>, usize)>,
}

impl Replaced {
    /// Compares the CAs of two trees, the old one given by a function from a place to a file's content, empty where
    /// there is none.
    ///
    /// # Errors
    /// What that function said.
    pub(super) fn new<'a>(
        old: impl Fn(&str) -> Result<Zeroizing<Vec<u8>>, NodeError>,
        new: impl Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<Self, NodeError> {
        let first = |pem: &[u8]| read_pem(pem).ok()?.certificates.into_iter().next();
        let places: Vec<_> = authorities().collect();
        let kept: Vec<_> = places.iter().filter_map(|place| first(new(place)?)).collect();
        let mut replaced = Self::default();
        for place in places {
            // Of a CA that the part does not hold it says nothing: somebody else's it may be.
            if new(&place).is_none() {
                continue;
            }
            let Some(certificate) = first(&old(&place)?) else { continue };
            if !kept.iter().any(|kept| kept.spki_der() == certificate.spki_der()) {
                let index = replaced.authorities.len();
                replaced.keys.extend(public_key_bits(certificate.spki_der()).map(|bits| (bits, index)));
                replaced.authorities.push((place, certificate));
            }
        }
        Ok(replaced)
    }

    /// The places of the CAs that are replaced.
    pub(super) fn authorities(&self) -> Vec<String> {
        self.authorities.iter().map(|(place, _)| place.clone()).collect()
    }

    /// Remembers the key of an old file's certificate when the file belongs to a replaced CA: its private key may lie
    /// in another file.
    pub(super) fn learn(&mut self, file: &[u8]) {
        let Ok(contents) = read_pem(file) else { return };
        let Some(index) = self.signer(&contents) else { return };
        let certificate = contents.certificates.first();
        self.keys.extend(certificate.and_then(|leaf| public_key_bits(leaf.spki_der())).map(|bits| (bits, index)));
    }

    /// The place of the replaced CA to which a file belongs: it holds that CA's certificate, one that it signed, or the
    /// private key of either.
    pub(super) fn owner_of(&self, file: &[u8]) -> Option<&str> {
        let contents = read_pem(file).ok()?;
        let key = || {
            let bits = contents.public_keys.first()?;
            self.keys.iter().find(|(known, _)| known == bits).map(|(_, index)| *index)
        };
        let index = self.signer(&contents).or_else(key)?;
        self.authorities.get(index).map(|(place, _)| place.as_str())
    }

    /// The replaced CA whose certificate this is.
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
