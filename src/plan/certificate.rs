//! A certificate to issue and the key it certifies.

use crate::kubernetes::{CaName, KeyId};
use crate::profile::{Authority, Profile};
use crate::x509::{AltName, DistinguishedName, ExtendedKeyUsage, KeyAlgorithm, MASTERS, PermittedNames, Validity};

/// A key to derive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKey {
    /// What it is for.
    pub id: KeyId,
    /// Its algorithm.
    pub algorithm: KeyAlgorithm,
    /// The generation of its own table in the profile.
    pub generation: u32,
}

/// A certificate to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCertificate {
    /// The key it certifies.
    pub key: KeyId,
    /// That key's algorithm.
    pub algorithm: KeyAlgorithm,
    /// The key that signs; its own for a root.
    pub issuer: KeyId,
    /// Whether it is a CA's.
    pub is_ca: bool,
    /// What bounds it as a CA.
    pub constraints: Constraints,
    /// Who it is.
    pub subject: DistinguishedName,
    /// Extended key usages, in order; none for a CA.
    pub usages: Vec<ExtendedKeyUsage>,
    /// Subject alternative names, in order.
    pub alt_names: Vec<AltName>,
    /// When it is valid, within its issuer.
    pub validity: Validity,
}

impl PlannedCertificate {
    /// Whether it is a person's who may do everything, and whom every listing marks.
    #[must_use]
    pub fn is_break_glass(&self) -> bool {
        let organizations = &self.subject.organizations;
        matches!(self.key, KeyId::User(_)) && organizations.iter().any(|group| group == MASTERS)
    }
}

/// What a CA may not sign (RFC 5280, sections 4.2.1.9 and 4.2.1.10); nothing by default, and in leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// How many CAs may stand below it.
    pub path_length: Option<u8>,
    /// The names it may sign for.
    pub permitted: PermittedNames,
}

impl Constraints {
    /// In words, for a lock: `pathlen 0`, `DNS:apps.internal`, `IP:10.0.0.0/8`.
    #[must_use]
    pub fn outline(&self) -> Vec<String> {
        let path_length = self.path_length.map(|length| format!("pathlen {length}"));
        path_length.into_iter().chain(self.permitted.labelled()).collect()
    }
}

/// The key id of a certificate authority.
pub(super) fn ca_key(name: CaName) -> KeyId {
    KeyId::ca(name.profile_name())
}

/// The profile's table of a certificate authority.
pub(super) fn authority_of(profile: &Profile, name: CaName) -> &Authority {
    match name {
        CaName::Kubernetes => &profile.kubernetes_ca,
        CaName::Etcd => &profile.etcd_ca,
        CaName::FrontProxy => &profile.front_proxy_ca,
    }
}

/// A CA that signs itself and has no further name.
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
