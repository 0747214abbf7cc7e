//! What a certificate of a cluster is for, told by where it lies.

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
    /// The API server's serving certificate.
    ApiServer,
    /// The API server as client of kubelets.
    ApiServerKubeletClient,
    /// The API server as client of aggregated API servers.
    FrontProxyClient,
    /// An etcd member towards clients.
    EtcdServer,
    /// An etcd member towards its peers.
    EtcdPeer,
    /// A client of etcd.
    EtcdClient,
    /// The controller-manager's kubeconfig.
    ControllerManager,
    /// The scheduler's kubeconfig.
    Scheduler,
    /// A person's kubeconfig, admin.conf among them.
    User,
    /// The kubelet as client of the API server.
    KubeletClient,
    /// The kubelet's serving certificate.
    KubeletServing,
    /// The CA that MetalLB's controller keeps in its Secret.
    MetallbCa,
    /// MetalLB's webhook server.
    MetallbServer,
    /// The server of any other webhook.
    WebhookServer,
    /// A server or client of no part of Kubernetes: an ingress, a registry, a dashboard.
    Tls,
    /// Anything else.
    Other,
}

impl Purpose {
    /// By kubeadm's base name: `etcd/server`, `admin.conf`.
    #[must_use]
    pub fn of_base_name(base_name: &str) -> Self {
        let authority = || AUTHORITIES.iter().find(|row| row.base_name == base_name).map(|row| row.purpose);
        CertificateRow::named(base_name).map(|row| row.purpose).or_else(authority).unwrap_or(Self::Other)
    }

    /// A CA, by its name in profiles: `kubernetes`, `front-proxy`, `etcd`, `metallb`. Of others nobody asks more than
    /// that they are CAs.
    #[must_use]
    pub fn of_ca(name: &str) -> Self {
        match AUTHORITIES.iter().find(|row| row.name.profile_name() == name) {
            Some(row) => row.purpose,
            None if name == "metallb" => Self::MetallbCa,
            None => Self::Other,
        }
    }

    /// By the path in a part's tree: `etc/kubernetes/pki/etcd/server.crt`, `users/alice.conf`.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        if path.starts_with("users/") {
            return Self::User;
        }
        if let Some(file) = path.strip_prefix("etcd-clients/") {
            return if file.ends_with("/ca.crt") { Self::EtcdCa } else { Self::EtcdClient };
        }
        // The CAs beside are whatever they say.
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
                // Not below pki.
                Self::KubeletClient | Self::KubeletServing => Self::Other,
                purpose => purpose,
            },
            (None, "kubelet.conf") => Self::KubeletClient,
            (None, _) if file.ends_with(".conf") => Self::of_base_name(file),
            (None, _) => Self::Other,
        }
    }

    /// Whether it is a CA's.
    #[must_use]
    pub const fn is_ca(self) -> bool {
        matches!(self, Self::KubernetesCa | Self::FrontProxyCa | Self::EtcdCa | Self::MetallbCa)
    }

    /// Whether others connect to who holds it.
    #[must_use]
    pub const fn is_server(self) -> bool {
        self.is_server_of_node() || matches!(self, Self::MetallbServer | Self::WebhookServer)
    }

    /// Whether others connect to it by the name and address of its node.
    #[must_use]
    pub const fn is_server_of_node(self) -> bool {
        matches!(self, Self::ApiServer | Self::EtcdServer | Self::EtcdPeer | Self::KubeletServing)
    }

    /// The CA that must have signed it; none for CAs, and where any CA will do.
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

    /// The extended key usages it needs; a CA needs those of what it signs, if it has the extension at all.
    /// Nothing is known of [`Self::Tls`] and [`Self::Other`].
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
