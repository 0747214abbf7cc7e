//! Where Kubernetes' files lie. Every path is relative to the root of a node.

use super::registry::{CERTS_D, TRUST_FOLDERS};

/// The most bytes of a certificate, key, kubeconfig, manifest or configuration. A larger file is none of these.
pub const FILE_LIMIT: u64 = 4 << 20;
/// The folder of kubeconfigs.
pub const KUBERNETES: &str = "etc/kubernetes";
/// The folder of certificates and keys.
pub const PKI: &str = "etc/kubernetes/pki";
/// The certificate of the cluster's CA.
pub const CLUSTER_CA: &str = "etc/kubernetes/pki/ca.crt";
/// The key of the cluster's CA.
pub const CLUSTER_CA_KEY: &str = "etc/kubernetes/pki/ca.key";
/// The certificate of the cluster's CA and those above it, where the CA is an intermediate: for
/// kube-controller-manager's `--root-ca-file`, and for nothing by which clients are known.
pub const CA_CHAIN: &str = "etc/kubernetes/pki/ca-chain.crt";
/// The one certificate of the cluster's CA that issues, while [`CLUSTER_CA`] holds two: in phases 1 and 2 of a rotation,
/// for kube-controller-manager's [`SIGNING_FLAGS`], which take no more than one.
pub const CA_SIGNING: &str = "etc/kubernetes/pki/ca-signing.crt";
/// The flags of kube-controller-manager that name the certificate with which it signs. It ends when the file holds two:
/// `expected 1 certificate, found 2` (tried with 1.20.2).
///
/// Source: Kubernetes v1.20.2, cmd/kube-controller-manager/app/options/csrsigningcontroller.go.
pub const SIGNING_FLAGS: [&str; 5] = [
    "cluster-signing-cert-file",
    "cluster-signing-kubelet-serving-cert-file",
    "cluster-signing-kubelet-client-cert-file",
    "cluster-signing-kube-apiserver-client-cert-file",
    "cluster-signing-legacy-unknown-cert-file",
];
/// The certificate of etcd's CA.
pub const ETCD_CA: &str = "etc/kubernetes/pki/etcd/ca.crt";
/// The folder of the kubelet's own certificates.
pub const KUBELET_PKI: &str = "var/lib/kubelet/pki";
/// The folder in which runs keep what they need.
const STATE: &str = "etc/kubernetes/.certferry";
/// The folder in which the kubelet finds the static pods.
pub const MANIFESTS: &str = "etc/kubernetes/manifests";
/// The kubelet's kubeconfig.
pub const KUBELET_CONF: &str = "etc/kubernetes/kubelet.conf";
/// The kubeconfig with which a kubelet asks for its first certificate. It would ask again when kubelet.conf fails.
pub const BOOTSTRAP: &str = "etc/kubernetes/bootstrap-kubelet.conf";
/// How the paths begin of the script, the service and the timer that restart a control plane's API server.
pub const API_SERVER_RESTART: &str = "etc/kubernetes/certferry-restart-kube-apiserver";
/// The days of a month that every month has. Each control plane has another for the restart of its API server.
pub const API_SERVER_RESTART_DAYS: usize = 28;

/// Returns the folder in which a place is, of those that hold nothing but what is certferry's or the kubelet's. In the
/// folder of certificates there may be files of anybody, which stay.
#[must_use]
pub fn written_folder(place: &str) -> Option<&'static str> {
    let folders = [KUBELET_PKI, STATE, CERTS_D].into_iter().chain(TRUST_FOLDERS);
    let holds = |folder: &&str| place.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
    folders.into_iter().find(holds)
}

/// Returns the command that lets systemd know the units of [`API_SERVER_RESTART`], or know them anew.
#[must_use]
pub fn enable_api_server_restart() -> String {
    format!(
        "systemctl daemon-reload && systemctl link /{API_SERVER_RESTART}.service && systemctl enable --now /{API_SERVER_RESTART}.timer"
    )
}
