//! Kubeconfigs: as certferry writes them in a bundle, and as anybody does on a node.

use super::part;

/// Whatever it is, it is judged.
pub fn run(file: &[u8]) {
    part::check(&[("etc/kubernetes/admin.conf", file), ("etc/kubernetes/kubelet.conf", file), ("users/a.conf", file)]);
}
