//! What a certificate of a cluster is for.

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
