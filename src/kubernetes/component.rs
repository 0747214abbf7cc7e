//! The components of a node.

use super::place::KUBELET_CONF;
use super::role::Role;

/// A component that runs on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The etcd member.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// The kubelet.
    Kubelet,
}

impl Component {
    /// Returns the name that processes and static pods have.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
        }
    }

    /// Every component, in the order in which a list names them.
    pub const ALL: [Self; 5] = [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Scheduler, Self::Kubelet];

    /// Names components for a person: `etcd`, `etcd and kubelet`, `etcd, kube-apiserver and kubelet`.
    #[must_use]
    pub fn list<'a>(components: impl IntoIterator<Item = &'a Self>) -> String {
        let names: Vec<_> = components.into_iter().map(|component| component.name()).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, first)) => format!("{} and {last}", first.join(", ")),
            None => String::new(),
        }
    }

    /// Returns the place of a file, with kubeadm's own folder of certificates, that is on a node if and only if the
    /// component runs there.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Etcd => "etc/kubernetes/pki/etcd/server.crt",
            Self::ApiServer => "etc/kubernetes/pki/apiserver.crt",
            Self::ControllerManager => "etc/kubernetes/controller-manager.conf",
            Self::Scheduler => "etc/kubernetes/scheduler.conf",
            Self::Kubelet => KUBELET_CONF,
        }
    }

    /// Returns whether the component runs on a node of this role.
    ///
    /// A file alone does not tell: a worker has `ca.crt` as a control plane does, but no API server to read it.
    #[must_use]
    pub const fn runs(self, role: Role, has_etcd: bool) -> bool {
        match self {
            Self::Etcd => has_etcd,
            Self::ApiServer | Self::ControllerManager | Self::Scheduler => matches!(role, Role::ControlPlane),
            Self::Kubelet => !matches!(role, Role::Etcd),
        }
    }
}
