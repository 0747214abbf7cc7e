//! The ClusterRoleBindings that newer kubeadm creates for its own certificates.

use super::certificate::KUBELET_CLIENT_BY_NAME;
use super::since::Since;
use super::version::Version;

/// A ClusterRoleBinding on which certificates of a Kubernetes version rely, and which only `kubeadm init` or `kubeadm
/// upgrade apply` would create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredBinding {
    /// The name of the ClusterRoleBinding.
    pub name: &'static str,
    /// `Group` or `User`.
    pub subject_kind: &'static str,
    /// The name of its subject.
    pub subject: &'static str,
    /// The ClusterRole that it grants.
    pub cluster_role: &'static str,
    /// The first version that needs it.
    pub since: Since,
    /// What does not work without it.
    pub without: &'static str,
    /// The source of this row.
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
        since: KUBELET_CLIENT_BY_NAME,
        without: "kubectl logs and exec are forbidden",
        source: "kubernetes PR 138957, kubeadm issue 3310",
    },
];
