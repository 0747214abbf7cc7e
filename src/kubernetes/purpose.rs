//! What a certificate of a cluster is for, known by where it lies.

use super::certificate::{AUTHORITIES, CertificateRow};
use crate::x509::ExtendedKeyUsage::{self, ClientAuth, ServerAuth};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The cluster's CA.
    KubernetesCa,
    /// The CA of the aggregation layer.
    FrontProxyCa,
    /// etcd's CA.
    EtcdCa,
    /// The serving certificate of the API server.
    ApiServer,
    /// The certificate with which the API server calls kubelets.
    ApiServerKubeletClient,
    /// The certificate with which the API server calls aggregated API servers.
    FrontProxyClient,
    /// The certificate that an etcd member shows to clients.
    EtcdServer,
    /// The certificate that an etcd member shows to its peers.
    EtcdPeer,
    /// The certificate of a client of etcd.
    EtcdClient,
    /// The certificate in the controller-manager's kubeconfig.
    ControllerManager,
    /// The certificate in the scheduler's kubeconfig.
    Scheduler,
    /// The certificate in a person's kubeconfig, such as admin.conf.
    User,
    /// The certificate with which the kubelet calls the API server.
    KubeletClient,
    /// The serving certificate of the kubelet.
    KubeletServing,
    /// The CA that MetalLB's controller keeps in its Secret.
    MetallbCa,
    /// The certificate of MetalLB's webhook server.
    MetallbServer,
    /// The certificate of the server of any other webhook.
    WebhookServer,
    /// The certificate of a server or client that is not part of Kubernetes: an ingress, a registry, a dashboard.
    Tls,
    /// Anything else.
    Other,
}

impl Purpose {
    /// Returns the purpose of the certificate with kubeadm's base name, such as `etcd/server` or `admin.conf`.
    #[must_use]
    pub fn of_base_name(base_name: &str) -> Self {
        let authority = || AUTHORITIES.iter().find(|row| row.base_name == base_name).map(|row| row.purpose);
        CertificateRow::named(base_name).map(|row| row.purpose).or_else(authority).unwrap_or(Self::Other)
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
    /// `users/alice.conf`.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
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

    /// Returns whether this is a CA with a purpose of its own.
    #[must_use]
    pub const fn is_ca(self) -> bool {
        matches!(self, Self::KubernetesCa | Self::FrontProxyCa | Self::EtcdCa | Self::MetallbCa)
    }

    /// Returns whether the certificate is that of a server to which others connect.
    #[must_use]
    pub const fn is_server(self) -> bool {
        self.is_server_of_node() || matches!(self, Self::MetallbServer | Self::WebhookServer)
    }

    /// Returns whether the certificate is that of a server to which others connect by the name and address of its node.
    #[must_use]
    pub const fn is_server_of_node(self) -> bool {
        matches!(self, Self::ApiServer | Self::EtcdServer | Self::EtcdPeer | Self::KubeletServing)
    }

    /// Returns the purpose of the CA that must have signed the certificate. Returns `None` for CAs, and where any CA
    /// will do.
    ///
    /// Source: kubeadm v1.20.2, certlist.go and kubeconfig.go; MetalLB's are in one Secret.
    #[must_use]
    pub const fn authority(self) -> Option<Self> {
        match self {
            Self::ApiServer
            | Self::ApiServerKubeletClient
            | Self::ControllerManager
            | Self::Scheduler
            | Self::User
            | Self::KubeletClient
            | Self::KubeletServing => Some(Self::KubernetesCa),
            Self::FrontProxyClient => Some(Self::FrontProxyCa),
            Self::EtcdServer | Self::EtcdPeer | Self::EtcdClient => Some(Self::EtcdCa),
            Self::MetallbServer => Some(Self::MetallbCa),
            Self::KubernetesCa
            | Self::FrontProxyCa
            | Self::EtcdCa
            | Self::MetallbCa
            | Self::WebhookServer
            | Self::Tls
            | Self::Other => None,
        }
    }

    /// Returns the extended key usages that the certificate needs.
    ///
    /// A CA needs those of what it signs, if it has the extension at all. The list is empty for [`Self::Tls`] and
    /// [`Self::Other`], of which nothing is known.
    ///
    /// Source: kubeadm v1.20.2, certlist.go and kubeconfig.go; open-policy-agent/cert-controller v0.10.1, rotator.go
    /// `ValidCert`; Go crypto/tls asks a webhook's certificate for serverAuth.
    #[must_use]
    pub const fn usages(self) -> &'static [ExtendedKeyUsage] {
        match self {
            Self::ApiServer | Self::KubeletServing | Self::MetallbCa | Self::MetallbServer | Self::WebhookServer => {
                &[ServerAuth]
            }
            Self::KubernetesCa | Self::EtcdCa | Self::EtcdServer | Self::EtcdPeer => &[ServerAuth, ClientAuth],
            Self::FrontProxyCa
            | Self::ApiServerKubeletClient
            | Self::FrontProxyClient
            | Self::EtcdClient
            | Self::ControllerManager
            | Self::Scheduler
            | Self::User
            | Self::KubeletClient => &[ClientAuth],
            Self::Tls | Self::Other => &[],
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
