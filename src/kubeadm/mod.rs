//! What kubeadm and the kubelet expect on disk, as data.
//!
//! Why: the shape of the PKI is a set of facts about Kubernetes versions; facts are rows with their source beside
//! them, not branches spread over the code.
//!
//! Input: nothing. Output: const rows and the rules that read them.
//!
//! Refuses nothing; whoever reads a row decides.

mod since;
mod table;

pub use since::Since;
pub use table::{
    AUTHORITIES, AltNameRule, CA_HAS_ALT_NAME, CERTIFICATES, CaName, CaRow, CertificateRow, CommonName, Organizations,
    Output, Scope, Server,
};

use crate::profile::Version;

impl CaName {
    /// The name in the profile (`[ca.NAME]`) and in key ids (`ca/NAME`).
    #[must_use]
    pub const fn profile_name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Etcd => "etcd",
            Self::FrontProxy => "front-proxy",
        }
    }
}

impl CertificateRow {
    /// The subject's common name on a node.
    #[must_use]
    pub fn common_name_on(&self, node: &str) -> String {
        match self.common_name {
            CommonName::Fixed(name) => name.to_owned(),
            CommonName::NodeName => node.to_owned(),
            CommonName::SystemNode => format!("system:node:{node}"),
        }
    }

    /// The subject's organizations for a Kubernetes version.
    #[must_use]
    pub fn organizations_for(&self, version: Version) -> &'static [&'static str] {
        self.organizations.iter().rev().find(|entry| entry.since.includes(version)).map_or(&[], |entry| entry.values)
    }
}

/// A ClusterRoleBinding that certificates of that version rely on and that only `kubeadm init` or
/// `kubeadm upgrade apply` would create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredBinding {
    /// Name of the ClusterRoleBinding.
    pub name: &'static str,
    /// `Group` or `User`.
    pub subject_kind: &'static str,
    /// Its subject's name.
    pub subject: &'static str,
    /// The ClusterRole it grants.
    pub cluster_role: &'static str,
    /// From which version on.
    pub since: Since,
    /// What does not work without it.
    pub without: &'static str,
    /// Where it is stated.
    pub source: &'static str,
}

/// The bindings that newer kubeadm creates itself.
pub const REQUIRED_BINDINGS: [RequiredBinding; 2] = [
    RequiredBinding {
        name: "kubeadm:cluster-admins",
        subject_kind: "Group",
        subject: "kubeadm:cluster-admins",
        cluster_role: "cluster-admin",
        since: Since(&[Version::new(29, 0)]),
        without: "admin.conf may do nothing",
        source: "kubeadm v1.29, kubeconfig.go EnsureAdminClusterRoleBinding",
    },
    RequiredBinding {
        name: "kubeadm:apiserver-kubelet-client",
        subject_kind: "User",
        subject: "kube-apiserver-kubelet-client",
        cluster_role: "system:kubelet-api-admin",
        since: table::KUBELET_CLIENT_BY_NAME,
        without: "kubectl logs and exec are forbidden",
        source: "kubernetes PR 138957, kubeadm issue 3310",
    },
];
