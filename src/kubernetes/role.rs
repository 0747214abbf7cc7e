//! What a node does in a cluster.

/// What a node does in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Runs the API server; with stacked etcd a member too.
    ControlPlane,
    /// Runs workloads.
    Worker,
    /// Runs an etcd member and no kubelet of this cluster.
    Etcd,
}

impl Role {
    /// The name in profiles and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
            Self::Etcd => "etcd",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::ControlPlane, Self::Worker, Self::Etcd].into_iter().find(|role| role.name() == name)
    }
}
