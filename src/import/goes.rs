//! The files that `apply` takes away because they belong to what is replaced (the manual, chapter formats, section 6).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::surveyed::{Surveyed, hex, read_all};
use crate::kubernetes::{
    BOOTSTRAP, CertificatesDir, KUBELET_CONF, KUBELET_PKI, KUBERNETES, KeyId, authorities, kubeconfigs,
};
use crate::plan::{PlannedContent, PlannedFile};
use crate::x509::ReadCertificate;

const STALE: &str = "the kubelet would go on using it";
pub(super) const NOT_PLANNED: &str = "an earlier bundle brought it, and this one does not have it";

/// What a plan replaces on a node.
pub(super) struct Going<'a> {
    survey: &'a Surveyed<'a>,
    /// The folder of certificates.
    pki: &'a str,
    /// The CAs in whose place the plan has another, each with its file.
    replaced: Vec<(String, ReadCertificate)>,
    /// The files of these CAs, by the SHA-256 of a public key that belongs to one of them.
    keys: BTreeMap<[u8; 32], String>,
    has_kubelet: bool,
    has_store: bool,
}

impl<'a> Going<'a> {
    /// Compares the CAs of a node with those of a plan, whose keys are the SHA-256 of public halves, as far as they are
    /// known.
    pub(super) fn new(
        survey: &'a Surveyed<'a>,
        certificates_dir: &'a CertificatesDir,
        planned: &[PlannedFile],
        key: impl Fn(&KeyId) -> Option<[u8; 32]>,
    ) -> Self {
        let planned_at = |place: &str| {
            let file = planned.iter().find(|file| file.path == place)?;
            let PlannedContent::Certificate(id) = &file.content else { return None };
            Some(id)
        };
        let authorities = || authorities().map(|usual| certificates_dir.place(&usual).into_owned());
        let kept: Vec<_> = authorities().filter_map(|place| key(planned_at(&place)?)).collect();
        let mut replaced = Vec::new();
        for place in authorities().filter(|place| planned_at(place).is_some()) {
            let found = survey.certificate(&place);
            replaced.extend(found.filter(|found| !kept.contains(&spki_sha256(found))).map(|found| (place, found)));
        }
        let has = |path: &str| planned.iter().any(|file| file.path == path);
        let has_store = planned.iter().any(|file| in_folder(&file.path, KUBELET_PKI).is_some());
        let pki = certificates_dir.folder();
        let mut going =
            Self { survey, pki, replaced, keys: BTreeMap::new(), has_kubelet: has(KUBELET_CONF), has_store };
        // A private key is known by the certificate that lies beside it.
        let folders = [pki, KUBELET_PKI];
        let files =
            survey.survey.files.iter().filter(|file| folders.iter().any(|it| in_folder(&file.path, it).is_some()));
        let leaves = files.filter_map(|file| read_all(&file.certificates).into_iter().next());
        let owned: Vec<_> =
            leaves.filter_map(|leaf| Some((spki_sha256(&leaf), going.owner(&leaf)?.to_owned()))).collect();
        going.keys.extend(owned);
        going
    }

    /// Returns why a file that the plan does not have goes. Returns `None` if it stays.
    pub(super) fn why(&self, path: &str) -> Option<String> {
        if let Some(name) = in_folder(path, KUBELET_PKI).filter(|_| self.has_store) {
            let is_client = name.starts_with("kubelet-client-") && name.ends_with(".pem") && !name.contains('/');
            if is_client || name == "kubelet.crt" || name == "kubelet.key" {
                return Some(STALE.to_owned());
            }
        }
        if path == BOOTSTRAP {
            return self.has_kubelet.then(|| STALE.to_owned());
        }
        let authority = match in_folder(path, KUBERNETES) {
            Some(name) if kubeconfigs().contains(&name) => self.of_kubeconfig(path),
            _ if in_folder(path, self.pki).is_some() || in_folder(path, KUBELET_PKI).is_some() => self.of_file(path),
            _ => None,
        };
        authority.map(|place| format!("it belongs to the CA that is in {place} now"))
    }

    fn of_file(&self, path: &str) -> Option<&str> {
        let file = self.survey.survey.file(path)?;
        let by_certificate = read_all(&file.certificates).into_iter().next();
        let by_key = || {
            let mut hashes = file.private_keys.iter();
            let known = |hash: &String| self.keys.iter().find(|(key, _)| hex(key) == *hash);
            hashes.find_map(known).map(|(_, place)| place.as_str())
        };
        by_certificate.and_then(|certificate| self.owner(&certificate)).or_else(by_key)
    }

    fn of_kubeconfig(&self, path: &str) -> Option<&str> {
        let clusters = &self.survey.survey.kubeconfig(path)?.clusters;
        let authorities = clusters.iter().flat_map(|cluster| read_all(&cluster.certificates));
        let is_it = |authority: ReadCertificate| {
            self.replaced.iter().find(|(_, known)| known.spki_der() == authority.spki_der())
        };
        authorities.into_iter().find_map(is_it).map(|(place, _)| place.as_str())
    }

    /// Returns the place of the replaced CA that a certificate is, or by which it is signed.
    fn owner(&self, certificate: &ReadCertificate) -> Option<&str> {
        let is_it = |(_, authority): &&(String, ReadCertificate)| {
            certificate.spki_der() == authority.spki_der() || certificate.is_signed_by(authority) == Some(true)
        };
        self.replaced.iter().find(is_it).map(|(place, _)| place.as_str())
    }
}

/// Returns the path below a folder.
fn in_folder<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

fn spki_sha256(certificate: &ReadCertificate) -> [u8; 32] {
    Sha256::digest(certificate.spki_der()).into()
}
