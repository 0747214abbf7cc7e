//! The files that the table of certificates leads to.

use super::certificate::{AUTHORITIES, CERTIFICATES, CertificateRow, Output};
use super::place::{KUBELET_CONF, KUBELET_PKI, KUBERNETES, PKI};

/// Returns the places of the certificates of a node's CAs, in the order of [`AUTHORITIES`].
pub fn authorities() -> impl Iterator<Item = String> {
    AUTHORITIES.iter().map(|row| format!("{PKI}/{}.crt", row.base_name))
}

/// The kubeconfigs that kubeadm writes, besides the kubelet's first one: their names in [`KUBERNETES`], in order.
#[must_use]
pub fn kubeconfigs() -> Vec<&'static str> {
    let name = |row: &CertificateRow| match row.output {
        Output::Kubeconfig(_) => Some(row.base_name),
        Output::KubeletStore(_) => Some("kubelet.conf"),
        Output::Pair | Output::KubeletServing => None,
    };
    let mut names: Vec<_> = CERTIFICATES.iter().filter_map(name).collect();
    names.sort_unstable();
    names
}

impl Output {
    /// The beginnings of the paths of all files of a row with that base name.
    pub(super) fn paths(self, base_name: &str) -> impl Iterator<Item = String> {
        let (first, second) = match self {
            Self::Pair => (format!("{PKI}/{base_name}."), None),
            Self::Kubeconfig(_) => (format!("{KUBERNETES}/{base_name}"), None),
            Self::KubeletStore(_) => (KUBELET_CONF.to_owned(), Some(format!("{KUBELET_PKI}/"))),
            Self::KubeletServing => (format!("{KUBELET_PKI}/kubelet."), None),
        };
        [Some(first), second].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::{authorities, kubeconfigs};
    use crate::kubernetes::{CLUSTER_CA, ETCD_CA};

    #[test]
    fn a_node_has_three_authorities() {
        let expected = [CLUSTER_CA, "etc/kubernetes/pki/front-proxy-ca.crt", ETCD_CA];
        assert_eq!(authorities().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn kubeadms_kubeconfigs_are_five() {
        let expected = ["admin.conf", "controller-manager.conf", "kubelet.conf", "scheduler.conf", "super-admin.conf"];
        assert_eq!(kubeconfigs(), expected);
    }
}
