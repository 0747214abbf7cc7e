//! A profile after every check has passed: ranges expanded, defaults filled in, dates computed.

use std::net::IpAddr;

use ipnet::IpNet;
use time::Date;

use super::addons::{Binding, CertManager, Metallb, SecretName, TlsCertificate, Webhook};
use super::ca::Authority;
use super::root_certificate::RootCertificate;
use super::seal::{EncryptTo, Seal};
use crate::kubernetes::{CertificatesDir, Role, Version};
use crate::x509::{AltName, KeyAlgorithm, Validity};

/// A checked profile. Only [`super::parse`] makes one, so that nobody has to check it again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// `[cluster]`: names, versions and addresses of the cluster.
    pub cluster: Cluster,
    /// `[ca_keys] ship_to`: which nodes get the keys of CAs.
    pub ship_ca_keys: ShipCaKeys,
    /// `[ca.kubernetes]`: the CA of the API server and its clients.
    pub kubernetes_ca: Authority,
    /// `[ca.etcd]`: the CA of etcd's members and clients. `None` where somebody else has it: [`Self::foreign_etcd`].
    pub etcd_ca: Option<Authority>,
    /// `[etcd]`: an etcd of somebody else. It is external, no node is a member of it, and there is no CA of etcd.
    pub foreign_etcd: Option<ForeignEtcd>,
    /// `[ca.front-proxy]`: the CA of the aggregation layer.
    pub front_proxy_ca: Authority,
    /// `[keys] leaf`: the algorithm of the keys of leaf certificates.
    pub leaf_algorithm: KeyAlgorithm,
    /// `[service_account]`: the key that signs tokens.
    pub service_account: ServiceAccountKey,
    /// The phase of a rotation, 1 to 3, in which the profile is. 0 means that it is in none; `previous` is then left out
    /// of account, as if the rotation was over.
    pub phase: u32,
    /// Whether the profile is in a phase 1 that carries trust alone.
    pub trust_only: bool,
    /// `[kubelet]`: the certificates that kubelets get.
    pub kubelet: Kubelet,
    /// The nodes: each `[[node]]` in the order of the profile, then each `[[node_pool]]` expanded. At least one is a
    /// control plane.
    pub nodes: Vec<Node>,
    /// Each `[[user]]`, in the order of the profile.
    pub users: Vec<User>,
    /// Each `[[etcd_client]]`, in the order of the profile.
    pub etcd_clients: Vec<EtcdClient>,
    /// `[metallb]`, if the profile has it.
    pub metallb: Option<Metallb>,
    /// `[ca.webhook]`, when a webhook has no CA of its own.
    pub webhook_ca: Option<Authority>,
    /// Each `[[webhook]]`, in the order of the profile.
    pub webhooks: Vec<Webhook>,
    /// `[ca.tls]`, when it signs anything.
    pub tls_ca: Option<Authority>,
    /// `[cert_manager]`, if the profile has it.
    pub cert_manager: Option<CertManager>,
    /// Each `[[tls]]`, in the order of the profile.
    pub tls: Vec<TlsCertificate>,
    /// Each `[[registry]]`, in the order of the profile.
    pub registries: Vec<Registry>,
    /// `[seal]`, if the profile has it.
    pub seal: Option<Seal>,
    /// `[bundle] signer`: the file of the public key whose owner signs the bundle. `None` means that the key is
    /// derived.
    pub signer: Option<KeyAdoption>,
    /// `[bundle] signer_generation`: a number that is raised for a new key that signs the bundle.
    pub signer_generation: u32,
    /// The bytes of the profile as they were given. They travel in the bundle.
    pub source: Vec<u8>,
    /// The SHA-256 of the bytes of the profile.
    pub sha256: [u8; 32],
}

impl Profile {
    /// Returns whether the profile asks for a sealed bundle: by `[seal]`, or by a node that says to whom.
    #[must_use]
    pub fn asks_for_seal(&self) -> bool {
        self.seal.is_some() || self.nodes.iter().any(|node| node.encrypt_to != EncryptTo::Unsaid)
    }

    /// Returns the same profile with another Kubernetes version, to see what the version alone changes.
    ///
    /// `source` and `sha256` stay those of the original.
    #[must_use]
    pub fn with_kubernetes(&self, version: Version) -> Self {
        let mut profile = self.clone();
        let named = std::mem::replace(&mut profile.cluster.kubernetes, version);
        let authorities = [&mut profile.kubernetes_ca, &mut profile.front_proxy_ca].into_iter();
        for authority in authorities.chain(&mut profile.etcd_ca) {
            // A CA that keeps the shape of a version of its own does not follow the cluster's.
            if authority.kubernetes == named {
                authority.kubernetes = version;
            }
        }
        profile
    }
}

/// `[service_account]`: the key that signs the tokens of service accounts.
#[derive(Clone, Debug)]
pub struct ServiceAccountKey {
    /// `[keys] service_account`: the algorithm.
    pub algorithm: KeyAlgorithm,
    /// `generation`: a number that is raised for a new key.
    pub generation: u32,
    /// `key`: the file of a key that exists. `None` means that it is derived.
    pub adoption: Option<KeyAdoption>,
    /// Whether nobody has the private key any more: the file is that of a public key.
    pub is_lost: bool,
    /// `previous`: the key from which the cluster moves to this one, in the three phases of a rotation. `None` in a
    /// profile [in a phase](Profile::in_phase).
    pub previous: Option<Box<Self>>,
    /// The key whose tokens are trusted beside those of this one in a phase of a rotation.
    pub trusted: Option<Box<Self>>,
}

