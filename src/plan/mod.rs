//! What to make, for whom, and where it goes, before any key exists.
//!
//! Why: everything but the keys follows from the profile, so it can be shown, compared and tested without a secret.
//!
//! Input: a checked [`Profile`] and the table of [`crate::kubernetes`].
//!
//! Output: a [`Plan`], in an order that depends on the profile alone.
//!
//! Refuses nothing, because [`crate::profile::parse`] has refused everything that can be wrong.

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
    /// The name of the cluster.
    pub cluster: String,
    /// The Kubernetes version.
    pub kubernetes: Version,
    /// The day from which validity is counted by default, and the mtime of every file in the bundle.
    pub issued_at: Date,
    /// The generation of the bundle.
    pub generation: u32,
    /// The host that clients of the API servers connect to, if the profile names one.
    pub endpoint: Option<AltName>,
    /// The first address of the service subnet, which the service `kubernetes` gets.
    pub service_address: Option<IpAddr>,
    /// Whether MetalLB's own rotation will check the certificates in its Secret.
    pub metallb_rotates: bool,
    /// Every key. The key that signs the bundle is last.
    pub keys: Vec<PlannedKey>,
    /// Every certificate, the CAs first and each of them after its issuer. A certificate has the id of its key.
    pub certificates: Vec<PlannedCertificate>,
    /// The files of each recipient: the nodes in the order of the profile, then the cluster.
    pub parts: Vec<PlannedPart>,
    /// The bindings without which these certificates do not work, and which kubeadm itself would have created.
    pub required_bindings: Vec<RequiredBinding>,
}

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
    /// The extended key usages, in order. A CA has none.
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

/// Plans a cluster: its keys, its certificates, and the files of each recipient.
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

/// Returns the key id of a certificate authority.
fn ca_key(name: CaName) -> KeyId {
    KeyId::ca(name.profile_name())
}
