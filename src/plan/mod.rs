//! What to make, for whom, and where it goes, before any key exists.
//!
//! Why: everything but the keys follows from the profile, so it can be shown, compared and tested without a secret.
//!
//! Input: a checked [`Profile`] and the table of [`crate::kubernetes`].
//!
//! Output: a [`Plan`], in an order that does not depend on anything but the profile.
//!
//! Refuses nothing: what can be wrong was refused by [`crate::profile::parse`].

mod addons;
mod alt_names;
mod certificates;
mod effects;
mod files;
mod kubeconfig;
mod manifest;
mod only;

pub use effects::{Before, Effect, EffectKind, effects};
pub use files::{PlannedContent, PlannedFile, PlannedPart, Recipient};
pub use kubeconfig::{Credentials, PlannedKubeconfig};
pub use manifest::{CaBundles, Manifest, Material, RoleBinding, SecretManifest, SecretReader};
pub use only::only;

use std::net::IpAddr;

use time::Date;

use crate::kubernetes::{CaName, KeyId, REQUIRED_BINDINGS, RequiredBinding, Version};
use crate::profile::{Profile, Rotation};
use alt_names::first_service_address;

use crate::x509::{AltName, DistinguishedName, ExtendedKeyUsage, KeyAlgorithm, MASTERS, PermittedNames, Validity};

/// Everything a build makes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cluster's name.
    pub cluster: String,
    /// The pinned Kubernetes version.
    pub kubernetes: Version,
    /// The day validity counts from by default; also every mtime in the bundle.
    pub issued_at: Date,
    /// The bundle's generation.
    pub generation: u32,
    /// The host by which clients call the API servers, if the profile names one.
    pub endpoint: Option<AltName>,
    /// The first address of the service subnet, which the service `kubernetes` gets.
    pub service_address: Option<IpAddr>,
    /// Whether MetalLB's own rotation will look at its certificates.
    pub metallb_rotates: bool,
    /// Every key, the bundle's signer last.
    pub keys: Vec<PlannedKey>,
    /// Every certificate, the CAs first and each of them after its issuer. A certificate is known by the id of its key.
    pub certificates: Vec<PlannedCertificate>,
    /// What each recipient gets: the nodes in the order of the profile, then the cluster's part.
    pub parts: Vec<PlannedPart>,
    /// What kubeadm itself would have to create in the cluster for these certificates to work.
    pub required_bindings: Vec<RequiredBinding>,
}

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

/// Plans a cluster.
#[must_use]
pub fn plan(profile: &Profile) -> Plan {
    let mut keys = Vec::new();
    let mut planned = Vec::new();
    for (key, certificate) in certificates::all(profile) {
        keys.push(key);
        planned.push(certificate);
    }
    keys.push(PlannedKey {
        id: KeyId::ServiceAccount,
        algorithm: profile.service_account_algorithm,
        generation: profile.service_account_generation,
    });
    keys.push(PlannedKey {
        id: KeyId::BundleSigner,
        algorithm: KeyAlgorithm::EcdsaP256,
        generation: profile.signer_generation,
    });
    Plan {
        cluster: profile.cluster.name.clone(),
        kubernetes: profile.cluster.kubernetes,
        issued_at: profile.cluster.issued_at,
        generation: profile.cluster.generation,
        endpoint: profile.cluster.control_plane_endpoint.as_ref().map(|endpoint| endpoint.host.clone()),
        service_address: profile.cluster.service_subnets.first().map(first_service_address),
        metallb_rotates: profile.metallb.as_ref().is_some_and(|metallb| metallb.rotation == Rotation::Cooperate),
        keys,
        certificates: planned,
        parts: files::all(profile),
        required_bindings: REQUIRED_BINDINGS
            .into_iter()
            .filter(|binding| binding.since.includes(profile.cluster.kubernetes))
            .collect(),
    }
}

/// The key id of a certificate authority.
fn ca_key(name: CaName) -> KeyId {
    KeyId::ca(name.profile_name())
}
