//! Where Kubernetes' files lie. Every path is relative to the root of a node.

/// The most bytes of a certificate, key, kubeconfig, manifest or configuration. A larger file is none of these.
pub const FILE_LIMIT: u64 = 4 << 20;
/// The folder of kubeconfigs.
pub const KUBERNETES: &str = "etc/kubernetes";
/// The folder of certificates and keys.
pub const PKI: &str = "etc/kubernetes/pki";
/// The certificate of the cluster's CA.
pub const CLUSTER_CA: &str = "etc/kubernetes/pki/ca.crt";
/// The certificate of etcd's CA.
pub const ETCD_CA: &str = "etc/kubernetes/pki/etcd/ca.crt";
/// The folder of the kubelet's own certificates.
pub const KUBELET_PKI: &str = "var/lib/kubelet/pki";
/// The folder in which the kubelet finds the static pods.
pub const MANIFESTS: &str = "etc/kubernetes/manifests";
/// The kubelet's kubeconfig.
pub const KUBELET_CONF: &str = "etc/kubernetes/kubelet.conf";
/// The kubeconfig with which a kubelet asks for its first certificate. It would ask again when kubelet.conf fails.
pub const BOOTSTRAP: &str = "etc/kubernetes/bootstrap-kubelet.conf";
