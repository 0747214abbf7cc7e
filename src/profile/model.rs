//! What a profile says once every check has passed: ranges expanded, defaults filled in, dates computed.

use std::net::IpAddr;

use ipnet::IpNet;
use time::Date;

use super::addons::{Binding, CertManager, Metallb, SecretName, TlsCertificate, Webhook};
use super::ca::Authority;
use crate::kubernetes::{Role, Version};
use crate::x509::{AltName, KeyAlgorithm, Validity};

/// A checked profile. Only [`super::parse`] makes one, so whoever holds it need not check again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// `[cluster]`.
    pub cluster: Cluster,
    /// `[ca_keys] ship_to`.
    pub ship_ca_keys: ShipCaKeys,
    /// `[ca.kubernetes]`.
    pub kubernetes_ca: Authority,
    /// `[ca.etcd]`.
    pub etcd_ca: Authority,
    /// `[ca.front-proxy]`.
    pub front_proxy_ca: Authority,
    /// `[keys] leaf`.
    pub leaf_algorithm: KeyAlgorithm,
    /// `[keys] service_account`.
    pub service_account_algorithm: KeyAlgorithm,
    /// `[service_account] generation`.
    pub service_account_generation: u32,
    /// `[kubelet]`.
    pub kubelet: Kubelet,
    /// `[[node]]` in the order of the profile, then each `[[node_pool]]` expanded. At least one control plane.
    pub nodes: Vec<Node>,
    /// `[[user]]`, in the order of the profile.
    pub users: Vec<User>,
    /// `[[etcd_client]]`, in the order of the profile.
    pub etcd_clients: Vec<EtcdClient>,
    /// `[metallb]`.
    pub metallb: Option<Metallb>,
    /// `[ca.webhook]`, if a webhook has no CA of its own.
    pub webhook_ca: Option<Authority>,
    /// `[[webhook]]`, in the order of the profile.
    pub webhooks: Vec<Webhook>,
    /// `[ca.tls]`, if it signs anything.
    pub tls_ca: Option<Authority>,
    /// `[cert_manager]`.
    pub cert_manager: Option<CertManager>,
    /// `[[tls]]`, in the order of the profile.
    pub tls: Vec<TlsCertificate>,
    /// `[bundle] signer_generation`.
    pub signer_generation: u32,
    /// The profile's bytes as given; they travel in the bundle.
    pub source: Vec<u8>,
    /// SHA-256 of the profile's bytes.
    pub sha256: [u8; 32],
}

impl Profile {
    /// The same profile as if it named another Kubernetes version, to see what the version alone changes. Its bytes
    /// and their hash stay.
    #[must_use]
    pub fn with_kubernetes(&self, version: Version) -> Self {
        let mut profile = self.clone();
        let named = std::mem::replace(&mut profile.cluster.kubernetes, version);
        for authority in [&mut profile.kubernetes_ca, &mut profile.etcd_ca, &mut profile.front_proxy_ca] {
            // A CA that keeps the shape of a version of its own does not move along.
            if authority.kubernetes == named {
                authority.kubernetes = version;
            }
        }
        profile
    }
}

/// `[cluster]`.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// RFC 1123 label.
    pub name: String,
    /// The pinned Kubernetes version.
    pub kubernetes: Version,
    /// Validity counts from this day, 00:00:00 UTC; also every mtime in the bundle.
    pub issued_at: Date,
    /// Raised to ship a newer bundle.
    pub generation: u32,
    /// Where clients reach the API servers; absent only with a single control plane.
    pub control_plane_endpoint: Option<Endpoint>,
    /// kubeadm's `bindPort`.
    pub api_server_port: u16,
    /// One subnet, or two of different families.
    pub service_subnets: Vec<IpNet>,
    /// kubeadm's `dnsDomain`.
    pub dns_domain: String,
    /// Extra names of the API servers' serving certificates, in the order of the profile.
    pub apiserver_cert_sans: Vec<AltName>,
    /// Where etcd runs.
    pub etcd: EtcdTopology,
    /// Extra names of etcd's server and peer certificates, in the order of the profile.
    pub etcd_cert_sans: Vec<AltName>,
}

/// `[cluster] control_plane_endpoint`: a host and, where given, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A DNS name or an address.
    pub host: AltName,
    /// kubeadm falls back to `api_server_port`.
    pub port: Option<u16>,
}

/// `[cluster] etcd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EtcdTopology {
    /// Each control plane runs a member.
    Stacked,
    /// Members run on nodes of role `etcd`.
    External,
}

/// `[ca_keys] ship_to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShipCaKeys {
    /// Each control plane gets the keys of the CAs, as with kubeadm.
    ControlPlane,
    /// No CA key leaves: kubeadm's external-CA mode.
    None,
}

/// `[kubelet]`.
#[derive(Clone, Copy, Debug)]
pub struct Kubelet {
    /// Make client certificates.
    pub client: bool,
    /// Make serving certificates.
    pub serving: bool,
}

/// One node, from `[[node]]` or expanded from `[[node_pool]]`.
#[derive(Clone, Debug)]
pub struct Node {
    /// The name the kubelet registers.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// At least one; the first is the advertise address.
    pub addresses: Vec<IpAddr>,
    /// Further names.
    pub dns_names: Vec<String>,
    /// Raised to give the node new keys.
    pub generation: u32,
    /// When its certificates are valid.
    pub validity: Validity,
}

/// `[[user]]`.
#[derive(Clone, Debug)]
pub struct User {
    /// The certificate's common name.
    pub name: String,
    /// The certificate's organizations, no duplicates.
    pub groups: Vec<String>,
    /// Raised for a new key.
    pub generation: u32,
    /// When it is valid.
    pub validity: Validity,
    /// Whether it may do everything: it is one of `system:masters`.
    pub is_break_glass: bool,
    /// The roles it is bound to.
    pub bindings: Vec<Binding>,
}

/// `[[etcd_client]]`.
#[derive(Clone, Debug)]
pub struct EtcdClient {
    /// The certificate's common name.
    pub name: String,
    /// The Secret in which a program of the cluster finds it, if one does.
    pub secret: Option<SecretName>,
    /// Raised for a new key.
    pub generation: u32,
    /// When it is valid.
    pub validity: Validity,
}
