//! What a node does in a cluster.

/// The role of a node in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Runs the API server, and with stacked etcd also a member.
    ControlPlane,
    /// Runs workloads.
    Worker,
    /// Runs an etcd member and no kubelet of this cluster.
    Etcd,
}

impl Role {
    /// Returns the name that profiles and records use, such as `control-plane`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
            Self::Etcd => "etcd",
        }
    }

    /// Returns the role with this name, or `None` when no role has it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::ControlPlane, Self::Worker, Self::Etcd].into_iter().find(|role| role.name() == name)
    }
}
