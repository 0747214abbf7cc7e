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
    /// The root of a registry from which nodes pull, whoever made it.
    RegistryRoot,
    /// Anything else.
    Other,
}

impl Purpose {
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
            | Self::RegistryRoot
            | Self::Other => None,
        }
    }

    /// Returns the extended key usages that the certificate needs.
    ///
    /// A CA needs those of what it signs, if it has the extension at all. The list is empty for [`Self::Tls`],
    /// [`Self::RegistryRoot`] and [`Self::Other`], of which nothing is known.
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
            Self::Tls | Self::RegistryRoot | Self::Other => &[],
        }
    }
}
