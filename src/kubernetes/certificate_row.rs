//! The types of the rows in the table of certificates.

use super::component::Component;
use super::purpose::Purpose;
use super::since::Since;
use super::version::Version;
use crate::x509::ExtendedKeyUsage;

/// One of the three certificate authorities of kubeadm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaName {
    /// Signs for the API server and its clients.
    Kubernetes,
    /// Signs for etcd's members and clients.
    Etcd,
    /// Signs the client certificate of the aggregation layer. It is a CA of its own, because any client with a
    /// certificate of this CA can impersonate anyone.
    FrontProxy,
}

impl CaName {
    /// Returns the CA with this name in the profile, or `None` when it is not one of the three.
    #[must_use]
    pub fn of_profile(name: &str) -> Option<Self> {
        [Self::Kubernetes, Self::Etcd, Self::FrontProxy].into_iter().find(|ca| ca.profile_name() == name)
    }

    /// Returns the name that profiles (`[ca.NAME]`) and key ids (`ca/NAME`) use.
    #[must_use]
    pub const fn profile_name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Etcd => "etcd",
            Self::FrontProxy => "front-proxy",
        }
    }
}

/// A certificate authority of the table.
#[derive(Clone, Copy, Debug)]
pub struct CaRow {
    /// Which of the three CAs this is.
    pub name: CaName,
    /// kubeadm's base name: the path of its files below `pki`, without extension.
    pub base_name: &'static str,
    /// The name in `kubeadm certs check-expiration`.
    pub kubeadm_name: &'static str,
    /// What the CA is for.
    pub purpose: Purpose,
    /// The components that read the certificate.
    pub readers: &'static [Component],
    /// The components that read the key.
    pub key_readers: &'static [Component],
    /// The nodes on which kubeadm looks for the CA.
    pub expected: ExpectedOn,
    /// The source of this row.
    pub source: &'static str,
}

/// The nodes on which kubeadm looks for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedOn {
    /// Control planes.
    ControlPlane,
    /// Nodes that run etcd as kubeadm sets it up.
    Etcd,
    /// Control planes that run such an etcd.
    StackedEtcd,
    /// None: the file is made on some nodes only, or by another program than kubeadm.
    Nowhere,
}

/// How the common name of a certificate is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonName {
    /// The same on every node.
    Fixed(&'static str),
    /// The node's name.
    NodeName,
    /// `system:node:` and the node's name. The Node authorizer compares it exactly.
    SystemNode,
}

/// How the subjectAltName of a certificate is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AltNameRule {
    /// There is no such extension.
    None,
    /// As pki_helpers.go `GetAPIServerAltNames` makes it.
    ApiServer,
    /// As pki_helpers.go `GetEtcdAltNames` and `GetEtcdPeerAltNames` make it.
    Etcd,
    /// All names and addresses of the node.
    Node,
}

/// The nodes that get a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every control plane.
    ControlPlane,
    /// The first control plane of the profile, where `kubeadm init` would run.
    FirstControlPlane,
    /// Every node that runs an etcd member.
    EtcdMember,
    /// Every node that runs a kubelet, when `[kubelet] client` is set.
    KubeletClient,
    /// Every node that runs a kubelet, when `[kubelet] serving` is set.
    KubeletServing,
}

/// The API server at which a kubeconfig points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `controlPlaneEndpoint`, or without one the advertise address and `bindPort`.
    ControlPlaneEndpoint,
    /// The advertise address and `bindPort` of the node itself.
    Local,
    /// As [`Self::Local`] on control planes from this version on, as [`Self::ControlPlaneEndpoint`] everywhere else.
    LocalOnControlPlanes(Since),
}

/// The files that hold a certificate and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// `/etc/kubernetes/pki/<base name>.crt` and `.key`.
    Pair,
    /// `/etc/kubernetes/<base name>`, with certificate and key embedded.
    Kubeconfig(Server),
    /// The kubelet's store, and a kubeconfig that refers to the store by path.
    KubeletStore(Server),
    /// `/var/lib/kubelet/pki/kubelet.crt` and `.key`.
    KubeletServing,
}

/// The organizations (Kubernetes' groups) of a subject from a version on.
#[derive(Clone, Copy, Debug)]
pub struct Organizations {
    /// The first version that has these organizations.
    pub since: Since,
    /// The organizations.
    pub values: &'static [&'static str],
}

/// A leaf certificate of the table.
#[derive(Clone, Copy, Debug)]
pub struct CertificateRow {
    /// kubeadm's base name, which is also the end of the key id `node/<node>/<base name>`.
    pub base_name: &'static str,
    /// The name in `kubeadm certs renew` and `check-expiration`, or `None` when they leave this certificate out.
    pub kubeadm_name: Option<&'static str>,
    /// What the certificate is for.
    pub purpose: Purpose,
    /// The CA that signs it.
    pub ca: CaName,
    /// The common name of the subject.
    pub common_name: CommonName,
    /// The organizations of the subject. The last entry whose `since` includes the version counts.
    pub organizations: &'static [Organizations],
    /// The extended key usages, in the order of the certificate.
    pub usages: &'static [ExtendedKeyUsage],
    /// The subject alternative names.
    pub alt_names: AltNameRule,
    /// The nodes that get the certificate.
    pub scope: Scope,
    /// The files that hold the certificate and its key.
    pub output: Output,
    /// The phase of `kubeadm init` that makes the certificate anew, or `None` for what the kubelet makes itself.
    pub phase: Option<&'static str>,
    /// The components that read the files, and so must be restarted when the files change.
    ///
    /// kube-apiserver reloads some of its files by itself, but not from a folder that was exchanged under a running
    /// container. It is therefore named everywhere.
    pub readers: &'static [Component],
    /// The nodes on which kubeadm looks for the certificate.
    pub expected: ExpectedOn,
    /// The first version whose kubeadm makes the certificate.
    pub since: Since,
    /// The source of this row.
    pub source: &'static str,
}

impl CertificateRow {
    /// Returns the subject's common name on a node.
    #[must_use]
    pub fn common_name_on(&self, node: &str) -> String {
        match self.common_name {
            CommonName::Fixed(name) => name.to_owned(),
            CommonName::NodeName => node.to_owned(),
            CommonName::SystemNode => format!("system:node:{node}"),
        }
    }

    /// Returns the subject's organizations for a Kubernetes version, which may be none.
    #[must_use]
    pub fn organizations_for(&self, version: Version) -> &'static [&'static str] {
        self.organizations.iter().rev().find(|entry| entry.since.includes(version)).map_or(&[], |entry| entry.values)
    }
}
