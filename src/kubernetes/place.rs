//! Where Kubernetes' files lie, relative to the root of a node.

/// A file that has more bytes than this is no certificate, key, kubeconfig, manifest or configuration.
pub const FILE_LIMIT: u64 = 4 << 20;
/// The folder of kubeconfigs.
pub const KUBERNETES: &str = "etc/kubernetes";
/// The folder of certificates and keys.
pub const PKI: &str = "etc/kubernetes/pki";
/// The certificate of the cluster's CA.
pub const CLUSTER_CA: &str = "etc/kubernetes/pki/ca.crt";
/// The certificate of etcd's CA.
pub const ETCD_CA: &str = "etc/kubernetes/pki/etcd/ca.crt";
/// The kubelet's own certificates.
pub const KUBELET_PKI: &str = "var/lib/kubelet/pki";
/// Where the kubelet finds the static pods.
pub const MANIFESTS: &str = "etc/kubernetes/manifests";
/// The kubelet's kubeconfig.
pub const KUBELET_CONF: &str = "etc/kubernetes/kubelet.conf";
/// What a kubelet begins with; it would ask for a certificate with it when kubelet.conf fails.
pub const BOOTSTRAP: &str = "etc/kubernetes/bootstrap-kubelet.conf";
