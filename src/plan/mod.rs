//! What to make, for whom, and where it goes, before any key exists.
//!
//! Why: everything but the keys follows from the profile, so it can be shown, compared and tested without a secret.
//!
//! Input: a checked [`Profile`] and the table of [`crate::kubernetes`].
//!
//! Output: a [`Plan`], in an order that depends on the profile alone. The files of a recipient are planned when they
//! are asked for.
//!
//! Refuses nothing, because [`crate::profile::parse`] has refused everything that can be wrong.

mod addons;
mod alt_names;
mod api_server_restart;
mod certificate;
mod certificates;
mod chain;
mod etcd;
mod etcd_file;
mod file;
mod kubeadm;
mod kubeadm_file;
mod kubeconfig;
mod manifest;
mod part_changes;
mod planned_chain;
mod planned_files;
mod registry;
mod registry_file;
mod rotation;
mod subset;

pub use certificate::{Constraints, ExistingCertificate, PlannedCertificate, PlannedKey};
pub use etcd_file::EtcdFile;
pub use file::{FileOutlines, PlannedContent, PlannedFile};
pub use kubeadm_file::{
    ClusterConfiguration, Discovery, EtcdClientFiles, KubeadmEtcd, KubeadmFile, KubeletConfiguration, LocalServer,
    Renewal,
};
pub use kubeconfig::{Credentials, PlannedKubeconfig};
pub use manifest::{ApiServerRestart, CaBundles, Manifest, Material, RoleBinding, SecretManifest, SecretReader};
pub use part_changes::{PartChange, PartChangeKind, PreviousBuild, part_changes};
pub use planned_chain::PlannedChain;
pub use planned_files::Recipient;
pub use registry_file::RegistryFile;
pub use subset::subset;

use std::net::IpAddr;

use time::Date;

use crate::kubernetes::{CertificatesDir, KeyId, REQUIRED_BINDINGS, RequiredBinding, Role, Version};
use crate::profile::{Node, Profile, Rotation, ServiceAccountKey};
use alt_names::first_service_address;

use crate::x509::{AltName, KeyAlgorithm};

/// Everything a build makes.
#[derive(Clone, Debug)]
pub struct Plan<'p> {
    /// The name of the cluster.
    pub cluster: String,
    /// The Kubernetes version.
    pub kubernetes: Version,
    /// The day from which validity is counted by default, and the mtime of every file in the bundle.
    pub issued_at: Date,
    /// The generation of the bundle.
    pub generation: u32,
    /// The phase of a rotation, 1 to 3, or 0.
    pub phase: u32,
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
    /// Whoever gets a part: the nodes in the order of the profile, then the cluster.
    pub recipients: Vec<Recipient<'p>>,
    /// The bindings without which these certificates do not work, and which kubeadm itself would have created.
    pub required_bindings: Vec<RequiredBinding>,
    profile: &'p Profile,
    control_planes: Vec<&'p Node>,
}

impl Plan<'_> {
    /// Returns the files that a recipient gets, in no particular order. The bundle sorts them.
    ///
    /// They are planned anew each time. Those of a hundred thousand nodes would take more room than all the rest.
    #[must_use]
    pub fn files(&self, recipient: Recipient<'_>) -> Vec<PlannedFile> {
        match recipient {
            Recipient::Node(node) => planned_files::of_node(self.profile, node, &self.control_planes),
            Recipient::Cluster => planned_files::of_cluster(self.profile, self.control_planes.first().copied()),
        }
    }

    /// Returns the folder of certificates of the nodes.
    #[must_use]
    pub const fn certificates_dir(&self) -> &CertificatesDir {
        &self.profile.cluster.certificates_dir
    }

    /// Returns the certificates that may do everything.
    pub fn break_glass(&self) -> impl Iterator<Item = &PlannedCertificate> {
        self.certificates.iter().filter(|certificate| certificate.is_break_glass())
    }

    /// Returns the [outline](PlannedContent::outline) of each file of a recipient by its path.
    #[must_use]
    pub fn outlines(&self, recipient: Recipient<'_>) -> FileOutlines {
        self.files(recipient).iter().map(|file| (file.path.as_str().into(), file.content.outline().into())).collect()
    }
}

/// Returns whether a certificate is that of a CA of which only the certificate is named, and below which nothing is
/// made.
fn is_only_trusted(authority: &PlannedCertificate, all: &[PlannedCertificate]) -> bool {
    let is_made_below = |planned: &PlannedCertificate| planned.issuer == authority.key && planned.existing.is_none();
    let is_without_key = |existing: &ExistingCertificate| !existing.has_key_file;
    // The CA of cert-manager signs in the cluster.
    let is_first = authority.issuer == authority.key;
    is_first && authority.existing.as_deref().is_some_and(is_without_key) && !all.iter().any(is_made_below)
}

/// Plans a cluster: its keys, its certificates, and the files of each recipient.
#[must_use]
pub fn plan(profile: &Profile) -> Plan<'_> {
    let all = certificates::all(profile).filter(|(_, certificate)| !profile.trust_only || certificate.is_ca);
    let (mut keys, certificates): (Vec<_>, Vec<_>) = all.unzip();
    // A CA that is trusted here and signs nothing needs no key.
    let only_trusted: Vec<_> = certificates.iter().filter(|planned| is_only_trusted(planned, &certificates)).collect();
    keys.retain(|key: &PlannedKey| only_trusted.iter().all(|trusted| trusted.key != key.id));
    let key = |id, key: &ServiceAccountKey| PlannedKey {
        adopted: key.adoption.as_ref().and_then(|adoption| adoption.found).map(Box::new),
        ..PlannedKey::derived(id, key.algorithm, key.generation)
    };
    keys.push(key(KeyId::ServiceAccount, &profile.service_account));
    keys.extend(profile.service_account.trusted.iter().map(|trusted| key(KeyId::TrustedServiceAccount, trusted)));
    keys.push(PlannedKey {
        adopted: profile.signer.as_ref().and_then(|signer| signer.found).map(Box::new),
        ..PlannedKey::derived(KeyId::BundleSigner, KeyAlgorithm::EcdsaP256, profile.signer_generation)
    });
    Plan {
        cluster: profile.cluster.name.clone(),
        kubernetes: profile.cluster.kubernetes,
        issued_at: profile.cluster.issued_at,
        generation: profile.cluster.generation,
        phase: profile.phase,
        endpoint: profile.cluster.control_plane_endpoint.as_ref().map(|endpoint| endpoint.host.clone()),
        service_address: profile.cluster.service_subnets.first().map(first_service_address),
        metallb_rotates: profile.metallb.as_ref().is_some_and(|metallb| metallb.rotation == Rotation::Cooperate),
        keys,
        certificates,
        recipients: profile.nodes.iter().map(Recipient::Node).chain([Recipient::Cluster]).collect(),
        required_bindings: REQUIRED_BINDINGS
            .into_iter()
            .filter(|binding| binding.since.includes(profile.cluster.kubernetes))
            .collect(),
        profile,
        control_planes: profile.nodes.iter().filter(|node| node.role == Role::ControlPlane).collect(),
    }
}
