//! What a certificate of a cluster is for, told by where it lies.

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
    /// Anything else.
    Other,
}

/// kubeadm's base names, the last part of key ids, and what they are for.
const BASE_NAMES: [(&str, Purpose); 16] = [
    ("ca", Purpose::KubernetesCa),
    ("front-proxy-ca", Purpose::FrontProxyCa),
    ("etcd/ca", Purpose::EtcdCa),
    ("apiserver", Purpose::ApiServer),
    ("apiserver-kubelet-client", Purpose::ApiServerKubeletClient),
    ("front-proxy-client", Purpose::FrontProxyClient),
    ("etcd/server", Purpose::EtcdServer),
    ("etcd/peer", Purpose::EtcdPeer),
    ("etcd/healthcheck-client", Purpose::EtcdClient),
    ("apiserver-etcd-client", Purpose::EtcdClient),
    ("admin.conf", Purpose::User),
    ("super-admin.conf", Purpose::User),
    ("controller-manager.conf", Purpose::ControllerManager),
    ("scheduler.conf", Purpose::Scheduler),
    ("kubelet-client", Purpose::KubeletClient),
    ("kubelet", Purpose::KubeletServing),
];

impl Purpose {
    /// By kubeadm's base name: `etcd/server`, `admin.conf`.
    #[must_use]
    pub fn of_base_name(base_name: &str) -> Self {
        let row = BASE_NAMES.iter().find(|(known, _)| *known == base_name);
        row.map_or(Self::Other, |(_, purpose)| *purpose)
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
        if let Some(file) = path.strip_prefix("var/lib/kubelet/pki/") {
            return if file.starts_with("kubelet-client-") {
                Self::KubeletClient
            } else {
                Self::of_base_name("kubelet")
            };
        }
        let Some(file) = path.strip_prefix("etc/kubernetes/") else { return Self::Other };
        match file.strip_prefix("pki/") {
            Some(file) => Self::of_base_name(file.rsplit_once('.').map_or(file, |(stem, _)| stem)),
            None if file == "kubelet.conf" => Self::KubeletClient,
            None => Self::of_base_name(file),
        }
    }

    /// Whether it is a CA's.
    #[must_use]
    pub const fn is_ca(self) -> bool {
        matches!(self, Self::KubernetesCa | Self::FrontProxyCa | Self::EtcdCa)
    }

    /// The extended key usages it must have, in order; nothing is known of [`Self::Other`].
    ///
    /// Source: kubeadm v1.20.2, certlist.go and kubeconfig.go.
    #[must_use]
    pub const fn usages(self) -> Option<&'static [ExtendedKeyUsage]> {
        match self {
            Self::KubernetesCa | Self::FrontProxyCa | Self::EtcdCa => Some(&[]),
            Self::ApiServer | Self::KubeletServing => Some(&[ServerAuth]),
            Self::EtcdServer | Self::EtcdPeer => Some(&[ServerAuth, ClientAuth]),
            Self::ApiServerKubeletClient
            | Self::FrontProxyClient
            | Self::EtcdClient
            | Self::ControllerManager
            | Self::Scheduler
            | Self::User
            | Self::KubeletClient => Some(&[ClientAuth]),
            Self::Other => None,
        }
    }
}
