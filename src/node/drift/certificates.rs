//! What has become of a certificate, a key or a kubeconfig.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::finding::{Change, ChangedCertificate, Signer};
use crate::kubeconfig::Kubeconfig;
use crate::kubernetes::{AUTHORITIES, CaRow, CertificatesDir, PKI, Purpose, is_of_registry, usual_place};
use crate::node::not_after::leaf;
use crate::x509::{ReadCertificate, escape_for_terminal, public_key_bits, read_pem};

/// The files of the record that are on the node.
#[derive(Default)]
pub(super) struct Contents {
    /// The content of each by its place, and whether it is the installed one.
    pub(super) files: BTreeMap<String, (Zeroizing<Vec<u8>>, bool)>,
    /// The folder of certificates.
    pub(super) folder: CertificatesDir,
}

impl Contents {
    fn content(&self, place: &str) -> Option<&[u8]> {
        self.files.get(place).map(|(content, _)| content.as_slice())
    }

    /// Returns whether the file is there and is the installed one.
    pub(super) fn is_installed(&self, place: &str) -> bool {
        self.files.get(place).is_some_and(|(_, is_installed)| *is_installed)
    }

    /// Returns whether the file is there and is not the installed one.
    fn is_changed(&self, place: &str) -> bool {
        self.files.get(place).is_some_and(|(_, is_installed)| !is_installed)
    }

    /// Returns the first certificate of the file at a place, or of the kubeconfig's user.
    pub(super) fn leaf(&self, place: &str) -> Option<ReadCertificate> {
        leaf(place, self.content(place)?)
    }

    /// Returns how the content at a place differs from the installed one.
    pub(super) fn change(&self, place: &str, not_after: &BTreeMap<String, OffsetDateTime>) -> Change {
        let installed_not_after = not_after.get(place).copied();
        if place.ends_with(".key") || place.ends_with(".pub") {
            return self.key(place);
        }
        if place.ends_with(".conf") {
            let read = Kubeconfig::read(self.content(place).unwrap_or_default());
            if let Err(error) = read {
                let reason = escape_for_terminal(&error.to_string());
                return Change::Content(format!("is no kubeconfig that can be read: {reason}"));
            }
        }
        if is_of_registry(place) {
            let text = if place.ends_with(".crt") { "holds something else" } else { "says something else" };
            return Change::Content(text.to_owned());
        }
        let Some(certificate) = self.leaf(place) else {
            let text =
                if place.ends_with(".conf") { "says something else" } else { "holds no certificate that can be read" };
            return Change::Content(text.to_owned());
        };
        let new = certificate.not_after();
        if place.ends_with(".conf") && installed_not_after == Some(new) {
            return Change::Content("says something else".to_owned());
        }
        if authority_at(place).is_some() {
            let has_same_key = self.has_same_key(place, &certificate);
            return Change::Authority { not_after: new, installed_not_after, has_same_key };
        }
        let key = place.strip_suffix(".crt").map(|stem| format!("{stem}.key"));
        Change::Certificate(ChangedCertificate {
            not_after: new,
            installed_not_after,
            signer: self.signer(place, &certificate),
            has_new_key: key.is_some_and(|key| self.is_changed(&key) && self.belong_together(&key, place)),
        })
    }

    fn key(&self, place: &str) -> Change {
        if read_pem(self.content(place).unwrap_or_default()).is_err() {
            return Change::Content("holds no key that can be read".to_owned());
        }
        let stem = place.strip_suffix(".key");
        let others = ["crt", "pub"].into_iter().filter_map(|ending| Some(format!("{}.{ending}", stem?)));
        let of = others.into_iter().find(|other| self.is_changed(other) && self.belong_together(place, other));
        Change::Key { of }
    }

    fn belong_together(&self, key: &str, other: &str) -> bool {
        let keys = |place: &str| {
            let read = read_pem(self.content(place)?).ok()?;
            match read.certificates.first() {
                Some(certificate) => public_key_bits(certificate.spki_der()),
                None => read.public_keys.into_iter().next(),
            }
        };
        keys(key).is_some_and(|bits| keys(other) == Some(bits))
    }

    /// Returns who signed a certificate, as far as the CA to which a file at this place belongs tells.
    pub(super) fn signer(&self, place: &str, certificate: &ReadCertificate) -> Signer {
        let other = || Signer::Other { issuer: escape_for_terminal(&certificate.issuer()) };
        let Some(row) = authority_of(place) else { return other() };
        let authority = self.folder.place(&authority_place(row)).into_owned();
        let Some(by) = self.leaf(&authority) else { return other() };
        match certificate.is_signed_by(&by) {
            Some(true) if self.is_installed(&authority) => Signer::Installed,
            Some(true) => Signer::Changed { authority },
            Some(false) => other(),
            None => Signer::Unchecked,
        }
    }

    /// Returns whether a changed CA certificate has the key of the installed one: what is as it was installed tells, the
    /// CA's key or a certificate that it signed.
    fn has_same_key(&self, place: &str, authority: &ReadCertificate) -> Option<bool> {
        let key = place.strip_suffix(".crt").map(|stem| format!("{stem}.key")).unwrap_or_default();
        if self.is_installed(&key) {
            return Some(self.belong_together(&key, place));
        }
        let leaves = self.files.keys().filter(|other| {
            self.is_installed(other)
                && authority_of(other).is_some_and(|row| authority_place(row) == usual_place(place))
        });
        let mut leaves = leaves.filter_map(|leaf| self.leaf(leaf));
        // A certificate names its CA. Where that has another name now, nothing is known of the key.
        leaves.find(|leaf| leaf.issuer_der() == authority.subject_der())?.is_signed_by(authority)
    }
}

/// Returns the CA whose certificate is at a place.
pub(super) fn authority_at(place: &str) -> Option<&'static CaRow> {
    AUTHORITIES.iter().find(|row| authority_place(row) == usual_place(place))
}

/// Returns the CA to which the leaf at a place belongs.
fn authority_of(place: &str) -> Option<&'static CaRow> {
    let purpose = Purpose::of_path(place).authority()?;
    AUTHORITIES.iter().find(|row| row.purpose == purpose)
}

/// Returns the place of a CA's certificate in kubeadm's own folder.
fn authority_place(row: &CaRow) -> String {
    format!("{PKI}/{}.crt", row.base_name)
}
