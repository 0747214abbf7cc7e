//! The files that the table of certificates leads to.

use super::certificate::{AUTHORITIES, CERTIFICATES};
use super::certificate_row::{CertificateRow, Output};
use super::certificates_dir::usual_place;
use super::place::{KUBELET_CONF, KUBELET_PKI, KUBERNETES, PKI};

/// Returns the places of the certificates of a node's CAs in kubeadm's own folder, in the order of [`AUTHORITIES`].
pub fn authorities() -> impl Iterator<Item = String> {
    AUTHORITIES.iter().map(|row| format!("{PKI}/{}.crt", row.base_name))
}

/// Returns whether a place is that of a CA's certificate or key, or of a key that signs the tokens of service accounts,
/// whatever the folder of certificates is.
#[must_use]
pub fn is_shared(place: &str) -> bool {
    let place = usual_place(place);
    let base_name =
        place.strip_prefix(PKI).and_then(|rest| rest.strip_prefix('/')).and_then(|path| path.rsplit_once('.'));
    let is_authority = |name: &str| AUTHORITIES.iter().any(|row| row.base_name == name);
    match base_name {
        Some((name, "crt" | "key")) if is_authority(name) => true,
        Some((name, extension)) => name == "sa" && matches!(extension, "key" | "pub"),
        None => false,
    }
}

/// Returns the names, in [`KUBERNETES`], of the kubeconfigs that kubeadm writes, sorted. The one with which a kubelet
/// begins ([`BOOTSTRAP`](super::BOOTSTRAP)) is not among them.
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
    /// Returns how the paths of all files begin that a row with this base name becomes.
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
    use super::{authorities, is_shared, kubeconfigs};
    use crate::kubernetes::{CLUSTER_CA, ETCD_CA};

    #[test]
    fn a_node_has_three_authorities() {
        let expected = [CLUSTER_CA, "etc/kubernetes/pki/front-proxy-ca.crt", ETCD_CA];
        assert_eq!(authorities().collect::<Vec<_>>(), expected);
    }

    /// Those are what a second control plane is given (`kubeadm join --control-plane`, `upload-certs`).
    #[test]
    fn what_nodes_share_is_of_cas_and_service_accounts() {
        for name in ["ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key"] {
            assert!(is_shared(&format!("etc/kubernetes/pki/{name}")), "{name}");
        }
        for name in ["sa.key", "sa.pub"] {
            assert!(is_shared(&format!("etc/kubernetes/pki/{name}")), "{name}");
        }
        for name in ["apiserver.crt", "etcd/server.key", "ca.srl", "sa.crt", "my-ca.crt", "other/ca.crt", "ca", ""] {
            assert!(!is_shared(&format!("etc/kubernetes/pki/{name}")), "{name}");
        }
        assert!(is_shared("etc/kubernetes/ssl/ca.crt"), "in another folder of certificates");
        assert!(!is_shared("etc/kubernetes/manifests/ca.crt") && !is_shared("ca.crt"));
    }

    #[test]
    fn kubeadms_kubeconfigs_are_five() {
        let expected = ["admin.conf", "controller-manager.conf", "kubelet.conf", "scheduler.conf", "super-admin.conf"];
        assert_eq!(kubeconfigs(), expected);
    }
}
