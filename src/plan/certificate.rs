//! A certificate to issue and the key it certifies.

use crate::kubernetes::{CaName, KeyId};
use crate::profile::{Authority, Profile};
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

/// Returns the settings of a certificate authority in the profile.
pub(super) fn authority_of(profile: &Profile, name: CaName) -> &Authority {
    match name {
        CaName::Kubernetes => &profile.kubernetes_ca,
        CaName::Etcd => &profile.etcd_ca,
        CaName::FrontProxy => &profile.front_proxy_ca,
    }
}

/// Plans a CA that signs itself and has no alternative name.
pub(super) fn root(id: KeyId, authority: &Authority) -> (PlannedKey, PlannedCertificate) {
    let key = PlannedKey { id: id.clone(), algorithm: authority.algorithm, generation: authority.generation };
    let certificate = PlannedCertificate {
        key: id.clone(),
        algorithm: authority.algorithm,
        issuer: id,
        is_ca: true,
        constraints: Constraints::default(),
        subject: DistinguishedName::common(&authority.common_name),
        usages: Vec::new(),
        alt_names: Vec::new(),
        validity: authority.validity,
    };
    (key, certificate)
}
