//! Kubeconfigs: YAML in the one form that certferry writes.

use super::part;

/// Whatever it is, it is judged.
pub fn run(file: &[u8]) {
    part::check(&[("etc/kubernetes/admin.conf", file), ("etc/kubernetes/kubelet.conf", file), ("users/a.conf", file)]);
}