/// The file of a key that exists.
#[derive(Clone, Debug)]
pub struct KeyAdoption {
    /// The path of the file, relative to the profile.
    pub key: String,
    /// The SHA-256 of its SubjectPublicKeyInfo in DER, once the file is read.
    pub found: Option<[u8; 32]>,
}

/// `[cluster]`: names, versions and addresses of the cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The name of the cluster, an RFC 1123 label.
    pub name: String,
    /// The Kubernetes version.
    pub kubernetes: Version,
    /// The day whose 00:00:00 UTC is where validity begins and the mtime of every file in the bundle.
    pub issued_at: Date,
    /// A number that is raised to ship a newer bundle.
    pub generation: u32,
    /// The address at which clients reach the API servers, absent only with a single control plane.
    pub control_plane_endpoint: Option<Endpoint>,
    /// kubeadm's `bindPort`.
    pub api_server_port: u16,
    /// Whether each control plane gets a timer that restarts its API server.
    pub api_server_restart: bool,
    /// One subnet, or two subnets of different families.
    pub service_subnets: Vec<IpNet>,
    /// kubeadm's `dnsDomain`.
    pub dns_domain: String,
    /// kubeadm's `clusterName`: the name of the cluster in kubeconfigs.
    pub kubeconfig_cluster_name: String,
    /// kubeadm's `certificatesDir`.
    pub certificates_dir: CertificatesDir,
    /// Further names in the serving certificates of the API servers, in the order of the profile.
    pub apiserver_cert_sans: Vec<AltName>,
    /// Where etcd runs.
    pub etcd: EtcdTopology,
    /// Further names in the server and peer certificates of etcd, in the order of the profile.
    pub etcd_cert_sans: Vec<AltName>,
}

/// `[cluster] control_plane_endpoint`: a host and an optional port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A DNS name or an address.
    pub host: AltName,
    /// The port. Without one, kubeadm takes `api_server_port`.
    pub port: Option<u16>,
}

/// `[cluster] etcd`: where etcd runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EtcdTopology {
    /// Each control plane runs a member.
    Stacked,
    /// Members run on nodes of role `etcd`, or somebody else has them.
    External,
}

/// `[etcd]`: an etcd of somebody else, to which the API servers are clients with files of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignEtcd {
    /// The URLs of its members, at least one: `https://`, a host and a port.
    pub endpoints: Vec<String>,
    /// The absolute path, on a control plane, of the CA that its members have their certificates of.
    pub ca_file: String,
    /// That of the API server's client certificate.
    pub cert_file: String,
    /// That of the certificate's key.
    pub key_file: String,
}

/// `[ca_keys] ship_to`: which nodes get the keys of CAs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShipCaKeys {
    /// Each control plane gets the keys of the CAs, as with kubeadm.
    ControlPlane,
    /// No node gets the key of a CA: kubeadm's external-CA mode.
    None,
}

/// `[kubelet]`: the certificates that kubelets get.
#[derive(Clone, Copy, Debug)]
pub struct Kubelet {
    /// Whether kubelets get client certificates.
    pub client: bool,
    /// Whether kubelets get serving certificates.
    pub serving: bool,
}

/// A node, from a `[[node]]` or from an expanded `[[node_pool]]`.
#[derive(Clone, Debug)]
pub struct Node {
    /// The name under which the kubelet registers the node.
    pub name: String,
    /// The role of the node.
    pub role: Role,
    /// At least one address. The first is the advertise address.
    pub addresses: Vec<IpAddr>,
    /// Further DNS names.
    pub dns_names: Vec<String>,
    /// A number that is raised to give the node new keys.
    pub generation: u32,
    /// The validity of the node's certificates.
    pub validity: Validity,
    /// To whom the node's part is sealed.
    pub encrypt_to: EncryptTo,
}

/// `[[user]]`: a person or program with a kubeconfig.
#[derive(Clone, Debug)]
pub struct User {
    /// The common name of the certificate.
    pub name: String,
    /// The organizations of the certificate, without duplicates.
    pub groups: Vec<String>,
    /// A number that is raised for a new key.
    pub generation: u32,
    /// The validity of the certificate.
    pub validity: Validity,
    /// Whether the user may do everything, as a member of `system:masters`.
    pub is_break_glass: bool,
    /// The roles to which the user is bound.
    pub bindings: Vec<Binding>,
}

/// `[[etcd_client]]`: a client of etcd.
#[derive(Clone, Debug)]
pub struct EtcdClient {
    /// The common name of the certificate.
    pub name: String,
    /// The Secret in which a program of the cluster finds the certificate, if the client is such a program.
    pub secret: Option<SecretName>,
    /// A number that is raised for a new key.
    pub generation: u32,
    /// The validity of the certificate.
    pub validity: Validity,
}

/// `[[registry]]`: a registry whose root nodes trust.
#[derive(Clone, Debug)]
pub struct Registry {
    /// The host and, where image names have one, the port, as image names have them.
    pub host: String,
    /// The root.
    pub root: RegistryRoot,
    /// Whether every program of a node shall trust the root, for every name.
    pub system_trust: bool,
}

/// `[[registry]] root`: the root of a registry's certificate.
#[derive(Clone, Debug)]
pub enum RegistryRoot {
    /// `[ca.tls]`.
    Tls,
    /// The CAs that the profile brings, at least one.
    Pem(Vec<RootCertificate>),
}
