//! What a certificate is for, known by its name or by where it lies.

use super::certificate::{AUTHORITIES, CERTIFICATES};
use super::certificate_row::{CertificateRow, CommonName};
use super::certificates_dir::usual_place;
use super::place::CA_SIGNING;
use super::purpose::Purpose;
use super::registry::{REGISTRY_CA, in_certs_d, is_trusted_by_system};

impl Purpose {
    /// Returns the purpose of the certificate with kubeadm's base name, such as `etcd/server` or `admin.conf`.
    #[must_use]
    pub fn of_base_name(base_name: &str) -> Self {
        let authority = || AUTHORITIES.iter().find(|row| row.base_name == base_name).map(|row| row.purpose);
        CertificateRow::named(base_name).map(|row| row.purpose).or_else(authority).unwrap_or(Self::Other)
    }

    /// Returns the common name of the certificate for this purpose where it is the same on every node.
    #[must_use]
    pub fn fixed_common_name(self) -> Option<&'static str> {
        CERTIFICATES.iter().filter(|row| row.purpose == self).find_map(|row| match row.common_name {
            CommonName::Fixed(name) => Some(name),
            CommonName::NodeName | CommonName::SystemNode => None,
        })
    }

    /// Returns the purpose of a CA by its name in profiles: `kubernetes`, `front-proxy`, `etcd`, `metallb`.
    ///
    /// Any other CA is [`Self::Other`], because the only thing asked of it is to be a CA.
    #[must_use]
    pub fn of_ca(name: &str) -> Self {
        match AUTHORITIES.iter().find(|row| row.name.profile_name() == name) {
            Some(row) => row.purpose,
            None if name == "metallb" => Self::MetallbCa,
            None => Self::Other,
        }
    }

    /// Returns the purpose by the path in a part's tree, such as `etc/kubernetes/pki/etcd/server.crt` or
    /// `users/alice.conf`. Which folder of `etc/kubernetes` holds the certificates does not matter.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let path = &*usual_place(path);
        if path.starts_with("users/") {
            return Self::User;
        }
        if let Some(file) = path.strip_prefix("etcd-clients/") {
            return if file.ends_with("/ca.crt") { Self::EtcdCa } else { Self::EtcdClient };
        }
        // Files beside `tls.crt` are CAs, whose own fields say what they are for.
        if let Some(file) = path.strip_prefix("tls/") {
            let is_leaf = matches!(file.split_once('/'), Some((_, "tls.crt")));
            return if is_leaf { Self::Tls } else { Self::Other };
        }
        // client-go certificate_store.go, v1.20.2: a file for each rotation, and the link `-current`.
        if let Some(file) = path.strip_prefix("var/lib/kubelet/pki/") {
            return match file {
                _ if file.starts_with("kubelet-client-") => Self::KubeletClient,
                _ if file.starts_with("kubelet-server-") => Self::KubeletServing,
                "kubelet.crt" => Self::KubeletServing,
                _ => Self::Other,
            };
        }
        if is_trusted_by_system(path) || matches!(in_certs_d(path), Some((_, REGISTRY_CA))) {
            return Self::RegistryRoot;
        }
        // The certificate of the cluster's CA once more, in a file without another.
        if path == CA_SIGNING {
            return Self::KubernetesCa;
        }
        let Some(file) = path.strip_prefix("etc/kubernetes/") else { return Self::Other };
        match (file.strip_prefix("pki/"), file) {
            (Some(file), _) => match Self::of_base_name(file.strip_suffix(".crt").unwrap_or_default()) {
                // The kubelet's certificates are not below pki.
                Self::KubeletClient | Self::KubeletServing => Self::Other,
                purpose => purpose,
            },
            (None, "kubelet.conf") => Self::KubeletClient,
            (None, _) if file.ends_with(".conf") => Self::of_base_name(file),
            (None, _) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Purpose;

    #[test]
    fn where_it_lies_tells_what_it_is_for() {
        for (path, purpose) in [
            ("tls/ingress.web/tls.crt", Purpose::Tls),
            ("tls/ingress.web/ca.crt", Purpose::Other),
            ("tls/ca.crt", Purpose::Other),
            ("tls/tls.crt", Purpose::Other),
            ("tls/a/b/tls.crt", Purpose::Other),
            ("etcd-clients/backup/ca.crt", Purpose::EtcdCa),
            ("etcd-clients/backup/client.crt", Purpose::EtcdClient),
            ("etc/kubernetes/pki/etcd/server.crt", Purpose::EtcdServer),
            ("etc/kubernetes/pki/kubelet.crt", Purpose::Other),
            ("var/lib/kubelet/pki/kubelet.crt", Purpose::KubeletServing),
            ("users/alice.conf", Purpose::User),
            ("etc/containerd/certs.d/registry_5000_/ca.crt", Purpose::RegistryRoot),
            ("etc/containerd/certs.d/registry_5000_/hosts.toml", Purpose::Other),
            ("etc/pki/ca-trust/source/anchors/certferry-tls-ca.crt", Purpose::RegistryRoot),
        ] {
            assert_eq!(Purpose::of_path(path), purpose, "{path}");
        }
    }

    #[test]
    fn a_ca_is_the_authority_of_what_names_it() {
        assert_eq!(Purpose::MetallbServer.authority(), Some(Purpose::of_ca("metallb")));
        assert!(Purpose::of_ca("metallb").is_ca());
        for other in ["tls", "cert-manager", "webhook"] {
            assert_eq!(Purpose::of_ca(other), Purpose::Other, "{other}");
        }
    }
}
