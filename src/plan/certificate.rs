//! A certificate to issue and the key it certifies.

use crate::kubernetes::{CaName, KeyId};
use time::OffsetDateTime;

use crate::profile::{Adoption, Authority, FoundCertificate, Profile};
use crate::x509::{AltName, DistinguishedName, ExtendedKeyUsage, KeyAlgorithm, MASTERS, PermittedNames, Validity};

/// A key to derive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKey {
    /// What the key is for.
    pub id: KeyId,
    /// The algorithm.
    pub algorithm: KeyAlgorithm,
    /// The generation that the profile sets for this key.
    pub generation: u32,
    /// The SHA-256 of the SubjectPublicKeyInfo of a key that is adopted. `None` means that the key is derived.
    pub adopted: Option<Box<[u8; 32]>>,
}

impl PlannedKey {
    /// Returns a key that is derived.
    #[must_use]
    pub const fn derived(id: KeyId, algorithm: KeyAlgorithm, generation: u32) -> Self {
        Self { id, algorithm, generation, adopted: None }
    }
}

/// A certificate to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCertificate {
    /// The key that the certificate certifies.
    pub key: KeyId,
    /// The algorithm of that key.
    pub algorithm: KeyAlgorithm,
    /// The key that signs the certificate. A root's own key signs it.
    pub issuer: KeyId,
    /// Whether this is the certificate of a CA.
    pub is_ca: bool,
    /// The limits of the CA.
    pub constraints: Constraints,
    /// The subject.
    pub subject: DistinguishedName,
    /// The extended key usages, in order. Those of a CA limit what it may sign; a root has none.
    pub usages: Vec<ExtendedKeyUsage>,
    /// The subject alternative names, in order.
    pub alt_names: Vec<AltName>,
    /// The validity, which does not begin before that of the issuer.
    pub validity: Validity,
    /// The certificate that is there already, of a CA that is adopted. `None` means that the certificate is made.
    pub existing: Option<Box<ExistingCertificate>>,
}

/// The certificate of a CA that is adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingCertificate {
    /// The SHA-256 of the certificate in DER, as it is in its file.
    pub sha256: [u8; 32],
    /// The last second of the certificate in the file.
    pub not_after: OffsetDateTime,
    /// Whether the certificate is made anew over the same key, with another end.
    pub is_renewed: bool,
    /// Whether the profile names the file of the private key. Without it, the key is the derived one, or nobody here has
    /// it.
    pub has_key_file: bool,
    /// The issuer's subject, when that is another than the CA itself.
    pub issuer: Option<String>,
    /// The extended key usages to which the CA is limited.
    pub usages: Vec<String>,
    /// The limits of the CA, as in [`Constraints::outline`].
    pub constraints: Vec<String>,
}

impl PlannedCertificate {
    /// Returns whether the certificate is that of a person who may do everything. Every listing marks it.
    #[must_use]
    pub fn is_break_glass(&self) -> bool {
        let organizations = &self.subject.organizations;
        matches!(self.key, KeyId::User(_)) && organizations.iter().any(|group| group == MASTERS)
    }
}

/// The limits on what a CA may sign (RFC 5280, sections 4.2.1.9 and 4.2.1.10). There are none by default and in leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// How many CAs may stand between this CA and a leaf.
    pub path_length: Option<u8>,
    /// The names that the CA may sign for.
    pub permitted: PermittedNames,
}

impl Constraints {
    /// Describes the limits for a lock: `pathlen 0`, `DNS:apps.internal`, `IP:10.0.0.0/8`.
    #[must_use]
    pub fn outline(&self) -> Vec<String> {
        let path_length = self.path_length.map(|length| format!("pathlen {length}"));
        path_length.into_iter().chain(self.permitted.labelled()).collect()
    }
}

/// Returns the key id of a certificate authority.
pub(super) fn ca_key(name: CaName) -> KeyId {
    KeyId::ca(name.profile_name())
}

/// Returns the settings of a certificate authority in the profile, or `None` when somebody else has it.
pub(super) fn authority_of(profile: &Profile, name: CaName) -> Option<&Authority> {
    match name {
        CaName::Kubernetes => Some(&profile.kubernetes_ca),
        CaName::Etcd => profile.etcd_ca.as_ref(),
        CaName::FrontProxy => Some(&profile.front_proxy_ca),
    }
}

/// Plans a CA that signs itself and has no alternative name, or a CA as it is in its file.
pub(super) fn root(id: KeyId, authority: &Authority) -> (PlannedKey, PlannedCertificate) {
    let adoption = authority.adoption.as_ref();
    let adopted = authority.found().filter(|_| adoption.is_some_and(|adoption| adoption.key.is_some()));
    let key = PlannedKey {
        adopted: adopted.map(|found| Box::new(found.spki_sha256)),
        ..PlannedKey::derived(id.clone(), authority.algorithm, authority.generation)
    };
    let found = authority.found_certificate();
    let certificate = PlannedCertificate {
        key: id.clone(),
        algorithm: authority.algorithm,
        issuer: id,
        is_ca: true,
        constraints: Constraints::default(),
        subject: authority.subject.clone(),
        usages: Vec::new(),
        alt_names: found.map(|found| found.alt_names.clone()).unwrap_or_default(),
        validity: authority.validity,
        existing: found.zip(adoption).map(|(found, adoption)| Box::new(existing(found, adoption))),
    };
    (key, certificate)
}

fn existing(found: &FoundCertificate, adoption: &Adoption) -> ExistingCertificate {
    let path_length = found.path_length.map(|length| format!("pathlen {length}"));
    ExistingCertificate {
        sha256: found.sha256,
        not_after: found.validity.not_after,
        is_renewed: adoption.renew,
        has_key_file: adoption.key.is_some(),
        issuer: found.issuer.clone(),
        usages: found.usages.clone(),
        constraints: path_length.into_iter().chain(found.permitted.iter().cloned()).collect(),
    }
}
